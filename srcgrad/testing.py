"""Checks of derivative rules: `check_rule` holds a row against finite differences of its function."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from . import runtime
from .errors import SrcgradError
from .ir.build import Builder
from .ir.graph import Op, Value, map_values, values_in
from .ir.types import PY_INT, AnyShape, Dim, Facts, facts_of, join_all, tied
from .ops import registry, tables, trace

Tree = Any
STEP = 5e-4  # of a difference of fourth order: truncation and rounding both stay below 1e-10


def check_rule(
    function: Callable[..., Any],
    *args: Any,
    kwargs: Mapping[str, Any] | None = None,
    argnums: Sequence[int] | None = None,
    order: int = 2,
    single: bool = True,
    project: Callable[[Any], Any] | None = None,
    rtol: float = 1e-6,
    refused: Sequence[str] = (),
) -> None:
    """Hold the row of `function` against the function itself, at these arguments.

    Both modes agree with central differences; the cotangents have the arguments' structure, shapes and
    dtypes; the formula as a graph gives what it gives as NumPy code, whatever is known of the arguments,
    and every fact the graph states is true; its own derivative follows from the rules of its ops; the
    arguments are left alone. What one point cannot show, it cannot see: add cases for kinks and zeros.

    Parameters
    ----------
    function : callable
        A primitive.
    *args, kwargs
        Where to check. Arguments that hold floats move; all others are constants.
    argnums : sequence of int, optional
        The arguments to move, in place of all that can.
    order : int
        2 also checks the derivative of the formulas, by their graph.
    single : bool
        Whether to check float32 too.
    project : callable, optional
        Applied to each direction, where the function is only defined for some (symmetric matrices).
    rtol : float
        Relative tolerance at float64.
    refused : sequence of str
        The states of knowledge, out of `MODES`, in which the row must refuse the call.

    Raises
    ------
    AssertionError
        Saying what disagrees.

    Examples
    --------
    >>> check_rule(np.hypot, np.array([3.0, 1.0]), 4.0)
    """
    primitive = registry.find(function)
    assert primitive is not None, f"{function} is not a primitive"
    rule = registry.rule_of(primitive)
    args, named = registry.normalize_call(primitive, args, kwargs or {})
    formulas = registry.formulas(rule, len(args))
    if argnums is None:
        argnums = [k for k, f in enumerate(formulas) if f is not None and moves(args[k])]
    case = _Case(primitive.function, rule, args, named, argnums, project, rtol)
    kept = copy.deepcopy((args, named))
    case.check_facts()
    for k in argnums:
        case.check_modes(k)
        for mode in MODES:
            case.check_graph(k, mode, order, mode in refused)
        if single:
            case.check_single(k)
    _same_bits((args, named), kept)


# Trees: numbers, arrays, and containers of them


def entries(tree: Tree) -> Iterator[tuple[Any, Tree]] | None:
    """The keys and parts of a container; None of what is none."""
    if isinstance(tree, Mapping):
        return iter(tree.items())
    if isinstance(tree, list | tuple):
        return iter(enumerate(tree))
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return iter([(f.name, getattr(tree, f.name)) for f in dataclasses.fields(tree)])
    return None


def rebuilt(like: Tree, parts: Sequence[Tree]) -> Tree:
    """A container like `like` with other parts."""
    if isinstance(like, Mapping):
        return dict(zip(like, parts, strict=True))
    if isinstance(like, list):
        return list(parts)
    if isinstance(like, tuple):
        return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)
    names = [f.name for f in dataclasses.fields(like)]
    return type(like)(**dict(zip(names, parts, strict=True)))


def mapped(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    """`function` applied leaf by leaf to trees of one structure."""
    parts = entries(tree)
    if parts is None:
        return function(tree, *others)

    def part(other: Tree, key: Any) -> Any:
        return getattr(other, key) if dataclasses.is_dataclass(other) else other[key]

    return rebuilt(
        tree, [mapped(function, v, *(part(o, key) for o in others)) for key, v in parts]
    )


def leaves(tree: Tree) -> list[Any]:
    """The leaves of a tree, in order."""
    parts = entries(tree)
    return [tree] if parts is None else [leaf for _, v in parts for leaf in leaves(v)]


def is_float(leaf: Any) -> bool:
    """Whether a leaf can move."""
    return isinstance(leaf, float) or (
        isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind == "f"
    )


def moves(tree: Tree) -> bool:
    """Whether a tree has leaves that can move."""
    return any(map(is_float, leaves(tree)))


def flat(tree: Tree) -> Any:
    """All numbers of a tree in one vector; what cannot move counts as zero."""
    parts = [
        np.ravel(leaf) if is_float(leaf) else np.zeros(np.size(leaf)) for leaf in leaves(tree)
    ]
    return np.concatenate([np.zeros(0), *parts])


def random_like(tree: Tree, rng: np.random.Generator) -> Tree:
    """Random numbers in the structure, shapes and types of a tree; zeros where nothing can move."""

    def leaf(x: Any) -> Any:
        if not is_float(x):
            return np.zeros(np.shape(x)) if isinstance(x, np.ndarray) else 0.0
        if isinstance(x, float) and not isinstance(x, np.generic):
            return float(rng.normal())
        drawn = rng.normal(size=np.shape(x)).astype(x.dtype)
        return drawn if isinstance(x, np.ndarray) else drawn[()]

    return mapped(leaf, tree)


def moved(tree: Tree, direction: Tree, step: float) -> Tree:
    """A tree a step along a direction."""
    return mapped(lambda x, v: x + step * v if is_float(x) else x, tree, direction)


def slope(f: Callable[[float], Any]) -> Any:
    """The derivative of a vector-valued function of one number at zero, by central differences."""
    near, far = f(STEP) - f(-STEP), f(2 * STEP) - f(-2 * STEP)
    return (8 * near - far) / (12 * STEP)


def _same_bits(after: Tree, before: Tree) -> None:
    for x, y in zip(leaves(list(after)), leaves(list(before)), strict=True):
        if isinstance(x, np.ndarray | float):
            assert np.asarray(x).tobytes() == np.asarray(y).tobytes(), "an argument was written to"


def _close(given: Any, wanted: Any, rtol: float, what: str) -> None:
    scale = max(float(np.max(np.abs(wanted), initial=0.0)), 1.0)
    np.testing.assert_allclose(given, wanted, rtol=rtol, atol=rtol * scale, err_msg=what)


def _same_form(given: Tree, wanted: Tree, what: str) -> None:
    """Demand one structure and equal shapes."""
    parts = entries(wanted)
    if parts is None:
        assert np.shape(given) == np.shape(wanted), (
            f"{what}: shape {np.shape(given)}, not {np.shape(wanted)}"
        )
        return
    mine = entries(given)
    assert mine is not None, f"{what}: {given!r} where a container was wanted"
    for (_, a), (_, b) in zip(mine, parts, strict=True):
        _same_form(a, b, what)


# Facts


def admits(facts: Facts, value: Any, sizes: Mapping[Any, Any]) -> str | None:
    """What is wrong with stating these facts of a value; None where they are true of it.

    `sizes` says what each symbol stands for: a size, or a whole shape.
    """
    if facts.known and not (facts.known[0] is value or facts.known[0] == value):
        return f"known to be {facts.known[0]!r}"
    if facts.kind in ("opaque", "undefined", "function", "none", "str", "range"):
        return f"kind {facts.kind}" if moves(value) else None
    parts = entries(value)
    if facts.kind in ("list", "tuple", "dict", "object"):
        if parts is None:
            return f"kind {facts.kind}"
        if facts.cls is not None and type(value) is not facts.cls:
            return f"class {facts.cls}"
        found = [part for _, part in parts]
        known = facts.items if facts.items is not None else (facts.element or Facts("opaque"),)
        if facts.items is not None and len(found) != len(known):
            return f"{len(known)} entries"
        if facts.items is None:
            known = known * len(found) if facts.element is not None else ()
        wrong = (admits(f, v, sizes) for f, v in zip(known, found, strict=False))
        return next((w for w in wrong if w is not None), None)
    if parts is not None or not isinstance(value, np.ndarray | np.generic | float | int | complex):
        return "a number or an array"
    return _admits_number(facts, value, sizes)


def _admits_number(facts: Facts, value: Any, sizes: Mapping[Any, Any]) -> str | None:
    if facts.kind == "array" and not isinstance(value, np.ndarray):
        return "kind array"
    if facts.kind in ("float", "int", "bool", "complex"):
        python = {"float": float, "int": int, "bool": bool, "complex": complex}[facts.kind]
        if facts.dtype is None and type(value) is not python:
            return f"a Python {facts.kind}"
        if facts.dtype is not None and not isinstance(value, np.generic):
            return "a NumPy number"
    if facts.dtype is not None and np.asarray(value).dtype != np.dtype(facts.dtype):
        return f"dtype {facts.dtype}"
    if facts.kind == "int" and facts.keys and _size(facts.keys[0], sizes) != value:
        return f"the size {facts.keys[0]}"
    shape = np.shape(value)
    if isinstance(facts.shape, AnyShape) and sizes.get(facts.shape.symbol, shape) != shape:
        return "another shape"
    if isinstance(facts.shape, tuple):
        stated = [_size(d, sizes) for d in facts.shape]
        if len(shape) != len(stated) or any(
            s is not None and s != n for s, n in zip(stated, shape, strict=True)
        ):
            return f"shape {facts.shape}"
    return None


def _symbols(value: Value, found: Any) -> dict[Any, Any]:
    """What the symbols that are tied to a value stand for."""
    if entries(found) is not None:
        return {}
    shape = np.shape(found)
    return {value: shape, **{(value, k): n for k, n in enumerate(shape)}}


def _size(size: Any, sizes: Mapping[Any, Any]) -> int | None:
    if isinstance(size, Dim):
        return size.const + sum(count * sizes[symbol] for symbol, count in size.terms)
    return size  # type: ignore[no-any-return]


# What a graph may know of its arguments

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
            parts = [self.facts(v) for v in (value.values() if kind == "dict" else value)]
            return Facts(kind, element=join_all(tuple(parts)))  # type: ignore[arg-type]
        if dataclasses.is_dataclass(value):
            return facts_of(value)
        return Facts() if not isinstance(value, int) else PY_INT

    def argument(self, arg: Any, moving: bool, params: dict[Value, Any]) -> Any:
        """The argument as a graph has it: a value for what only a run knows, a constant otherwise."""
        whole = self.mode in ("unknown", "late")
        if moving and (whole or not isinstance(arg, list | tuple)):
            return self.value(arg, params)
        if isinstance(arg, np.ndarray):
            return self.value(arg, params)
        if isinstance(arg, list | tuple):
            parts = [self.argument(a, moving, params) for a in arg]
            return rebuilt(arg, parts)
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


class _Case:
    """One row at one point."""

    def __init__(
        self,
        function: Callable[..., Any],
        rule: registry.Rule,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        project: Callable[[Any], Any] | None,
        rtol: float,
    ) -> None:
        self.function, self.rule, self.args, self.kwargs = function, rule, args, kwargs
        self.argnums = argnums
        self.project = project or (lambda v: v)
        self.rtol = rtol
        self.rng = np.random.default_rng(0)

    def call(self, args: Sequence[Any]) -> Any:
        return self.function(*args, **self.kwargs)

    def along(self, k: int, v: Tree, step: float) -> tuple[Any, ...]:
        return (*self.args[:k], moved(self.args[k], v, step), *self.args[k + 1 :])

    def fitted(self, d: Any, arg: Any) -> Any:
        """What the transformation makes of a cotangent: some rows leave un-broadcasting to it."""
        if self.rule.verb in ("elementwise", "bilinear"):
            return runtime.unbroadcast(d, arg)
        return d

    def cotangent(self, k: int, g: Any, y: Any, args: Sequence[Any]) -> Any:
        formula = registry.formulas(self.rule, len(args))[k]
        assert formula is not None
        return self.fitted(formula(g, y, *args, **self.kwargs), args[k])

    def tangent(self, k: int, v: Any, y: Any) -> Any:
        if self.rule.verb in ("linear", "bilinear"):
            return self.call((*self.args[:k], v, *self.args[k + 1 :]))
        formula = self.rule.jvps[k]
        assert formula is not None
        given = formula(v, y, *self.args, **self.kwargs)
        if self.rule.verb == "elementwise" and entries(y) is None:
            return np.broadcast_to(given, np.shape(y))
        return given

    def check_modes(self, k: int) -> None:
        """Forward and reverse mode against differences."""
        y = self.call(self.args)
        for _ in range(2):
            v = self.project(random_like(self.args[k], self.rng))
            w = random_like(y, self.rng)
            wanted = slope(lambda step, v=v: flat(self.call(self.along(k, v, step))))  # type: ignore[misc]
            given = self.tangent(k, v, y)
            _same_form(given, y, f"tangent of argument {k}")
            _close(flat(given), wanted, self.rtol, f"tangent of argument {k}")
            d = self.cotangent(k, w, y, self.args)
            _same_form(d, self.args[k], f"cotangent of argument {k}")
            _close(flat(d) @ flat(v), flat(w) @ wanted, self.rtol, f"cotangent of argument {k}")

    def check_single(self, k: int) -> None:
        """The same in single precision, which stays single."""

        def single(leaf: Any) -> Any:
            numpy = isinstance(leaf, np.ndarray | np.generic)
            return leaf.astype(np.float32) if numpy and is_float(leaf) else leaf

        args = tuple(mapped(single, a) for a in self.args)
        y, wide = self.call(args), self.call(self.args)
        w = random_like(wide, self.rng)
        wanted = self.cotangent(k, w, wide, self.args)
        w = mapped(lambda x, like: np.asarray(x).astype(like.dtype) if isinstance(like, np.ndarray)
                   else x if type(like) is float else np.float32(x), w, y)  # fmt: skip
        given = self.cotangent(k, w, y, args)
        _close(flat(given), flat(wanted), 2e-3, f"argument {k} in single precision")
        if all(np.asarray(leaf).dtype != np.float64 for leaf in leaves(y)):
            for d, x in zip(leaves(given), leaves(args[k]), strict=True):
                python = not isinstance(x, np.ndarray | np.generic)
                same = python or not is_float(x) or np.asarray(d).dtype == x.dtype
                assert same, f"cotangent of argument {k} is {np.asarray(d).dtype}, not float32"

    def check_facts(self) -> None:
        """The stated facts of the function's own result."""
        for mode in MODES[:3]:
            graph = _Graph(mode)
            graph.primal(self, self.argnums)
            graph.run()

    def check_graph(self, k: int, mode: str, order: int, refused: bool) -> None:
        """The formula as a graph: it gives the same, tells the truth and has a derivative."""
        graph = _Graph(mode)
        y = self.call(self.args)
        w = random_like(y, self.rng)
        try:
            result = graph.formula(self, k, w)
        except SrcgradError:
            assert refused or mode == "late", f"{mode} graph for argument {k} was refused"
            return
        assert not refused, f"{mode} graph for argument {k} was not refused"
        environment = graph.run()
        wanted = self.cotangent(k, w, y, self.args)
        raw = map_values(environment.__getitem__, result)
        given = self.fitted(raw, self.args[k])
        _same_form(given, wanted, f"{mode} graph for argument {k}")
        _close(flat(given), flat(wanted), 1e-9, f"{mode} graph for argument {k}")
        if order < 2 or mode in ("symbolic", "late"):
            return
        u = random_like(wanted, self.rng)
        back = u if entries(raw) is not None else _unfitted(u, raw)
        swept = graph.sweep(result, back, environment)
        for j in (-1, *self.argnums):
            x = w if j < 0 else self.args[j]
            v = random_like(x, self.rng) if j < 0 else self.project(random_like(x, self.rng))

            def second(step: float, j: int = j, v: Any = v) -> Any:
                args = self.along(j, v, step) if j >= 0 else self.args
                g = moved(w, v, step) if j < 0 else w
                return np.atleast_1d(flat(u) @ flat(self.cotangent(k, g, self.call(args), args)))

            place = graph.seed if j < 0 else graph.places[j]
            d = map_values(lambda value: swept.get(value, 0.0), place)
            found = flat(_leafwise(d, v)) @ flat(v)
            what = f"{mode}: derivative of the formula of argument {k} by {j if j >= 0 else 'g'}"
            _close(found, slope(second)[0], max(self.rtol, 1e-6) * 10, what)


