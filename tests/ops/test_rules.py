"""Every row against finite differences, at every case; and no row without one."""

import inspect
import math

import numpy as np
import pytest

from ops.cases import CASES, Case
from ops.special_points import POINTS
from srcgrad import grad, runtime
from srcgrad.ir.build import Builder
from srcgrad.ir.graph import Value, map_values
from srcgrad.ir.types import facts_of
from srcgrad.ops import registry, trace
from srcgrad.ops.methods import ATTRIBUTES, METHODS, MUTATING
from srcgrad.testing import check_rule
from srcgrad.testing.trees import entries, leaves, mapped


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rule(case):
    check_rule(case.function, *case.args, kwargs=case.kwargs, **case.check)


def ones_like(tree):
    return mapped(lambda x: np.ones_like(x) if isinstance(x, np.ndarray) else 1.0, tree)


def cotangent(k, function, args):
    """The cotangent of argument k for a cotangent of ones."""
    rule = registry.RULES[registry.PRIMITIVES[function]]
    formula = registry.formulas(rule, len(args))[k]
    d = formula(ones_like(y := function(*args)), y, *args)
    return runtime.unbroadcast(d, args[k]) if rule.verb in ("elementwise", "bilinear") else d


@pytest.mark.parametrize("point", POINTS, ids=lambda p: str(Case(p[0], p[1])))
def test_special_point(point):
    function, args, wanted = point
    assert any(value is not None for value in wanted)
    for k, value in enumerate(wanted):
        if value is None:
            continue
        given = cotangent(k, function, args)
        assert entries(given) is None or type(given) is type(value)
        for d, v in zip(leaves(given), leaves(value), strict=True):
            np.testing.assert_allclose(d, v, rtol=1e-12, atol=1e-15)


def test_infinite_derivatives_are_infinite():
    with np.errstate(divide="ignore"):
        for function in (np.sqrt, np.cbrt, np.log, np.arcsin):
            x = np.array([1.0]) if function is np.arcsin else np.array([0.0])
            assert cotangent(0, function, (x,)) == np.inf


# No row without a case


def rows_without_a_case(rules, cases):
    covered = {registry.PRIMITIVES.get(case.function) for case in cases}
    return sorted(primitive.name for primitive in rules if primitive not in covered)


def rows_of_the_tables():
    """The rows of functions that are not ours, and of the helpers of the run time."""

    def origin(function):
        return getattr(function, "__module__", None) or type(function).__module__

    def foreign(function):  # a ufunc that other tests registered
        return isinstance(function, np.ufunc) and vars(np).get(function.__name__) is not function

    roots = ("numpy", "math", "builtins", "_operator", "srcgrad.runtime")
    rules = {p: r for p, r in registry.RULES.items() if not foreign(p.function)}
    return {p: r for p, r in rules.items() if origin(p.function).startswith(roots)}


def test_each_row_has_a_case():
    assert rows_without_a_case(rows_of_the_tables(), CASES) == []


def test_a_row_without_a_case_is_found():
    without = [case for case in CASES if case.function is not np.sin]
    assert rows_without_a_case(rows_of_the_tables(), without) == ["np.sin"]


def right(g, y, x):
    return g * np.cos(x)


@pytest.mark.parametrize(
    ("vjp", "jvp", "complaint"),
    [
        (lambda g, y, x: g * np.sin(x), right, "cotangent of argument 0"),
        (right, lambda g, y, x: g * np.sin(x), "tangent of argument 0"),
        (lambda g, y, x: g * np.cos(x + np.zeros(2)), right, "float64, not float32"),
        (lambda g, y, x: np.reshape(g * np.cos(x), (1, -1)), right, "shape"),
    ],
    ids=["vjp", "jvp", "dtype", "shape"],
)
def test_a_wrong_row_is_found(vjp, jvp, complaint, monkeypatch):
    primitive = registry.PRIMITIVES[np.sin]
    row = registry.Rule("custom", (vjp,), (jvp,), ("x",), 1, 1)
    monkeypatch.setitem(registry.RULES, primitive, row)
    with pytest.raises(AssertionError, match=complaint):
        check_rule(np.sin, np.array([0.3, 0.4]))


