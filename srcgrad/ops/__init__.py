"""Primitives and the flat tables of their derivative rules."""
