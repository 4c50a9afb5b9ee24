"""Holds one program to everything that has to be true of its gradient."""

import copy
import dataclasses
import itertools
import linecache
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from zoo.numeric import children, identical, is_float, random_like, tree_dot, tree_leaves, tree_map
from zoo.numeric import shifted as moved

from fuzz.programs import Program
from srcgrad import value_and_grad, vjp
from srcgrad.autodiff.reverse import Wanted, gradient, joint
from srcgrad.codegen.load import Generated, generate
from srcgrad.codegen.save import standalone
from srcgrad.errors import SrcgradError
from srcgrad.frontend.lower import lower
from srcgrad.ir.graph import Function
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import SMALLEST_SYMBOL, Dim, facts_of
from srcgrad.ir.verify import verify
from srcgrad.ops import tables  # noqa: F401  registers the rules
from srcgrad.optimize import passes

_files = itertools.count()
LARGEST = 1e7  # beyond, differences say nothing


class Failure(AssertionError):
    """A rule that a program breaks: the stage, what kind of thing happened there, and the details."""

    def __init__(self, stage: str, kind: str, detail: str = "") -> None:
        super().__init__(f"{stage}: {kind}: {detail}")
        self.key = (stage, kind)


def load(text: str) -> Callable[..., Any]:
    """The function `f` of a module's text, whose source can be found."""
    file = f"<program {next(_files)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": "fuzzed"}
    exec(compile(text, file, "exec"), namespace)
    return namespace["f"]


