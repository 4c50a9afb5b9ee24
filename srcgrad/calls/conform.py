"""Makes results look like what they belong to: gradients like arguments, cotangents like results."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..analysis.activity import carries_derivative
from ..errors import StructureError
from ..ir.types import CONTAINERS, SCALARS, UNKNOWN, Facts, facts_of
from ..runtime import fields_of, instance, zeros_like

Conform = Callable[[Any], Any]


def conformer(wanted: Facts, made: Facts = UNKNOWN) -> Conform | None:
    """What gives a gradient the structure and types of its argument; None where nothing is to do.

    `wanted` are the facts of the argument, `made` what is known of the gradient. A leaf without a
    derivative, such as an integer or a string, gets None.

    >>> from ..ir.types import facts_of
    >>> conformer(facts_of([2.0, "relu", np.float32(1)]))([np.float64(3), 0.0, 5.0])
    [3.0, None, np.float32(5.0)]
    """
    if wanted.kind in CONTAINERS:
        return _container(wanted, made)
    if not is_differentiable(wanted):
        return _nothing
    if wanted.kind in SCALARS:
        return _number(wanted, made)
    if wanted.kind != "array":
        return None  # source that was asked for before any call: nothing is known
    if made.kind == "array" and made.dtype == wanted.dtype and wanted.shape != ():
        return None
    return _array(np.dtype(wanted.dtype))


def conform_each(wanted: Sequence[Facts], made: Sequence[Facts]) -> Conform | None:
    """`conformer` for a tuple of gradients."""
    each = [conformer(w, m) for w, m in zip(wanted, made, strict=True)]
    if not any(each):
        return None
    return lambda gradients: tuple(
        g if c is None else c(g) for c, g in zip(each, gradients, strict=True)
    )


def is_differentiable(facts: Facts) -> bool:
    """Whether an argument of these facts has a derivative; a container, if anything in it has."""
    if facts.kind in CONTAINERS:
        if facts.items is None:
            return facts.element is None or is_differentiable(facts.element)
        return not facts.items or any(map(is_differentiable, facts.items))
    if facts.dtype is not None and np.dtype(facts.dtype).kind not in "fc":
        return False
    return facts.kind != "opaque" and carries_derivative(facts)


def _nothing(gradient: Any) -> None:
    return None


def _number(wanted: Facts, made: Facts) -> Conform | None:
    if wanted.kind == "complex":
        return complex if wanted.dtype is None else np.dtype(wanted.dtype).type
    if wanted.dtype is None:
        # Of a real argument, the gradient in a complex program is the real part.
        return float if made.kind == "float" else lambda g: float(g.real)
    scalar: Conform = np.dtype(wanted.dtype).type
    return lambda g: scalar(g.real)


def _array(dtype: np.dtype[Any]) -> Conform:
    if dtype.kind == "c":
        return lambda g: np.asarray(g, dtype)
    return lambda g: np.asarray(g.real, dtype)


def _container(wanted: Facts, made: Facts) -> Conform | None:
    if wanted.items is None:
        return None
    known = made.items if made.items is not None else ()
    parts = known if len(known) == len(wanted.items) else (UNKNOWN,) * len(wanted.items)
    each = [conformer(w, m) for w, m in zip(wanted.items, parts, strict=True)]
    cls, keys = wanted.cls, wanted.keys or ()
    alike = made.kind == wanted.kind and (cls in (list, tuple, dict) or made.cls is cls)
    if alike and made.items is not None and not any(each):
        return None
    if wanted.kind == "dict":
        named = list(zip(keys, each, strict=True))
        kind = OrderedDict if cls is not None and issubclass(cls, OrderedDict) else dict
        return lambda g: kind((k, g[k] if c is None else c(g[k])) for k, c in named)
    if wanted.kind == "object":
        assert cls is not None
        named = list(zip(keys, each, strict=True))
        return lambda g: instance(
            cls, {k: getattr(g, k) if c is None else c(getattr(g, k)) for k, c in named}
        )

    def entries(g: Any) -> list[Any]:
        return [x if c is None else c(x) for c, x in zip(each, g, strict=True)]

    if wanted.kind == "list":
        return entries
    if cls is not None and hasattr(cls, "_fields"):
        return lambda g: cls(*entries(g))
    return lambda g: tuple(entries(g))


def shown(value: Any) -> str:
    """A value in a message: an array by its shape, anything else as it prints, if that is short.

    >>> shown(np.zeros((2, 3))), shown([1.0])
    ('an array of shape (2, 3)', '[1.0]')
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 60 else f"a {type(value).__name__}"