def test_a_row_whose_formula_has_no_derivative_is_found(monkeypatch):
    monkeypatch.setitem(registry.RULES, registry.PRIMITIVES[np.cos], registry.Rule("zero"))
    with pytest.raises(AssertionError, match="derivative of the formula"):
        check_rule(np.sin, np.array([0.3, 0.4]))


def test_a_wrong_fact_is_found(monkeypatch):
    sine = registry.PRIMITIVES[np.sin]
    false = registry.Primitive(sine.name, sine.function, lambda x: registry.facts.scalar("float64"))
    monkeypatch.setitem(registry.PRIMITIVES, np.sin, false)
    monkeypatch.setitem(registry.RULES, false, registry.RULES[sine])
    with pytest.raises(AssertionError, match="is said to be a NumPy number"):
        check_rule(np.sin, np.array([0.3, 0.4]))


def test_a_row_that_writes_to_its_arguments_is_found(monkeypatch):
    def wrong(g, y, x):
        if isinstance(x, np.ndarray):
            x *= 1.0 + 1e-15
        return g * np.cos(x)

    primitive = registry.PRIMITIVES[np.sin]
    row = registry.Rule("elementwise", (wrong,), (wrong,), ("x",), 1, 1)
    monkeypatch.setitem(registry.RULES, primitive, row)
    with pytest.raises(AssertionError, match="written to"):
        check_rule(np.sin, np.array([0.3, 0.4]))


# Rows take the names and places that their functions give their parameters


def named_rows():
    for primitive, rule in registry.RULES.items():
        if rule.parameters is None:
            continue
        try:
            signature = inspect.signature(primitive.function)
        except (TypeError, ValueError):
            continue
        yield pytest.param(primitive, rule, signature, id=primitive.name)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="names of NumPy 2")
@pytest.mark.parametrize(("primitive", "rule", "signature"), list(named_rows()))
def test_parameter_names(primitive, rule, signature):
    theirs = list(signature.parameters.values())
    by_place = [p for p in theirs if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in theirs)
    keywords = {p.name for p in theirs if p.kind is not p.POSITIONAL_ONLY}
    any_keyword = any(p.kind is p.VAR_KEYWORD for p in theirs)
    for place, name in enumerate(rule.parameters):
        if place >= rule.positional or variadic:
            assert any_keyword or name in keywords, name
            continue
        given = by_place[place]
        own = primitive.function.__module__.startswith("srcgrad.runtime")
        if own and given.name == "g":
            assert name == "given"  # a formula's own cotangent is called g
        elif given.kind is not given.POSITIONAL_ONLY:
            assert given.name == name


# Methods and attributes

X = np.array([[0.3, -0.7, 1.2], [0.5, 0.1, -0.4]])
METHOD_CALLS = {
    "all": [()], "any": [(1,)], "argmax": [(), (1,)], "argmin": [(0,)], "argpartition": [(1,)],
    "argsort": [(), (0,)], "astype": [(np.float32,)], "clip": [(-0.5, 0.5), (None, 0.2)],
    "compress": [([True, False], 0)], "conj": [()], "conjugate": [()], "copy": [()],
    "cumprod": [(), (1,)], "cumsum": [(), (0,)], "diagonal": [()], "dot": [(np.ones(3),)],
    "flatten": [(), ("F",)], "item": [(3,), (1, 2), ((0, 1),)], "max": [(), (1,)],
    "mean": [(), (0,)], "min": [()], "nonzero": [()], "prod": [(1,)], "ptp": [(1,)],
    "ravel": [()], "repeat": [(2, 1)], "reshape": [(3, 2), ((3, 2),), (-1,)], "round": [(1,)],
    "searchsorted": [], "squeeze": [()], "std": [(1,)], "sum": [(), (1,), ((0, 1),)],
    "swapaxes": [(0, 1)], "take": [([0, 1], 1)], "tolist": [()], "trace": [()],
    "transpose": [(), (1, 0), ((1, 0),)], "var": [(1,)],
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_method(name):
    assert name not in MUTATING
    for args in METHOD_CALLS[name]:
        own = getattr(X, name, None) or (lambda *a: np.ptp(X, *a))
        given, wanted = METHODS[name](X, *args), own(*args)
        assert type(given) is type(wanted)
        np.testing.assert_array_equal(given, wanted)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute(name):
    wanted = getattr(X, name) if hasattr(X, name) else X.T
    given = ATTRIBUTES[name](X)
    assert given == wanted if name == "dtype" else np.array_equal(given, list(wanted) if (
        name == "flat") else wanted)  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(METHODS) & set(dir(np.ndarray))))
