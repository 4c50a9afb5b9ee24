"""What derivative rules that are wrong get: the file and line of the rule, expected and received."""

import numpy as np
import pytest

import srcgrad
from srcgrad import (
    MissingRule,
    NotDifferentiable,
    StructureError,
    UnsupportedSyntax,
    custom_jvp,
    custom_vjp,
    grad,
    jvp,
)

X = np.array([0.3, 0.4])


def f(x, y):
    return x * y


def fwd(x, y):
    return x * y, (x, y)


def one_less(saved, g):
    return (g,)


def no_tuple(saved, g):
    return g


def summed(saved, g):
    return np.sum(g), g


def a_dict(saved, g):
    return {"a": g}, g


def three_arguments(saved, g, more):
    return g, g


def no_pair(x, y):
    return x * y


def another_result(x, y):
    return np.sum(x * y), (x, y)


def good(saved, g):
    x, y = saved
    return g * y, g * x


@pytest.mark.parametrize(
    "forward, backward, wrong, why",
    [
        (fwd, one_less, one_less, r"a tuple of 2 cotangents \(for x, y\), not a tuple of 1 entry"),
        (fwd, no_tuple, no_tuple, r"a tuple of 2 cotangents \(for x, y\), not an array"),
        (
            fwd,
            summed,
            summed,
            r"cotangent of 'x' from 'summed' must have the shape \(2,\), not \(\)",
        ),
        (fwd, a_dict, a_dict, r"must be an array, not a dict with the keys \['a'\]"),
        (fwd, three_arguments, three_arguments, "takes 3 arguments, but is called with 2"),
        (no_pair, good, no_pair, r"a pair \(result, residuals\), not an array"),
        (another_result, good, another_result, r"must have the shape \(2,\), not \(\)"),
    ],
)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_rules_for_reverse_mode(forward, backward, wrong, why, mode):
    ruled = custom_vjp(f, forward, backward)
    with pytest.raises(StructureError, match=why) as error:
        if mode == "reverse":
            grad(lambda x, y: np.sum(ruled(x, y)))(X, X)
        else:
            jvp(lambda x, y: np.sum(ruled(x, y)), (X, X), (X, X))
    where = error.value.location
    assert (where.file, where.line) == (__file__, wrong.__code__.co_firstlineno)


def test_a_shape_that_only_the_run_tells():
    def backward(saved, g):
        return g[g > 5], g

    ruled = custom_vjp(f, fwd, backward)
    with pytest.raises(AssertionError, match="cotangent of 'x' from 'backward'") as error:
        grad(lambda x, y: np.sum(ruled(x, y)))(X, X)
    assert f"{__file__}:{backward.__code__.co_firstlineno}" in str(error.value)


def rule_without_tangent(primals, tangents):
    return primals[0] * 2


def rule_of_another_shape(primals, tangents):
    return primals[0] * 2, np.sum(tangents[0])


@pytest.mark.parametrize(
    "rule, why",
    [
        (rule_without_tangent, r"must return a pair \(result, tangent\), not an array"),
        (rule_of_another_shape, r"the tangent .* must have the shape \(2,\), not \(\)"),
    ],
)
def test_rules_for_forward_mode(rule, why):
    ruled = custom_jvp(lambda x: x * 2, jvp=rule)
    with pytest.raises(StructureError, match=why) as error:
        grad(lambda x: np.sum(ruled(x)))(X)
    assert error.value.location.line == rule.__code__.co_firstlineno


def test_too_few_formulas():
    ruled = custom_jvp(f)
    ruled.defjvps(lambda x_dot, out, x, y: x_dot * y)
    with pytest.raises(StructureError, match="has 1 formulas, for 2 arguments"):
        grad(lambda x: np.sum(ruled(x, x)))(X)


def test_no_rule():
    for bare, cure in ((custom_vjp(f), "defvjp"), (custom_jvp(f), "defjvp")):
        assert bare(2.0, 3.0) == 6.0
        with pytest.raises(MissingRule, match=f"f.{cure}"):
            grad(lambda x, bare=bare: np.sum(bare(x, x)))(X)


