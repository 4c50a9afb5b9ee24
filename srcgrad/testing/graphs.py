"""A formula traced into a graph: run with every fact held against the truth, and swept backwards."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import runtime
from ..ir.build import Builder
from ..ir.graph import Op, Value, map_values, values_in
from ..ir.types import PY_INT, Dim, Facts, facts_of, join_all, tied
from ..ops import registry, trace
from .trees import entries, moves, rebuilt, same_form, shown
from .truth import admits, symbols

# What a graph may know of its arguments: all, shapes in symbols, nothing, and not even integers.
MODES = ("exact", "symbolic", "unknown", "late")


class _Known:
    """The facts that the arguments of a graph are given."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.symbols: dict[int, Dim] = {}

    @property
    def sizes(self) -> dict[Any, int]:
        return {next(iter(dim.terms))[0]: n for n, dim in self.symbols.items()}

    def facts(self, value: Any) -> Facts:
        if self.mode == "exact":
            return facts_of(value)
        if self.mode == "symbolic":
            return facts_of(value, self.symbols)
        if isinstance(value, list | tuple | dict):
            kind = next(t.__name__ for t in (list, tuple, dict) if isinstance(value, t))
            parts = [self.facts(v) for _, v in entries(value) or ()]
            return Facts(kind, element=join_all(tuple(parts)))  # type: ignore[arg-type]
        if dataclasses.is_dataclass(value):
            return facts_of(value)
        return Facts() if not isinstance(value, int) else PY_INT

    def argument(self, arg: Any, moving: bool, params: dict[Value, Any]) -> Any:
        """The argument as a graph has it: a value for what only a run knows, a constant otherwise."""
        whole = self.mode in ("unknown", "late")
        if moving and (whole or not isinstance(arg, list | tuple | dict)):
            return self.value(arg, params)
        if isinstance(arg, np.ndarray):
            return self.value(arg, params)
        if isinstance(arg, list | tuple | dict):
            return rebuilt(arg, [self.argument(a, moving, params) for _, a in entries(arg) or ()])
        if isinstance(arg, slice):
            ends = (arg.start, arg.stop, arg.step)
            return slice(*(self.argument(a, False, params) for a in ends))
        if self.mode == "late" and type(arg) is int:
            return self.value(arg, params)
        return arg

    def value(self, arg: Any, params: dict[Value, Any]) -> Value:
        made = Value()
        made.facts = tied(self.facts(arg), made)
        params[made] = arg
        return made


class Graph:
    """One call as an op, and formulas of its rule traced after it.

    `places` has the call's arguments as the graph has them, `seed` the cotangent of its result.
    """

    def __init__(
        self,
        mode: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        moving: Sequence[int],
    ) -> None:
        self.known = _Known(mode)
        self.params: dict[Value, Any] = {}
        self.builder = Builder()
        self.seed: Any = None
        primitive = registry.PRIMITIVES[function]
        self.places = [
            self.known.argument(a, j in moving and moves(a), self.params)
            for j, a in enumerate(args)
        ]
        for k in registry.lists_to_convert(primitive, self.places):
            given = self.places[k]
            self.places[k] = self.builder.emit(registry.PRIMITIVES[np.array], (given,))
        self.kwargs = dict(kwargs)
        self.result = self.builder.emit(primitive, self.places, self.kwargs)

    def trace(self, formula: Callable[..., Any], w: Any) -> Any:
        """What a formula gives for the cotangent `w`: a value, or a structure of values."""
        self.seed = self.known.value(w, self.params)
        wrapped = trace.wrap((self.seed, self.result, *self.places), self.builder)
        given = trace.unwrap(formula(*wrapped, **self.kwargs))
        if isinstance(given, Value | list | tuple | dict):
            return given
        return self.builder.emit(registry.PRIMITIVES[runtime.gather], (given,))

    def run(self) -> dict[Value, Any]:
        """Run the ops, holding each result against its facts."""
        environment = dict(self.params)
        sizes: dict[Any, Any] = dict(self.known.sizes)
        for param, value in environment.items():
            sizes.update(symbols(param, value))
        for op in self.builder.ops:
            args, kwargs = map_values(environment.__getitem__, (op.args, dict(op.kwargs)))
            value = op.primitive.function(*args, **kwargs)
            sizes.update(symbols(op.result, value))
            wrong = admits(op.result.facts, value, sizes)
            assert wrong is None, (
                f"{self.known.mode}: {op.primitive} of {shown(args)} is said to be {wrong}, "
                f"but gives {shown(value)}"
            )
            environment[op.result] = value
        return environment

    def sweep(self, result: Any, u: Any, environment: dict[Value, Any]) -> dict[Value, Any]:
        """The cotangents of all values, by the rules of the ops."""
        cotangents: dict[Value, Any] = {}
        active = self._active()

        def give(arg: Any, d: Any) -> None:
            if isinstance(arg, Value):
                if arg in active:
                    if arg.facts.is_real:
                        d = np.real(d)
                    cotangents[arg] = runtime.add(cotangents[arg], d) if arg in cotangents else d
            elif entries(arg) is not None:
                for key, part in entries(arg) or ():
                    if any(v in active for v in values_in(part)):
                        give(part, d[key])

        give(result, u)
        for op in reversed(self.builder.ops):
            if op.result in cotangents:
                self._pull(op, cotangents[op.result], environment, active, give)
        return cotangents

    def _active(self) -> set[Value]:
        active = {v for v, x in self.params.items() if moves(x)}
        for op in self.builder.ops:
            rule = registry.rule_of(op.primitive)
            reads = values_in((op.args, dict(op.kwargs)))
            if rule.verb != "zero" and not op.result.facts.is_integral:
                if any(v in active for v in reads):
                    active.add(op.result)
        return active

    def _pull(
        self, op: Op, g: Any, environment: dict[Value, Any], active: set[Value], give: Any
    ) -> None:
        rule = registry.rule_of(op.primitive)
        args, kwargs = map_values(environment.__getitem__, (op.args, dict(op.kwargs)))
        used = [k for k, a in enumerate(op.args) if any(v in active for v in values_in(a))]
        assert not any(v in active for v in values_in(dict(op.kwargs))), f"{op.primitive}: keyword"
        for k in used:
            formula = registry.formulas(rule, len(op.args))[k]
            if formula is None:
                continue
            d = formula(g, environment[op.result], *args, **kwargs)
            if rule.verb in ("elementwise", "bilinear"):
                d = runtime.unbroadcast(d, args[k])
            same_form(d, args[k], f"{op.primitive} of {shown(args)}: cotangent of argument {k}")
            give(op.args[k], d)