def cotangent_like(given: Any, result: Any, where: str = "the cotangent") -> Any:
    """A cotangent with the types of the result: arrays for arrays, of their dtype.

    Raises
    ------
    StructureError
        If it has not the structure and the shapes of the result; the message names the leaf.

    >>> cotangent_like({"a": [1.0, 2]}, {"a": np.zeros(2)})
    {'a': array([1., 2.])}
    >>> cotangent_like([1.0], [1.0, np.zeros(2)])
    Traceback (most recent call last):
    srcgrad.errors.StructureError: the cotangent must have 2 entries, not [1.0]
    """
    if isinstance(result, dict):
        if not isinstance(given, dict) or given.keys() != result.keys():
            raise StructureError(
                f"{where} must be a dict with the keys {list(result)}, not {shown(given)}"
            )
        return {k: cotangent_like(given[k], v, f"{where}[{k!r}]") for k, v in result.items()}
    if isinstance(result, list | tuple):
        if not isinstance(given, list | tuple) or len(given) != len(result):
            raise StructureError(f"{where} must have {len(result)} entries, not {shown(given)}")
        parts = [cotangent_like(given[k], v, f"{where}[{k}]") for k, v in enumerate(result)]
        if hasattr(result, "_fields"):
            return type(result)(*parts)
        return parts if isinstance(result, list) else tuple(parts)
    if hasattr(type(result), "__dataclass_fields__"):
        if not isinstance(given, type(result)):
            raise StructureError(f"{where} must be a {type(result).__name__}, not {shown(given)}")
        fields = fields_of(result).items()
        return instance(
            type(result),
            {k: cotangent_like(getattr(given, k), v, f"{where}.{k}") for k, v in fields},
        )
    if isinstance(result, np.ndarray | np.generic | float | complex):
        return _leaf(given, result, where)
    return given  # an integer, a string, None: whatever it is told, nothing flows


def _leaf(given: Any, result: Any, where: str) -> Any:
    kind, wanted = np.asarray(given).dtype.kind, np.asarray(result).dtype
    if kind not in "biufc":
        raise StructureError(f"{where} must be numbers, not {shown(given)}")
    if kind == "c" and wanted.kind != "c":
        raise StructureError(f"{where} must be real, not {shown(given)}")
    if np.shape(given) != np.shape(result):
        raise StructureError(
            f"{where} must have the shape {np.shape(result)}, not {np.shape(given)}"
        )
    return np.asarray(given, wanted) if isinstance(result, np.ndarray) else type(result)(given)


def tangent_like(given: Any, primal: Any, name: str, where: str | None = None) -> Any:
    """A tangent with the structure and types of its primal; None where the primal has no derivative.

    In a container, None stands for zeros. What has no derivative has the tangent zero.

    Raises
    ------
    StructureError
        If it has not the structure and the shapes of the primal; the message names the leaf.

    >>> tangent_like([1, None], [2.0, "relu"], "x")
    [1.0, 0.0]
    """
    if not is_differentiable(facts_of(primal)):
        if given is None or not np.any(given):
            return None
        raise StructureError(
            f"{name} has no derivative, so its tangent must be None, not {shown(given)}",
            cure="give None, or pass floats, for instance 3.0 for 3",
        )
    filled = _filled(given, primal)
    return _with_zeros(cotangent_like(filled, primal, where or f"the tangent of {name}"), primal)


def full_tangent(given: Any, primal: Any, name: str) -> Any:
    """`tangent_like`, but zeros for an argument that stays constant; None where it cannot move."""
    if given is None and is_differentiable(facts_of(primal)):
        return _with_zeros(zeros_like(primal), primal)
    return tangent_like(given, primal, name)


def _filled(given: Any, primal: Any) -> Any:
    """A tangent with zeros for None, also for a whole part of it."""
    if given is None:
        return zeros_like(primal)
    if isinstance(given, dict) and isinstance(primal, dict):
        return {k: _filled(v, primal[k]) if k in primal else v for k, v in given.items()}
    if type(given) in (list, tuple) and isinstance(primal, list | tuple):
        if len(given) == len(primal):
            return type(given)(_filled(t, v) for t, v in zip(given, primal, strict=True))
    return given


def _with_zeros(tangent: Any, primal: Any) -> Any:
    if isinstance(primal, dict):
        return {k: _with_zeros(tangent[k], v) for k, v in primal.items()}
    if isinstance(primal, list | tuple):
        parts = [_with_zeros(t, v) for t, v in zip(tangent, primal, strict=True)]
        if hasattr(primal, "_fields"):
            return type(primal)(*parts)
        return parts if isinstance(primal, list) else tuple(parts)
    if hasattr(type(primal), "__dataclass_fields__"):
        fields = fields_of(primal).items()
        return instance(type(primal), {k: _with_zeros(getattr(tangent, k), v) for k, v in fields})
    return tangent if is_differentiable(facts_of(primal)) else zeros_like(primal)


def tangent_of(result: Any, tangent: Any) -> Any:
    """What generated code gives for the tangent of a result, in the result's structure and types.

    >>> tangent_of((2.0, "done"), (np.float64(1), 0.0))
    (1.0, None)
    """
    if isinstance(result, dict):
        return {k: tangent_of(v, tangent[k]) for k, v in result.items()}
    if isinstance(result, list | tuple):
        parts = [tangent_of(v, t) for v, t in zip(result, tangent, strict=True)]
        if hasattr(result, "_fields"):
            return type(result)(*parts)
        return parts if isinstance(result, list) else tuple(parts)
    if hasattr(type(result), "__dataclass_fields__"):
        fields = fields_of(result).items()
        return instance(type(result), {k: tangent_of(v, getattr(tangent, k)) for k, v in fields})
    if isinstance(result, np.ndarray):
        return np.asarray(tangent, result.dtype) if result.dtype.kind in "fc" else None
    if isinstance(result, np.generic):
        return result.dtype.type(tangent) if result.dtype.kind in "fc" else None
    if isinstance(result, float | complex):
        return type(result)(tangent)
    return None