def test_what_a_rule_says_nothing_of():
    def captures(x):
        w = 3.0 * x
        ruled = custom_vjp(lambda a: a * w, fwd=lambda a: (a * w, a), bwd=lambda a, g: (g,))
        return ruled(x)

    with pytest.raises(NotDifferentiable, match="says nothing of 'w'"):
        grad(captures)(1.0)


def test_writing_to_arguments():
    def zeroed(x):
        x[0] = 0.0
        return x

    ruled = custom_vjp(zeroed, fwd=lambda x: (x, None), bwd=lambda _, g: (g,))
    with pytest.raises(UnsupportedSyntax, match="writes to 'x'"):
        grad(lambda x: np.sum(ruled(x)))(X)

    def backward(x, g):
        g[0] = 0.0  # its own
        x[0] = 0.0
        return (g,)

    ruled = custom_vjp(lambda x: x * 2, fwd=lambda x: (x * 2, x), bwd=backward)
    with pytest.raises(UnsupportedSyntax, match="writes to the residuals of a rule"):
        grad(lambda x: np.sum(ruled(x)))(X)


@pytest.mark.parametrize(
    "bend",
    [
        lambda _, g: (np.clip(g, -1, 1),),
        lambda _, g: (g * g,),
        lambda _, g: (np.round(g),),
        lambda _, g: (np.where(g > 0, g, 2 * g),),
    ],
)
def test_backward_functions_that_are_not_linear_serve_reverse_mode_alone(bend):
    ruled = custom_vjp(lambda x: x, fwd=lambda x: (x, None), bwd=bend)

    def loss(x):
        return 5 * ruled(x) ** 2

    assert grad(loss)(2.0) == bend(None, 20.0)[0]
    with pytest.raises(NotDifferentiable, match="not linear in its cotangents"):
        jvp(loss, (2.0,), (1.0,))
    with pytest.raises(NotDifferentiable, match="not linear in its cotangents"):
        srcgrad.linearize(loss, 2.0)


def test_orders_that_were_not_read():
    power = custom_jvp(lambda x, n: x**n)

    @power.defjvp
    def rule(primals, tangents):
        (x, n), (x_dot, _) = primals, tangents
        return power(x, n), n * power(x, n - 1) * x_dot

    derivative = lambda x: power(x, 9)  # noqa: E731
    for order in range(1, 5):
        derivative = grad(derivative)
        np.testing.assert_allclose(derivative(1.0), np.prod(range(10 - order, 10)))
    with pytest.raises(NotDifferentiable, match="was not read for this one"):
        grad(derivative)(1.0)


def test_recursive_rules():
    def factorial(x, n):
        return x if n <= 1 else x * factorial(x, n - 1)

    ruled = custom_vjp(
        factorial,
        fwd=lambda x, n: (factorial(x, n), (x, n)),
        bwd=lambda saved, g: (g * saved[1] * factorial(saved[0], saved[1] - 1), None),
    )
    with pytest.raises(UnsupportedSyntax, match="calls a recursive function"):
        grad(lambda x, n: ruled(x, n))(2.0, 4)


def test_what_the_constructors_refuse():
    with pytest.raises(srcgrad.SrcgradError, match="takes a function"):
        custom_vjp(3.0)
    with pytest.raises(srcgrad.SrcgradError, match="fwd and bwd"):
        custom_vjp(f, fwd=fwd)
    with pytest.raises(UnsupportedSyntax, match="in one call"):
        grad(lambda x: custom_vjp(np.sin)(x))(1.0)
    with pytest.raises(UnsupportedSyntax, match="keyword argument"):
        grad(lambda x: custom_vjp(f, fwd, good)(x, x, z=2.0))(1.0)
    with pytest.raises(UnsupportedSyntax, match="nondiff_argnums"):
        grad(lambda x: custom_vjp(f, fwd, good, nondiff_argnums=(5,))(x, x))(1.0)
