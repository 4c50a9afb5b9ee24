"""Mappings whose keys are known, taken apart into their entries."""

from __future__ import annotations

import operator
from typing import Any

from ..ir.graph import Value
from .core import Lowerer
from .symbols import Outside, Symbol


def spread(low: Lowerer, symbol: Symbol) -> dict[Any, Symbol]:
    """A mapping whose keys are known, as a dict of symbols."""
    if isinstance(symbol, Outside):
        symbol = low.capture(symbol)
    if isinstance(symbol, dict):
        return symbol
    if isinstance(symbol, Value) and symbol.facts.kind == "dict" and symbol.facts.keys is not None:
        return {k: low.apply(operator.getitem, symbol, k) for k in symbol.facts.keys}
    low.refuse(
        "the keys of what is spread with ** are not known here",
        cure="call the gradient with arguments, or write the keys out",
    )
