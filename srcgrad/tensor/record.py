"""Runs a function on Tensors: on their arrays at once, and into the graph where a gradient may come."""

from __future__ import annotations

import copy
import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import MissingRule
from ..ops import registry
from .labels import label_of
from .records import Handle, Node, Reading, Storage, TensorError, is_record, owner, rebuilt
from .values import check_float, is_recorded, plain

Make = Callable[[np.ndarray, Storage, Node | None], Any]


def call(make: Make, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What `function` gives for these arguments, its arrays as Tensors made by `make`.

    Recorded if the mode is on and an argument requires a gradient. Results that are neither arrays
    nor NumPy scalars stay what they are.

    Raises
    ------
    MissingRule
        Where the call is recorded and uses a parameter that the function's rule does not cover.
    """
    tensors: list[Handle] = []
    values = plain(tuple(args), tensors)
    named = plain(dict(kwargs), tensors) if kwargs else {}
    if not is_recorded(tensors):
        if registry.find(function) is None:
            values, named = guarded(values), guarded(named)
        return results(make, None, function(*values, **named), tensors)
    primitive = primitive_of(function)
    given, kwargs = registry.normalize_call(primitive, args, kwargs)
    given = _arrays_for_lists(make, primitive, given)
    if named or any(a is not b for a, b in zip(given, args, strict=False)):
        values, named = plain(given, []), plain(kwargs, [])
    if registry.find(function) is None:
        values, named = guarded(values), guarded(named)
    value = function(*values, **named)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "c":
        check_float(value.dtype)
    _check_flow(primitive, given, kwargs)
    node = Node(label_of(function, values), primitive, linked(given), linked(kwargs), value)
    return results(make, node, value, tensors)


def _check_flow(primitive: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Refuse a Tensor that requires a gradient as an argument that the rule does not know.

    Raises
    ------
    MissingRule
        Naming the function: such a gradient would be left out without a word.
    """
    rule = registry.RULES.get(primitive)
    if rule is None or rule.verb == "zero" or (not kwargs and len(args) <= len(rule.vjps)):
        return
    tensors: list[Handle] = []
    plain([*args[len(rule.vjps) :], *kwargs.values()], tensors)
    if any(t.requires_grad for t in tensors):
        raise MissingRule(
            f"{primitive.name} has no derivative rule for every argument that requires grad here",
            cure="pass x.detach() where no gradient is wanted",
        )


@functools.cache
def _without_rule(function: Any) -> Any:
    from ..ir.graph import Primitive

    return Primitive(registry.name_of(function), function)


operator_of = registry.operator_of


@functools.cache
def _load_rules() -> None:
    from ..ops import tables  # noqa: F401  registers the rules


def primitive_of(function: Any) -> Any:
    """The primitive of a function; one without a rule where srcgrad does not know it."""
    _load_rules()
    found = registry.find(function)
    return _without_rule(function) if found is None else found


def guarded(arg: Any) -> Any:
    """Arguments for a function that may write to its arrays: it must not, as nobody would notice."""

    def value(item: Any) -> Any:
        if not isinstance(item, np.ndarray):
            return item
        view = item.view()
        view.flags.writeable = False
        return view

    return rebuilt(arg, value)


def linked(arg: Any) -> Any:
    """Arguments with the node, or the reading of the leaf, in place of each Tensor."""

    def link(item: Any) -> Any:
        if not isinstance(item, Handle):
            return item
        node = item._node
        if node is None:
            return reading_of(item)
        if node.storage is not None and node.storage.version != node.version:
            raise TensorError(
                "a Tensor that operations are recorded of was changed in place after it was computed",
                cure="change x.detach().copy() instead, or compute a new Tensor: y = y + v",
            )
        return node

    return rebuilt(arg, link)


def reading_of(leaf: Handle) -> Reading:
    """The value of a leaf at its present version, one object as long as the version lasts."""
    reading = leaf._reading
    accumulator = leaf._accumulator if leaf._required else None
    if (
        reading is None
        or reading.version != leaf._storage.version
        or reading.accumulator is not accumulator
    ):
        reading = leaf._reading = Reading(leaf._array, leaf._storage, accumulator)
    return reading


def _arrays_for_lists(make: Make, primitive: Any, args: Sequence[Any]) -> tuple[Any, ...]:
    """Arguments that rules take for arrays, as arrays where they are lists."""
    rule = registry.RULES.get(primitive)
    if rule is None or rule.lists:
        return tuple(args)
    if any(isinstance(arg, list | tuple) for arg in args):
        made = list(args)
        for k, formula in enumerate(rule.vjps[: len(args)]):
            if formula is not None and isinstance(args[k], list | tuple):
                made[k] = call(make, np.array, (args[k],), {})
        return tuple(made)
    return tuple(args)


def results(make: Make, node: Node | None, value: Any, tensors: Sequence[Handle]) -> Any:
    """The results of a call as Tensors, those that carry a derivative with their node."""
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "biufc":
            return value
        if value.dtype.kind not in "fc":
            node = None
        array = np.asarray(value)
        storage, sharer = storage_of(array, tensors)
        if node is not None and node.storage is None:
            node.storage, node.version = storage, storage.version
        made = make(array, storage, node)
        if sharer is not None:
            storage.share(sharer, made)
        return made
    if isinstance(value, float | complex) and node is not None:
        return results(make, node, np.asarray(value), ())
    if isinstance(value, tuple | list):
        parts = [results(make, entry(node, k, v), v, tensors) for k, v in enumerate(value)]
        if hasattr(value, "_fields"):
            return type(value)(*parts)
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, dict):
        return {k: results(make, entry(node, k, v), v, tensors) for k, v in value.items()}
    if is_record(value):
        made = copy.copy(value)
        for name in value.__dataclass_fields__:
            field = getattr(value, name)
            part = results(make, entry(node, name, field, getattr), field, tensors)
            object.__setattr__(made, name, part)
        return made
    return value


