"""What is known of a tangent or cotangent from what is known of its value."""

from __future__ import annotations

import numpy as np

from ..ir.types import CONTAINERS, PY_FLOAT, SCALARS, Facts
from .activity import carries_derivative


def tangent_facts(facts: Facts) -> Facts:
    """What is known of the tangent of a value of these facts, in each round of a loop."""
    if facts.kind in CONTAINERS:
        items = None if facts.items is None else tuple(map(tangent_facts, facts.items))
        element = None if facts.element is None else tangent_facts(facts.element)
        return Facts(facts.kind, items=items, element=element, keys=facts.keys, cls=facts.cls)
    if facts.kind == "array" and facts.shape != ():
        smooth = facts.dtype is not None and np.dtype(facts.dtype).kind in "fc"
        return Facts("array", facts.dtype if smooth else None, facts.shape)
    if facts.kind in SCALARS:
        return Facts(facts.kind, None, facts.shape) if carries_derivative(facts) else PY_FLOAT
    return Facts("unknown", None, facts.shape)
