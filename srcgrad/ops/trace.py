"""Calls a rule's lambda with graph values: each NumPy call in it appends an op to the graph."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from ..errors import MissingRule, SrcgradError
from ..ir.build import Builder
from ..ir.graph import Arg, Primitive, Value, map_values
from ..ir.types import Facts
from ..runtime import dtype_of
from . import registry


class Tracer:
    """A graph value in the hands of a rule. It speaks NumPy's protocols and Python's operators.

    A formula may ask what is known of it (`facts`, `ndim` where known), never what it is: `bool()` and
    iteration are refused with a MissingRule.
    """

    __slots__ = ("builder", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Value, builder: Builder) -> None:
        self.value = value
        self.builder = builder

    @property
    def facts(self) -> Facts:
        return self.value.facts

    @property
    def shape(self) -> Any:
        return np.shape(self)

    @property
    def ndim(self) -> Any:
        known = self.facts.ndim
        return np.ndim(self) if known is None else known  # type: ignore[arg-type]

    @property
    def size(self) -> Any:
        return np.size(self)  # type: ignore[arg-type]

    @property
    def dtype(self) -> Any:
        return emit(registry.PRIMITIVES[dtype_of], (self,), {})

    @property
    def T(self) -> Any:
        return np.transpose(self)  # type: ignore[call-overload]

    def conj(self) -> Any:
        return np.conj(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            return NotImplemented
        function = ufunc if kwargs else registry.operator_of(ufunc)
        return emit(known(function), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return emit(known(function), args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        return emit(registry.PRIMITIVES[operator.getitem], (self, index), {})

    def _refuse(self, *args: Any) -> NoReturn:
        raise MissingRule(
            "a derivative rule depends on the value of an argument that only a run knows",
            cure="write the argument into the call as a constant",
        )

    __bool__ = __iter__ = __len__ = __float__ = __int__ = __index__ = _refuse


def _binary(function: Any, swapped: bool = False) -> Any:
    def method(self: Tracer, other: Any) -> Any:
        args = (other, self) if swapped else (self, other)
        return emit(known(function), args, {})

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(Tracer, f"__{_name}__", _binary(getattr(operator, _name)))
    setattr(Tracer, f"__r{_name}__", _binary(getattr(operator, _name), swapped=True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Tracer, f"__{_name}__", _binary(getattr(operator, _name)))
for _name in ("and_", "or_", "xor"):
    setattr(Tracer, f"__{_name.rstrip('_')}__", _binary(getattr(operator, _name)))
for _name in ("neg", "pos", "invert"):
    setattr(
        Tracer,
        f"__{_name}__",
        (lambda function: lambda self: emit(known(function), (self,), {}))(
            getattr(operator, _name)
        ),
    )


def known(function: Any) -> Primitive:
    """The primitive of a function that a rule calls; rules may call nothing else."""
    primitive = registry.find(function)
    if primitive is None and isinstance(function, np.ufunc):
        return registry.made(function)  # of SciPy, in a user's rule; without a derivative as yet
    if primitive is None:
        raise SrcgradError(f"a rule calls {function!r}, which is not a primitive")
    return primitive


def emit(primitive: Primitive, args: Any, kwargs: dict[str, Any]) -> Tracer:
    """Append the op that a call on tracers stands for."""
    builder = next(t.builder for t in tracers((args, kwargs)))
    given, named = registry.normalize_call(primitive, unwrap(tuple(args)), unwrap(dict(kwargs)))
    for k in registry.lists_to_convert(primitive, given):
        made = builder.emit(registry.PRIMITIVES[np.array], (given[k],))
        given = (*given[:k], made, *given[k + 1 :])
    return Tracer(builder.emit(primitive, given, named), builder)


def tracers(arg: Any) -> Any:
    """Every tracer in a structure of arguments."""
    if isinstance(arg, Tracer):
        yield arg
    elif isinstance(arg, tuple | list):
        for item in arg:
            yield from tracers(item)
    elif isinstance(arg, dict):
        yield from tracers(list(arg.values()))
    elif isinstance(arg, slice):
        yield from tracers((arg.start, arg.stop, arg.step))


def unwrap(arg: Any) -> Arg:
    """A structure with the graph values in place of their tracers."""
    if isinstance(arg, Tracer):
        return arg.value
    if isinstance(arg, tuple):
        items = [unwrap(a) for a in arg]
        return type(arg)(*items) if hasattr(arg, "_fields") else tuple(items)
    if isinstance(arg, list):
        return [unwrap(a) for a in arg]
    if isinstance(arg, dict):
        return {k: unwrap(a) for k, a in arg.items()}
    if isinstance(arg, slice):
        return slice(unwrap(arg.start), unwrap(arg.stop), unwrap(arg.step))
    return arg


def wrap(arg: Arg, builder: Builder) -> Any:
    """A structure with tracers in place of its graph values."""
    return map_values(lambda v: Tracer(v, builder), arg)


F = TypeVar("F", bound=Callable[..., Any])


def traced(function: F) -> F:
    """Let a helper that NumPy does not dispatch be called by rules: on tracers it appends its op."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if next(tracers((args, kwargs)), None) is None:
            return function(*args, **kwargs)
        return emit(registry.PRIMITIVES[function], args, kwargs)

    return call  # type: ignore[return-value]
