"""`check_rule` holds a row against finite differences of its function."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from .. import runtime
from ..errors import SrcgradError
from ..ir.graph import map_values
from ..ir.types import Facts
from ..ops import registry, tables
from .graphs import MODES, Graph
from .trees import (
    Tree,
    complexified,
    entries,
    flat,
    is_float,
    leaves,
    mapped,
    moved,
    moves,
    paired,
    random_like,
    rebuilt,
    same_form,
)

BEFORE_2 = int(np.__version__.partition(".")[0]) < 2
ADJOINTS = frozenset(
    f for f in vars(runtime).values() if callable(f) and f not in (runtime.tolist, runtime.item)
)
STEP = 5e-4  # of a difference of fourth order: truncation and rounding both stay below 1e-10


class NoComplexNumbers(Exception):
    """A function that takes no complex numbers, by its own word."""


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
    numbers: Literal["real", "complex"] = "real",
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
    numbers : {"real", "complex"}
        "complex" gives the arguments that move imaginary parts, to one after the other and to all.
        Then only graphs that know them to be complex are checked, and every result must be known to be
        real or complex; functions through which nothing flows must be constant.

    Raises
    ------
    AssertionError
        Saying what disagrees.
    NoComplexNumbers
        The function itself takes no complex arguments.

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
        argnums = [
            k for k, f in enumerate(formulas[: rule.data]) if f is not None and moves(args[k])
        ]
    if numbers == "complex":
        moving = argnums if rule.verb != "zero" else ()
        cases = [
            _Case(primitive.function, rule, given, named, argnums, project, rtol)
            for given in _complex_arguments(args, moving, project)
        ]
        refusals = [case.call_refused() for case in cases]
        if all(refusals):
            raise NoComplexNumbers(f"{primitive.name}: {refusals[0]}") from refusals[0]
        for case, refusal in zip(cases, refusals, strict=True):
            if refusal is None:
                case.check_complex(order, single)
        return
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


def _complex_arguments(
    args: Sequence[Any], argnums: Sequence[int], project: Callable[[Any], Any] | None
) -> Iterator[tuple[Any, ...]]:
    """The arguments with imaginary parts: in all that move (any floats, where none do), then in one."""
    moving = argnums or [k for k, arg in enumerate(args) if moves(arg)]
    rng = np.random.default_rng(1)
    found = {k: (project or (lambda x: x))(complexified(args[k], rng)) for k in moving}
    yield tuple(found.get(k, arg) for k, arg in enumerate(args))
    if len(argnums) > 1 and not any(entries(args[j]) for j in argnums):
        for j in argnums:
            yield tuple(found[k] if k == j else arg for k, arg in enumerate(args))


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

    def call_refused(self) -> TypeError | None:
        """What the function itself has against its arguments."""
        try:
            self.call(self.args)
        except TypeError as error:
            return error
        return None

    def along(self, k: int, v: Tree, step: float) -> tuple[Any, ...]:
        return (*self.args[:k], moved(self.args[k], v, step), *self.args[k + 1 :])

    def fitted(self, d: Any, arg: Any) -> Any:
        """What the transformation makes of a cotangent: some rows leave un-broadcasting to it."""
        if self.rule.verb in ("elementwise", "bilinear"):
            return runtime.unbroadcast(d, arg)
        return d

    def still(self, k: int, v: Any) -> tuple[Any, ...]:
        """The tangents of all arguments where only argument k moves."""
        formulas = registry.formulas(self.rule, len(self.args))
        return tuple(
            v if j == k else arg if formula is None else runtime.zeros_like(arg)
            for j, (arg, formula) in enumerate(zip(self.args, formulas, strict=True))
        )

    def cotangent(self, k: int, g: Any, y: Any, args: Sequence[Any]) -> Any:
        formula = registry.formulas(self.rule, len(args))[k]
        assert formula is not None
        return self.fitted(formula(g, y, *args, **self.kwargs), args[k])

    def tangent(self, k: int, v: Any, y: Any) -> Any:
        if self.rule.verb in ("linear", "bilinear"):
            return self.call((*self.args[:k], v, *self.args[k + 1 :]))
        if self.rule.itself:
            return self.call(self.still(k, v))
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
            wanted = slope(lambda step, v=v: flat(self.call(self.along(k, v, step))))  # type: ignore[misc]
            given = self.tangent(k, v, y)
            same_form(given, y, f"tangent of argument {k}")
            for a, b in zip(leaves(given), leaves(y), strict=True):
                real = not np.iscomplexobj(a) or np.iscomplexobj(b)
                assert real, f"tangent of argument {k} is complex, and the result is real"
            _close(flat(given), wanted, self.rtol, f"tangent of argument {k}")
            whole = random_like(y, self.rng)
            # What reads a part of a complex number may hand it a real cotangent.
            for w in (whole, mapped(np.real, whole)) if np.iscomplexobj(flat(y)) else (whole,):
                d = self.cotangent(k, w, y, self.args)
                same_form(d, self.args[k], f"cotangent of argument {k}")
                found, right = paired(d, v), np.real(flat(w) @ wanted)
                _close(found, right, self.rtol, f"cotangent of argument {k}")

    def check_single(self, k: int) -> None:
        """The same in single precision, which stays single."""

        def single(leaf: Any) -> Any:
            if not isinstance(leaf, np.ndarray | np.generic) or not is_float(leaf):
                return leaf
            return leaf.astype(np.complex64 if np.iscomplexobj(leaf) else np.float32)

        args = tuple(mapped(single, a) for a in self.args)
        y, wide = self.call(args), self.call(self.args)
        w = random_like(wide, self.rng)
        wanted = self.cotangent(k, w, wide, self.args)
        w = mapped(lambda x, like: np.asarray(x).astype(like.dtype) if isinstance(like, np.ndarray)
                   else x if type(like) in (float, complex)
                   else (np.complex64 if np.iscomplexobj(like) else np.float32)(x), w, y)  # fmt: skip
        given = self.cotangent(k, w, y, args)
        _close(flat(given), flat(wanted), 2e-3, f"argument {k} in single precision")
        # Before NumPy 2.0 a Python number widened a NumPy number beside it.
        widened = BEFORE_2 and any(np.shape(leaf) == () for leaf in (*leaves(y), *leaves(args)))
        wider = [
            leaf for leaf in leaves(y) if np.asarray(leaf).dtype in (np.float64, np.complex128)
        ]
        if not widened and not wider:
            for d, x in zip(leaves(given), leaves(args[k]), strict=True):
                python = not isinstance(x, np.ndarray | np.generic)
                same = python or not is_float(x) or np.real(d).dtype == np.real(x).dtype
                assert same, f"cotangent of argument {k} is {np.asarray(d).dtype}, not float32"

    def check_complex(self, order: int, single: bool) -> None:
        """Complex arguments: as for real ones, where they are known to be complex."""
        graphs = [
            Graph(mode, self.function, self.args, self.kwargs, self.argnums) for mode in MODES[:2]
        ]
        environments = [graph.run() for graph in graphs]
        for k, arg in enumerate(self.args):
            if self.rule.verb == "zero" and moves(arg):
                v = random_like(arg, self.rng)
                found = slope(lambda step, k=k, v=v: flat(self.call(self.along(k, v, step))))  # type: ignore[misc]
                _close(found, 0.0, self.rtol, "what has no derivative moves")
        for k in self.argnums:
            self.check_modes(k)
            self.check_graph(k, "exact", order, False)
            if single:
                self.check_single(k)
        for graph, environment in zip(graphs, environments, strict=True):
            # What is an adjoint of something is held to the type of that by the transformation.
            if self.rule.verb != "zero" and self.function not in ADJOINTS:
                _known_numbers(graph.result.facts, environment[graph.result])

    def check_facts(self) -> None:
        """The stated facts of the function's own result."""
        for mode in MODES[:3]:
            Graph(mode, self.function, self.args, self.kwargs, self.argnums).run()

    def check_graph(self, k: int, mode: str, order: int, refused: bool) -> None:
        """The formula as a graph: it gives the same, tells the truth and has a derivative."""
        graph = Graph(mode, self.function, self.args, self.kwargs, self.argnums)
        y = self.call(self.args)
        w = random_like(y, self.rng)
        formula = registry.formulas(self.rule, len(self.args))[k]
        assert formula is not None
        try:
            result = graph.trace(formula, w)
        except SrcgradError:
            assert refused or mode == "late", f"{mode} graph for argument {k} was refused"
            return
        assert not refused, f"{mode} graph for argument {k} was not refused"
        environment = graph.run()
        wanted = self.cotangent(k, w, y, self.args)
        raw = map_values(environment.__getitem__, result)
        given = self.fitted(raw, self.args[k])
        same_form(given, wanted, f"{mode} graph for argument {k}")
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
                return np.atleast_1d(paired(u, self.cotangent(k, g, self.call(args), args)))

            place = graph.seed if j < 0 else graph.places[j]
            d = map_values(lambda value: swept.get(value, 0.0), place)
            found = paired(_leafwise(d, v), v)
            what = f"{mode}: derivative of the formula of argument {k} by {j if j >= 0 else 'g'}"
            _close(found, slope(second)[0], max(self.rtol, 1e-6) * 10, what)


def _known_numbers(facts: Facts, value: Any) -> None:
    """Demand that a graph knows which numbers are real and which complex: formulas ask."""
    parts = entries(value)
    if parts is not None:
        found = [part for _, part in parts]
        for known, part in zip(facts.items or (facts.element or Facts(),) * len(found), found,
                               strict=True):  # fmt: skip
            _known_numbers(known, part)
    elif is_float(value):
        wanted = "complex" if np.iscomplexobj(value) else "real"
        known_so = facts.is_complex if wanted == "complex" else facts.is_real
        assert known_so, f"a result is not known to be {wanted}"


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


assert tables  # importing them registers the rows