def check(program: Program) -> str:
    """What came of a program: "ok", or why there was nothing to hold it to.

    "assumed" is a program whose source before any call takes an array that is written to for a number.

    Raises Failure.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _Check(program).run()


class _Check:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.args = program.args
        self.before = copy.deepcopy(program.args)
        self.rng = np.random.default_rng(max(program.seed, 0))
        floats = [leaf for leaf in tree_leaves(self.args) if is_float(leaf)]
        self.single = any(np.asarray(leaf).dtype == np.float32 for leaf in floats)
        self.unsure = self.assumed = False

    # -- the road -----------------------------------------------------------------------------

    def run(self) -> str:
        try:
            self.function = load(self.program.text)
            self.value = self.function(*copy.deepcopy(self.args))
        except Exception as error:
            return f"skipped: the program raises {type(error).__name__}"
        leaves = tree_leaves(self.value)
        if not all(map(_finite, leaves)):
            return "skipped: the result is not finite"
        if not any(map(is_float, leaves)):
            return "skipped: the result is no float"
        if self.program.loss and (children(self.value) is not None or np.shape(self.value) != ()):
            return "skipped: the result is not one number"
        code = self.function.__code__
        self.names = code.co_varnames[: code.co_argcount]
        self.wanted = [Wanted(k) for k in self.program.argnums]
        try:
            self.graphs()
            self.emitted()
            self.pullback()
        except SrcgradError as error:
            return f"refused: {type(error).__name__}: {error.message}"
        self.generic()
        return "unsure" if self.unsure else "assumed" if self.assumed else "ok"

    def attempt(self, stage: str, call: Callable[..., Any], *args: Any) -> Any:
        """What a call gives; whatever it raises but a refusal is a failure of the stage."""
        try:
            result = call(*args)
        except (SrcgradError, Failure):
            raise
        except Exception as error:
            raise Failure(stage, type(error).__name__, str(error)) from error
        if not identical(self.args, self.before):
            raise Failure(stage, "an argument was changed")
        return result

    def given(self) -> dict[str, Any]:
        """What a call says of the parameters."""
        symbols: dict[int, Dim] = {}
        return {n: facts_of(v, symbols) for n, v in zip(self.names, self.args, strict=True)}

    def gradient(self, graph: Function) -> Function:
        return gradient(graph, self.wanted, single=False, value=True)

    def executed(self, made: Generated) -> Callable[..., Any]:
        """The function of a generated text, executed as a user would who has copied it."""
        outside = {k: v for k, v in self.function.__globals__.items() if not callable(v)}
        namespace: dict[str, Any] = {**outside, **made.objects}
        exec(made.text, namespace)
        return namespace[made.name]

    def graphs(self) -> None:
        """The graph, its derivative, and what each pass makes of that, all interpreted."""
        graph = self.attempt("read", lower, self.function, self.given())
        self.attempt("read", verify, graph)
        found = self.attempt("interpret the program", interpret, graph, self.args)
        self.same("interpret the program", found, self.value)
        if self.program.loss:
            build = lambda: self.gradient(graph)  # noqa: E731
            self.cotangent: Any = None
        else:
            build = lambda: joint(graph, self.wanted)  # noqa: E731
            self.cotangent = _cotangent(self.value, self.rng)
        derivative = self.attempt("differentiate", build)
        self.attempt("differentiate", verify, derivative)
        if self.program.loss:
            self.cotangent = derivative.signature[-1].default
        args = (*self.args, self.cotangent)
        value, self.gradients = self.attempt("interpret", interpret, derivative, args)
        self.same("interpret", value, self.value)
        self.unsure = not all(map(_finite, tree_leaves(self.gradients)))
        if not self.unsure:
            self.slopes("interpret", self.gradients)
        for step, (name, run) in enumerate(passes.PASSES):
            stage = f"pass {step} {name}"
            derivative = self.attempt(stage, run, derivative)
            self.attempt(stage, verify, derivative)
            value, gradients = self.attempt(stage, interpret, derivative, args)
            self.same(stage, value, self.value)
            self.same(stage, gradients, self.gradients)

    def emitted(self) -> None:
        """The text that runs for these arguments, called twice."""
        if not self.program.loss:
            return
        made = value_and_grad(self.function, self.program.argnums)
        first = self.attempt("emit", made, *self.args)
        kept = copy.deepcopy(first)
        self.same("emit", first[0], self.value)
        self.same("emit", first[1], self.gradients)
        self.fits("emit", first[1])
        self.owned("emit", first[1], self.args)
        again = self.attempt("emit", made, *self.args)
        if not (identical(first, kept) and identical(again, kept)):
            raise Failure("emit", "the second call gives something else")
        self.resized(made)
        if self.program.seed % 10 == 0:
            texts = {made.specialize(*self.args).source for _ in range(2)}
            if len(texts) > 1:
                raise Failure("emit", "the text differs from one time to the next")

    def resized(self, made: Callable[..., Any]) -> None:
        """The program of large arrays serves arrays of other large sizes."""
        args = tree_map(_larger, self.args)
        if identical(args, self.args):
            return
        try:
            value = self.function(*copy.deepcopy(args))
        except Exception:
            return  # a size is written into the program
        if np.shape(value) != () or not _finite(value):
            return
        symbols: dict[int, Dim] = {}
        given = {n: facts_of(v, symbols) for n, v in zip(self.names, args, strict=True)}
        graph = self.attempt("resized", lower, self.function, given)
        derivative = self.attempt("resized", self.gradient, graph)
        expected = self.attempt("resized", interpret, derivative, (*args, self.cotangent))
        self.same("resized", self.attempt("resized", made, *args), expected)

    def pullback(self) -> None:
        """The forward and the backward program."""
        value, pull = self.attempt("vjp", vjp, self.function, *self.args)
        self.same("vjp", value, self.value)
        cotangent, factor = self.cotangent, 1.0
        if self.program.loss:
            cotangent = factor = float(self.rng.standard_normal())
            if isinstance(value, np.generic | np.ndarray):
                cotangent = np.asarray(factor, value.dtype)[()]
        shown = copy.deepcopy(cotangent)
        first = self.attempt("pullback", pull, cotangent)
        kept = copy.deepcopy(first)
        gradients = [first[k] for k in self.program.argnums]
        self.same("pullback", gradients, _scaled(list(self.gradients), factor))
        again = self.attempt("pullback", pull, cotangent)
        if not identical(cotangent, shown):
            raise Failure("pullback", "the cotangent was changed")
        if not (identical(first, kept) and identical(again, kept)):
            raise Failure("pullback", "the second call gives something else")
        self.owned("pullback", first, (self.args, cotangent))
        self.owned("pullback", (first, again), ())

    def generic(self) -> None:
        """The source that is shown before any call, for numbers and arrays, and the module saved."""
        # What such source assumes: no containers, and a single number wherever one is compared.
        unfit = [children(a) is not None or (np.ndim(a) > 0 and np.size(a) == 1) for a in self.args]
        loss = self.program.loss
        try:
            graph = self.attempt("generic", lower, self.function, None)
            build = lambda: self.gradient(graph) if loss else joint(graph, self.wanted)  # noqa: E731
            graph = self.attempt("generic", lambda: passes.optimize(build()))
            made = self.attempt("generic", generate, graph)
        except SrcgradError:
            return
        if not loss or any(unfit):
            return  # it is read, differentiated and printed; what it gives is another matter
        run = self.attempt("generic", self.executed, made)
        first = self.attempt("generic", run, *self.args)
        try:
            self.same("generic", first[0], self.value)
            self.same("generic", first[1], self.gradients)
        except Failure:
            if not self.program.writes:
                raise
            self.assumed = True  # `x += 1` binds a number anew: what such source takes `x` for
        self.owned("generic", first[1], self.args)
        try:
            text = self.attempt("save", standalone, made, graph)
        except SrcgradError as error:
            raise Failure("save", "refused", error.message) from error
        if "srcgrad.runtime" in text:
            raise Failure("save", "the saved module needs srcgrad")
        namespace: dict[str, Any] = {}
        self.attempt("save", exec, text, namespace)
        second = self.attempt("save", namespace[made.name], *self.args)
        if not identical(second, first):
            raise Failure("save", "the saved module gives something else", f"{second} != {first}")

    # -- the rules ------------------------------------------------------------------------------

    def same(self, stage: str, found: Any, expected: Any) -> None:
        """Equal up to rounding. Where what is expected is not finite, anything will do."""
        known = [np.abs(leaf) for leaf in tree_leaves(expected) if is_float(leaf) and np.size(leaf)]
        scale = 1 + max(
            (float(np.max(k[np.isfinite(k)], initial=0.0)) for k in map(np.asarray, known)),
            default=0.0,
        )
        rtol, atol = (2e-3, 2e-4 * scale) if self.single else (1e-7, 1e-9 * scale)
        if not _close(found, expected, rtol, atol):
            raise Failure(stage, "mismatch", f"{found!r} instead of {expected!r}")

    def slopes(self, stage: str, gradients: Sequence[Any]) -> None:
        """Equal to central differences along a random direction, unless there is a kink."""
        args = tree_map(_double, self.args) if self.single else self.args
        directions = [random_like(args[k], self.rng) for k in self.program.argnums]
        pairs = [(d, _doubled(g)) for d, g in zip(directions, gradients, strict=True)]
        try:
            got = sum(tree_dot(d, g) for d, g in pairs)
        except TypeError as error:
            raise Failure(stage, "shape", str(error)) from error
        size = sum(abs(tree_dot(_abs(d), _abs(g))) for d, g in pairs)
        if size > LARGEST:
            return

        def at(step: float) -> float:
            moving = copy.deepcopy(list(args))
            for k, direction in zip(self.program.argnums, directions, strict=True):
                moving[k] = moved(args[k], direction, step)
            return _dot(self.cotangent, self.function(*moving))

        steps = (1e-4, 1e-5)
        try:
            middle = at(0.0)
            ahead, behind = [at(h) for h in steps], [at(-h) for h in steps]
        except Exception:
            return  # the program cannot be moved: an exact comparison in it, say
        tolerance = (2e-3 if self.single else 2e-5) * (1 + size)
        slopes = [(a - b) / (2 * h) for a, b, h in zip(ahead, behind, steps, strict=True)]
        # What rounding makes of the smaller step, and how far the larger one is off for being large.
        tolerance += 1e-14 * max(map(abs, (middle, *ahead, *behind))) / steps[1]
        tolerance += 0.1 * abs(slopes[0] - slopes[1])
        if any(abs(got - slope) <= tolerance for slope in slopes) or not np.all(
            np.isfinite(slopes)
        ):
            return
        jumps = [(a - 2 * middle + b) / h for a, b, h in zip(ahead, behind, steps, strict=True)]
        smooth = abs(jumps[1]) < 0.3 * abs(jumps[0]) + tolerance
        settled = abs(slopes[0] - slopes[1]) < 0.02 * max(map(abs, slopes)) + tolerance
        if smooth and settled:
            raise Failure(stage, "slope", f"{got} instead of {slopes}; {gradients!r}")

    def fits(self, stage: str, gradients: Sequence[Any]) -> None:
        """Structure, shape and type of each gradient are those of its argument."""
        for k, found in zip(self.program.argnums, gradients, strict=True):
            where = _misfit(found, self.args[k])
            if where is not None:
                raise Failure(stage, f"type of {where}", f"{found!r} for {self.args[k]!r}")

    def owned(self, stage: str, results: Any, others: Any) -> None:
        """The results share memory neither with each other nor with anything else, and are writable."""
        mine = [leaf for leaf in _leaves(results) if isinstance(leaf, np.ndarray)]
        theirs = [leaf for leaf in _leaves(others) if isinstance(leaf, np.ndarray)]
        if any(not leaf.flags.writeable for leaf in mine):
            raise Failure(stage, "a result is read-only")
        if any(np.shares_memory(a, b) for a, b in itertools.combinations(mine, 2)):
            raise Failure(stage, "two results share memory")
        if any(np.shares_memory(a, b) for a in mine for b in theirs):
            raise Failure(stage, "a result shares memory with an argument")


def _larger(leaf: Any) -> Any:
    """An array with some more entries on axes that are large."""
    if not isinstance(leaf, np.ndarray) or max(leaf.shape, default=0) < SMALLEST_SYMBOL:
        return leaf
    shape = [n if n < SMALLEST_SYMBOL else 3 * n - 13 for n in leaf.shape]
    return np.resize(leaf, shape)


def _leaves(tree: Any) -> Iterator[Any]:
    yield from (leaf for leaf in tree_leaves(tree) if leaf is not None)


def _finite(leaf: Any) -> bool:
    if isinstance(leaf, complex | np.complexfloating):
        return False
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind not in "fiub":
        return False
    return not is_float(leaf) or bool(np.all(np.isfinite(leaf)))


def _cotangent(value: Any, rng: np.random.Generator) -> Any:
    def draw(leaf: Any) -> Any:
        if not is_float(leaf):
            return np.zeros(np.shape(leaf)) if np.ndim(leaf) else 0.0
        drawn = np.asarray(rng.standard_normal(np.shape(leaf)), np.asarray(leaf).dtype)
        return drawn if isinstance(leaf, np.ndarray) else type(leaf)(drawn)

    return tree_map(draw, value)


def _dot(cotangent: Any, value: Any) -> float:
    pairs = zip(tree_leaves(cotangent), tree_leaves(value), strict=True)
    return float(sum(np.sum(np.multiply(c, v, dtype=float)) for c, v in pairs))


def _double(leaf: Any) -> Any:
    if not is_float(leaf):
        return leaf
    return leaf.astype(float) if isinstance(leaf, np.ndarray) else float(leaf)


def _doubled(tree: Any) -> Any:
    return tree_map(_double, tree)


def _abs(tree: Any) -> Any:
    return tree_map(lambda leaf: None if leaf is None else np.abs(leaf), tree)


def _scaled(tree: Any, factor: float) -> Any:
    return tree_map(lambda leaf: leaf * factor if is_float(leaf) else leaf, tree)


def _close(found: Any, expected: Any, rtol: float, atol: float) -> bool:
    if dataclasses.is_dataclass(expected):
        return type(found) is type(expected) and _close(
            children(found), children(expected), rtol, atol
        )
    if isinstance(expected, dict):
        if not isinstance(found, dict) or found.keys() != expected.keys():
            return False
        return all(_close(found[k], expected[k], rtol, atol) for k in expected)
    if isinstance(expected, list | tuple):
        if not isinstance(found, list | tuple) or len(found) != len(expected):
            return False
        return all(_close(a, b, rtol, atol) for a, b in zip(found, expected, strict=True))
    if expected is None or isinstance(expected, str):
        return bool(found == expected)
    if np.shape(found) != np.shape(expected):
        return False
    a, b = np.asarray(found, complex), np.asarray(expected, complex)
    return bool(np.all((np.abs(a - b) <= atol + rtol * np.abs(b)) | ~np.isfinite(b)))


def _misfit(found: Any, arg: Any) -> str | None:
    parts = children(arg)
    if parts is not None:
        inner = children(found)
        if type(found) is not type(arg) or inner is None or len(inner) != len(parts):
            return f"a {type(arg).__name__}"
        return next((w for w in map(_misfit, inner, parts) if w is not None), None)
    if not is_float(arg):
        return None
    if isinstance(arg, np.ndarray):
        same = isinstance(found, np.ndarray) and (found.dtype, found.shape) == (
            arg.dtype,
            arg.shape,
        )
        return None if same else f"an array of {arg.ndim} dimensions"
    return None if type(found) is type(arg) else f"a {type(arg).__name__}"
