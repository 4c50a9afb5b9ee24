"""Every kernel: value and gradient by srcgrad against complex steps and differences, arguments untouched."""

import ast
import copy
import inspect
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from zoo.features import writes
from zoo.numeric import identical, is_float, random_like, shifted, tree_leaves, tree_map
from zoo.test_gradients import close

import srcgrad
from kernels.registry import KERNELS as REGISTER
from kernels.registry import Kernel, all_kernels
from srcgrad.autodiff.reverse import Wanted, joint
from srcgrad.calls.conform import is_differentiable
from srcgrad.errors import SrcgradError
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import facts_of
from srcgrad.ir.verify import verify
from srcgrad.optimize.passes import PASSES
from srcgrad.pipeline import primal

KERNELS = all_kernels()
NAMES = sorted(KERNELS)
REFUSED = [name for name in NAMES if KERNELS[name].refused]
DIFFERENTIATED = [name for name in NAMES if not KERNELS[name].refused]

# An argument of no more entries than this is checked entry by entry, a larger one along random ones.
FEW = 12
DIRECTIONS = 5


def plain(kernel: Kernel, args: tuple[Any, ...]) -> Any:
    """What the function returns; it may write into its arguments, so it gets copies."""
    return kernel.function(*copy.deepcopy(args))


def outputs(kernel: Kernel, args: tuple[Any, ...]) -> np.ndarray:
    """All numbers that the kernel returns, in one array."""
    return np.concatenate([np.ravel(leaf) for leaf in tree_leaves(plain(kernel, args))])


def flat(tree: Any) -> np.ndarray:
    return np.concatenate([np.ravel(leaf) for leaf in tree_leaves(tree) if leaf is not None])


def directions(tree: Any, rng: np.random.Generator) -> Iterator[Any]:
    """The unit directions of a small argument, random ones of a large one; None where no float is."""
    size = sum(np.size(leaf) for leaf in tree_leaves(tree) if is_float(leaf))
    if size > FEW:
        for _ in range(DIRECTIONS):
            yield random_like(tree, rng)
        return
    for entry in np.eye(size):
        parts = iter(entry)
        yield tree_map(lambda leaf: taken(leaf, parts) if is_float(leaf) else None, tree)


def taken(leaf: Any, numbers: Iterator[float]) -> Any:
    """Something shaped like a leaf, filled from the numbers."""
    filled = np.array([next(numbers) for _ in range(np.size(leaf))]).reshape(np.shape(leaf))
    return filled if isinstance(leaf, np.ndarray) else float(filled)


def as_complex(tree: Any) -> Any:
    # np.complex128 compares by the real part first, as the branches of a kernel need it.
    def convert(leaf: Any) -> Any:
        if not is_float(leaf):
            return copy.copy(leaf)
        return leaf.astype(complex) if isinstance(leaf, np.ndarray) else np.complex128(leaf)

    return tree_map(convert, tree)


def moved(args: tuple[Any, ...], argnum: int, direction: Any, step: complex) -> tuple[Any, ...]:
    return (*args[:argnum], shifted(args[argnum], direction, step), *args[argnum + 1 :])


def complex_step(kernel: Kernel, argnum: int, direction: Any) -> np.ndarray:
    """The derivative of all outputs along a direction, exact up to rounding."""
    step = 1e-30
    args = moved(as_complex(kernel.args), argnum, direction, step * 1j)
    return outputs(kernel, args).imag / step


def differences(kernel: Kernel, argnum: int, direction: Any) -> np.ndarray:
    """The derivative of all outputs along a direction, by central differences at two step sizes."""
    slopes = []
    # A time step of 0.01 is not to be moved by as much as a position of 1.
    scale = min(1.0, max(np.abs(leaf).max() for leaf in tree_leaves(kernel.args[argnum])))
    # The fourth-order combination of the two is good to about 1e-9 of the size of the terms.
    for eps in (2e-4 * scale, 1e-4 * scale):
        ahead = outputs(kernel, moved(kernel.args, argnum, direction, eps))
        behind = outputs(kernel, moved(kernel.args, argnum, direction, -eps))
        slopes.append((ahead - behind) / (2 * eps))
    coarse, fine = slopes
    np.testing.assert_allclose(coarse, fine, rtol=1e-3, atol=1e-4 * (1 + np.abs(fine).max()))
    return fine + (fine - coarse) / 3


