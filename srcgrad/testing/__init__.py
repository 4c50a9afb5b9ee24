"""Checks of derivatives, for tests: of srcgrad's own rules and of yours."""

from .rules import check_rule

__all__ = ["check_rule"]