def _unfitted(u: Any, raw: Any) -> Any:
    """The adjoint of un-broadcasting: `u` in the shape that a formula gave."""
    if np.broadcast_shapes(np.shape(u), np.shape(raw)) == np.shape(raw):
        return np.broadcast_to(u, np.shape(raw))
    return runtime.unbroadcast(u, raw)


def _leafwise(d: Any, like: Any) -> Any:
    """A cotangent spread over a structure: where there is none at all, zeros."""
    if entries(like) is None:
        return np.broadcast_to(d, np.shape(like))
    if entries(d) is None:
        return mapped(lambda x: np.zeros(np.shape(x)), like)
    parts = entries(like) or iter(())
    mine = [v for _, v in entries(d) or ()]
    return rebuilt(like, [_leafwise(a, b) for a, (_, b) in zip(mine, parts, strict=True)])


class _Graph:
    """A formula traced into ops, over one primal op."""

    def __init__(self, mode: str) -> None:
        self.known = _Known(mode)
        self.params: dict[Value, Any] = {}
        self.builder = Builder()
        self.places: list[Any] = []
        self.seed: Any = None

    def primal(self, case: _Case, moving: Sequence[int]) -> Value:
        primitive = registry.PRIMITIVES[case.function]
        given = [
            self.known.argument(a, j in moving and moves(a), self.params)
            for j, a in enumerate(case.args)
        ]
        for k in registry.lists_to_convert(primitive, given):
            given[k] = self.builder.emit(registry.PRIMITIVES[np.array], (given[k],))
        self.places = given
        return self.builder.emit(primitive, given, case.kwargs)

    def formula(self, case: _Case, k: int, w: Any) -> Any:
        y = self.primal(case, case.argnums)
        self.seed = self.known.value(w, self.params)
        formula = registry.formulas(case.rule, len(case.args))[k]
        assert formula is not None
        wrap = trace.wrap((self.seed, y, *self.places), self.builder)
        given = formula(*wrap, **case.kwargs)
        result = trace.unwrap(given)
        if not isinstance(result, Value | list | tuple | dict):
            result = self.builder.emit(registry.PRIMITIVES[runtime.gather], (result,))
        return result

    def run(self) -> dict[Value, Any]:
        """Run the ops, holding each result against its facts."""
        environment = dict(self.params)
        sizes: dict[Any, Any] = dict(self.known.sizes)
        for param, value in environment.items():
            sizes.update(_symbols(param, value))
        for op in self.builder.ops:
            args, kwargs = map_values(environment.__getitem__, (op.args, dict(op.kwargs)))
            value = op.primitive.function(*args, **kwargs)
            sizes.update(_symbols(op.result, value))
            wrong = admits(op.result.facts, value, sizes)
            assert wrong is None, (
                f"{self.known.mode}: {op.primitive} of {_shown(args)} is said to be {wrong}, "
                f"but gives {_shown(value)}"
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
        used = [
            k for k, a in enumerate(op.args) if any(v in active for v in values_in(a))
        ]
        assert not any(v in active for v in values_in(dict(op.kwargs))), f"{op.primitive}: keyword"
        for k in used:
            formula = registry.formulas(rule, len(op.args))[k]
            if formula is None:
                continue
            d = formula(g, environment[op.result], *args, **kwargs)
            if rule.verb in ("elementwise", "bilinear"):
                d = runtime.unbroadcast(d, args[k])
            _same_form(d, args[k], f"{op.primitive} of {_shown(args)}: cotangent of argument {k}")
            give(op.args[k], d)


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return str(facts_of(value))
    parts = entries(value)
    if parts is None:
        return f"{type(value).__name__} {value!r}"
    return f"{type(value).__name__}({', '.join(_shown(v) for _, v in parts)})"


assert tables  # importing them registers the rows