def test_methods_that_write_are_not_among_them(name):
    assert METHODS[name] is not None
    x = X.copy()
    for args in METHOD_CALLS[name]:
        METHODS[name](x, *args)
    np.testing.assert_array_equal(x, X)


def test_what_a_row_does_not_speak_of_is_refused():
    rule = registry.RULES[registry.PRIMITIVES[np.sum]]
    assert [f is None for f in registry.formulas(rule, 2)] == [False, False]
    with pytest.raises(
        registry.MissingRule, match=r"np.sum has no derivative rule for its argument 'axis'"
    ):
        rule.vjps[1](1.0, X.sum(0), X, 0)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: (np.sum, (X,), {"where": X > 0}), "the argument 'where'"),
        (lambda: (np.sum, (X, 0, None, X), {}), "4 arguments"),
        (lambda: (np.linalg.norm, (X,), {"norm": 1}), "the argument 'norm'"),
        (lambda: (np.pad, (X, 1), {"end_values": 1}), "the argument 'end_values'"),
    ],
)
def test_a_parameter_without_a_rule_is_refused(call, complaint):
    function, args, kwargs = call()
    with pytest.raises(registry.MissingRule, match=complaint):
        registry.normalize_call(registry.PRIMITIVES[function], args, kwargs)


def test_keywords_go_to_their_places():
    def given(function, *args, **kwargs):
        return registry.normalize_call(registry.PRIMITIVES[function], args, kwargs)

    assert given(np.sum, X, axis=0) == ((X,), {"axis": 0})
    assert given(np.clip, 1, a_max=2) == ((1, None, 2), {})
    assert given(np.average, X, weights=3, keepdims=True) == ((X, None, 3), {"keepdims": True})
    assert given(np.full, fill_value=2, shape=3) == ((3, 2), {})


REFUSED = (
    (np.einsum, (X, [0, 1]), "operands with lists of axes"),
    (np.pad, (X, 1, "mean"), "mode='mean'"),
    (np.linalg.svd, (X,), "full_matrices=True"),
    (np.linalg.qr, (X,), "a matrix wider than tall"),
    (np.quantile, (X, np.array([0.1, 0.2])), "several quantiles"),
    (np.reshape, (X, -1, "A"), "order='A'"),
    (np.diff, (X, 1, -1, X[:, :1]), "in front or behind"),
    (np.polyval, (X, 0.5), "several polynomials at once"),
    (math.prod, (X,), "several products at once"),
)


@pytest.mark.parametrize(("function", "args", "complaint"), REFUSED)
def test_a_use_without_a_rule_is_refused(function, args, complaint):
    formula = next(f for f in registry.RULES[registry.PRIMITIVES[function]].vjps if f is not None)
    y = function(*args)
    with pytest.raises(registry.MissingRule, match=complaint):
        formula(ones_like(y), y, *args)


def test_cross_products_of_two_entries_are_refused():
    with pytest.raises(registry.MissingRule, match="vectors of two entries"):
        grad(lambda x: np.sum(np.cross(x, x[::-1])))(X[:, :2])


def test_a_start_that_is_wider_than_what_is_summed():
    weights = np.array([1.0, 2.0, 3.0, 4.0])

    def f(x, start):
        return np.sum(sum(x, start) * weights)

    d_x, d_start = grad(f, argnums=(0, 1))(np.ones(3), np.ones(4))
    assert d_x.tolist() == [10.0] * 3 and d_start.tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("name", [*METHODS, *ATTRIBUTES])
def test_methods_take_graph_values(name):
    calls = METHOD_CALLS[name] if name in METHODS else [()]
    for args in calls:
        builder = Builder()
        x = Value("x", facts_of(X))
        result = {**METHODS, **ATTRIBUTES}[name](trace.Tracer(x, builder), *args)
        environment = {x: X}
        for op in builder.ops:
            given, named = map_values(environment.__getitem__, (op.args, dict(op.kwargs)))
            environment[op.result] = op.primitive.function(*given, **named)
        wanted = {**METHODS, **ATTRIBUTES}[name](X, *args)
        assert name == "dtype" or np.array_equal(environment[trace.unwrap(result)], wanted)