def derivative(kernel: Kernel, argnum: int, direction: Any) -> tuple[np.ndarray, float]:
    """The derivative of all outputs along a direction, and the relative accuracy to expect of it."""
    if kernel.analytic:
        return complex_step(kernel, argnum, direction), 1e-9
    return differences(kernel, argnum, direction), 1e-6


def floats_in(kernel: Kernel) -> list[int]:
    return [k for k, arg in enumerate(kernel.args) if any(map(is_float, tree_leaves(arg)))]


def rng_of(name: str) -> np.random.Generator:
    return np.random.default_rng(sum(map(ord, name)))


# ---- the kernels themselves


def test_there_are_enough():
    assert len(KERNELS) >= 40
    assert KERNELS is REGISTER


def lines_run(function: Callable[..., Any], args: tuple[Any, ...]) -> Counter[int]:
    """How often each line of the function ran."""
    counts: Counter[int] = Counter()
    code = inspect.unwrap(function).__code__

    def trace(frame: Any, event: str, arg: Any) -> Any:
        if frame.f_code is not code:
            return None
        if event == "line":
            counts[frame.f_lineno] += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*copy.deepcopy(args))
    finally:
        sys.settrace(before)
    return counts


@pytest.mark.parametrize("name", NAMES)
def test_runs_its_steps(name):
    """Some line in a loop runs as often as the registration says: five times or more."""
    kernel = KERNELS[name]
    assert kernel.steps >= 5
    lines, start = inspect.getsourcelines(kernel.function)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    inner = {
        statement.lineno + start - 1
        for loop in ast.walk(tree)
        if isinstance(loop, ast.For | ast.While)
        for statement in loop.body
    }
    counts = lines_run(kernel.function, kernel.args)
    assert max(counts[line] for line in inner) >= kernel.steps


def writes_elsewhere(node: ast.AST) -> bool:
    """Whether this is `x += y`, which writes into an array, or an argument `out=`."""
    return isinstance(node, ast.AugAssign) or (isinstance(node, ast.keyword) and node.arg == "out")


@pytest.mark.parametrize("name", NAMES)
def test_writes_into_something(name):
    function = KERNELS[name].function
    trees = [function]
    while trees:
        found = trees.pop()
        tree = ast.parse(textwrap.dedent(inspect.getsource(found)))
        if any(writes(tree)) or any(map(writes_elsewhere, ast.walk(tree))):
            return
        for node in ast.walk(tree):
            named = function.__globals__.get(getattr(node, "id", None))
            if inspect.getmodule(named) is inspect.getmodule(function) and named is not found:
                trees.append(named)
    pytest.fail("no write")


@pytest.mark.parametrize("name", NAMES)
def test_every_argument_matters(name):
    """Plain NumPy alone: the derivative is finite, two ways agree, and no float argument is idle."""
    kernel = KERNELS[name]
    rng = rng_of(name)
    assert floats_in(kernel)
    for argnum in floats_in(kernel):
        direction = random_like(kernel.args[argnum], rng)
        found, _ = derivative(kernel, argnum, direction)
        assert np.all(np.isfinite(found))
        assert np.abs(found).max() > 1e-6, argnum
        by_differences = differences(kernel, argnum, direction)
        assert agree(found, by_differences, 1e-6), argnum