def entry(
    node: Node | None, key: Any, value: Any, take: Callable[..., Any] = operator.getitem
) -> Node | None:
    """The node of one entry of what a node gives, where several values come at once."""
    if node is None or not may_vary(value):
        return None
    primitive = primitive_of(take)
    return Node(node.label, primitive, (node, key), {}, value)


def may_vary(value: Any) -> bool:
    """Whether a value, or anything in it, can carry a derivative."""
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "fc"
    if isinstance(value, tuple | list):
        return any(may_vary(v) for v in value)
    if isinstance(value, dict):
        return any(may_vary(v) for v in value.values())
    if is_record(value):
        return any(may_vary(getattr(value, name)) for name in value.__dataclass_fields__)
    return isinstance(value, float | complex)


def storage_of(array: np.ndarray, tensors: Sequence[Handle]) -> tuple[Storage, Handle | None]:
    """The storage of an array that a call on `tensors` gave: that of a Tensor it is a view of."""
    whole = owner(array)
    for tensor in tensors:
        if owner(tensor._array) is whole:
            return tensor._storage, tensor
    return Storage(), None


def refuse_ufunc_method(ufunc: Any, method: str) -> None:
    """Refuse `np.add.reduce` and its like of what requires a gradient.

    Raises
    ------
    MissingRule
        Always, with NumPy's function of the same meaning where there is one.
    """
    instead = {
        ("add", "reduce"): "np.sum", ("multiply", "reduce"): "np.prod",
        ("maximum", "reduce"): "np.max", ("minimum", "reduce"): "np.min",
        ("add", "accumulate"): "np.cumsum", ("multiply", "accumulate"): "np.cumprod",
        ("multiply", "outer"): "np.outer",
    }.get((ufunc.__name__, method))  # fmt: skip
    raise MissingRule(
        f"np.{ufunc.__name__}.{method} has no derivative rule",
        cure=f"use {instead}" if instead else "write it with functions that have one",
    )