def agree(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two arrays agree relative to their largest entry."""
    return bool(np.all(np.abs(a - b) <= tolerance * (1 + np.abs(b).max())))


# ---- the gradients


def cotangent(result: Any, name: str) -> Any:
    """Random numbers for every output, the same at each call for one kernel."""
    return random_like(result, rng_of(name))


def check_gradients(kernel: Kernel, g: Any, gradients: tuple[Any, ...], rng: np.random.Generator):
    """Assert that these are the cotangents of the arguments for the cotangent `g` of the result."""
    weights = flat(g)
    for argnum, (arg, found) in enumerate(zip(kernel.args, gradients, strict=True)):
        if argnum not in floats_in(kernel):
            assert found is None
            continue
        assert shapes(found) == shapes(arg)
        for direction in directions(arg, rng):
            slopes, tolerance = derivative(kernel, argnum, direction)
            scale = np.abs(slopes) @ np.abs(weights)
            got = flat(direction) @ flat(found)
            assert abs(got - slopes @ weights) <= tolerance * (1 + scale), (argnum, direction)


def shapes(tree: Any) -> list[Any]:
    return [np.shape(leaf) for leaf in tree_leaves(tree)]


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    kernel = KERNELS[name]
    before = copy.deepcopy(kernel.args)
    with pytest.raises(SrcgradError, match=kernel.refused) as caught:
        srcgrad.vjp(kernel.function, *kernel.args)
    assert caught.value.location is not None and caught.value.cure
    assert identical(kernel.args, before)


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_pullback(name):
    kernel = KERNELS[name]
    before = copy.deepcopy(kernel.args)
    value, pullback = srcgrad.vjp(kernel.function, *kernel.args)
    assert identical(kernel.args, before)
    expected = plain(kernel, kernel.args)
    assert close(value, expected)
    g = cotangent(expected, name)
    given = copy.deepcopy(g)
    gradients = pullback(g)
    assert identical((kernel.args, g), (before, given))
    check_gradients(kernel, g, gradients, rng_of(name))
    # Nothing that the pullback reads was used up, and nothing that it gave is written to again.
    kept = copy.deepcopy(gradients)
    again = pullback(g)
    assert identical(gradients, kept)
    assert identical(again, kept)


def exact_gradients(kernel: Kernel, g: Any) -> tuple[Any, ...]:
    """The cotangents of array arguments, column by column of the Jacobian."""
    gradients = []
    for argnum, arg in enumerate(kernel.args):
        if argnum not in floats_in(kernel):
            gradients.append(None)
            continue
        units = np.eye(np.size(arg)).reshape(-1, *np.shape(arg))
        entries = [derivative(kernel, argnum, unit)[0] @ flat(g) for unit in units]
        gradients.append(np.reshape(entries, np.shape(arg)))
    return tuple(gradients)


@pytest.mark.parametrize("name", ["heat_1d", "lu", "classical_gram_schmidt", "soft_edit_distance"])
def test_the_check_can_fail(name):
    kernel = KERNELS[name]
    g = cotangent(plain(kernel, kernel.args), name)
    right = exact_gradients(kernel, g)
    check_gradients(kernel, g, right, rng_of(name))
    for argnum in floats_in(kernel):
        wrong = copy.deepcopy(right)
        wrong[argnum][(-1,) * wrong[argnum].ndim] += 1e-4
        with pytest.raises(AssertionError):
            check_gradients(kernel, g, wrong, rng_of(name))


def doubled_too_far(u, n):
    for i in range(n):
        u[i] *= 2.0
    return u


def test_an_exception_leaves_the_arguments():
    u = np.array([1.0, 2.0, 3.0])
    value, pullback = srcgrad.vjp(doubled_too_far, u, 3)
    assert list(value) == [2.0, 4.0, 6.0]
    with pytest.raises(IndexError):
        srcgrad.vjp(doubled_too_far, u, 4)
    assert list(u) == [1.0, 2.0, 3.0]
    assert list(pullback(np.ones(3))[0]) == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_stages_agree(name):
    """The graph of value and pullback gives the same after every pass, and as emitted source."""
    kernel = KERNELS[name]
    names = list(inspect.signature(kernel.function).parameters)
    symbols: dict[Any, Any] = {}
    given = {n: facts_of(a, symbols) for n, a in zip(names, kernel.args, strict=True)}
    graph = primal(kernel.function, given)
    verify(graph)
    expected = plain(kernel, kernel.args)
    assert close(interpret(graph, copy.deepcopy(kernel.args)), expected)
    g = cotangent(expected, name)
    wanted = [Wanted(k) for k, p in enumerate(graph.params) if is_differentiable(p.facts)]
    graph = joint(graph, wanted)
    at = next(k for k, p in enumerate(graph.signature) if p.name not in names)
    full = [*kernel.args[:at], g, *kernel.args[at:]]
    first = None
    for step, run in (("start", lambda f: f), *PASSES):
        graph = run(graph)
        verify(graph)
        result = interpret(graph, copy.deepcopy(full))
        if first is None:
            first = result
        assert close(result, first), step
    value, pullback = srcgrad.vjp(kernel.function, *kernel.args)
    assert close(value, first[0])
    emitted = [d for d in pullback(g) if d is not None]
    assert all(map(close, emitted, first[1]))
