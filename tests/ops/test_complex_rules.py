"""Every row with complex arguments is right, or refuses them by name: there is no third thing."""

import warnings

import numpy as np
import pytest

from ops.cases import CASES
from srcgrad import runtime
from srcgrad.errors import MissingRule
from srcgrad.ops import registry
from srcgrad.testing import check_rule
from srcgrad.testing.rules import NoComplexNumbers

# Rows that refuse the complex arguments which their functions take. So do all of the math module, of
# whose functions most take the real part of NumPy's complex numbers, but the products.
REFUSE = {
    np.clip: "bounds want an order",
    np.sign: "since NumPy 2.0 the direction of a complex number, which is not constant",
    max: "of NumPy's complex numbers, by their real parts",
    min: "the same",
    sorted: "the same",
    runtime.polygamma: "of real numbers",
}
# Rows that refuse some uses, and are right in the others.
REFUSE_SOME = {
    np.prod: "with another dtype, which drops imaginary parts before they are multiplied",
    np.cumprod: "the same",
    np.linalg.svd: "with singular vectors, whose phases are arbitrary",
}
# Rows whose formulas have singular vectors in them: for some arguments, no second derivative.
ONCE = {np.linalg.svd, np.linalg.norm, getattr(np.linalg, "matrix_norm", None)}
# What does not depend on its argument as far as derivatives go, and what is asked with several at once.
CONSTANT = {runtime.stop_gradient, np.empty_like, runtime.first_index}
NARROWED = getattr(np, "exceptions", np).ComplexWarning  # by a dtype=, or written into a real array

ROWS: dict[str, list] = {}
for case in CASES:
    if case.function not in CONSTANT:
        primitive = registry.PRIMITIVES[case.function]
        ROWS.setdefault(f"{primitive.name}-{id(primitive)}", []).append(case)


def hermitian(v):
    return (v + np.conj(np.swapaxes(v, -1, -2))) / 2


def examined(case, order=2):
    """How a row does: it is right, it refuses, or its function takes no complex numbers."""
    check = {k: v for k, v in case.check.items() if k != "refused"}
    if "project" in check:
        check["project"] = hermitian
    try:
        check_rule(
            case.function, *case.args, kwargs=case.kwargs, numbers="complex", order=order, **check
        )
    except NoComplexNumbers:
        return "takes none"
    except MissingRule as error:
        assert "complex" in error.message and error.cure
        if order == 2 and case.function in ONCE:
            return examined(case, order=1)
        return "refused"
    except Exception as error:
        error.add_note(f"at {case}")
        raise
    return "right"


@pytest.mark.parametrize("cases", ROWS.values(), ids=[key.split("-")[0] for key in ROWS])
def test_complex_arguments(cases):
    function = cases[0].function
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NARROWED)
        found = {examined(case) for case in cases}
    rule = registry.rule_of(registry.PRIMITIVES[function])
    if function in REFUSE_SOME:
        assert {"refused", "right"} <= found
    elif function in REFUSE:
        assert "refused" in found and "right" not in found
    elif getattr(function, "__module__", None) == "math" and rule.verb != "zero":
        assert "right" not in found or function.__name__ in ("prod", "sumprod")
    else:
        assert "refused" not in found


HOLOMORPHIC = (
    np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.square, np.reciprocal,
    np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arcsin, np.arccos, np.arctan, np.arcsinh,
    np.arccosh, np.arctanh, np.sinc,
)  # fmt: skip
PARTS = (np.real, np.imag, np.abs, np.angle, np.conj)
# All quadrants, both sides of all branch cuts, and far from the origin.
PLANE = np.array([1 + 2j, -1 + 2j, -1 - 2j, 1 - 2j, 3 + 0.1j, 3 - 0.1j, -3 + 0.1j, -3 - 0.1j,
                  0.1 + 3j, -0.1 + 3j, 0.1 - 3j, -0.1 - 3j, 0.5 + 0.1j, -0.5 - 0.1j])  # fmt: skip


@pytest.mark.parametrize("function", [*HOLOMORPHIC, *PARTS])
def test_all_over_the_plane(function):
    check_rule(function, PLANE, numbers="complex")
    check_rule(function, complex(PLANE[1]), numbers="complex")


@pytest.mark.parametrize("exponent", [2, -1, 0.5, -2.5, 1 + 2j, PLANE[::-1] / 3])
def test_powers_all_over_the_plane(exponent):
    check_rule(np.power, PLANE, exponent, numbers="complex")
    check_rule(np.power, -2.5 + 0.5j, PLANE, numbers="complex")
    check_rule(np.power, -2.5, PLANE, numbers="complex", argnums=[1])


def test_a_row_that_is_wrong_for_complex_arguments_is_found(monkeypatch):
    def row(vjp, jvp):
        return registry.Rule("elementwise", (vjp,), (jvp,), ("x",), 1, 1)

    def real(g, y, x):
        return g * np.sign(np.real(x))

    right = registry.RULES[registry.PRIMITIVES[np.abs]]
    x = np.array([0.3, -0.4])
    for wrong, complaint in (
        (row(real, right.jvps[0]), "cotangent of argument 0"),
        (row(right.vjps[0], real), "tangent of argument 0"),
        (row(right.vjps[0], right.vjps[0]), "is complex, and the result is real"),
    ):
        monkeypatch.setitem(registry.RULES, registry.PRIMITIVES[np.abs], wrong)
        check_rule(np.abs, x)
        with pytest.raises(AssertionError, match=complaint):
            check_rule(np.abs, x, numbers="complex")


def test_what_is_constant_for_real_arguments_alone_is_found(monkeypatch):
    monkeypatch.setitem(registry.RULES, registry.PRIMITIVES[np.real], registry.Rule("zero"))
    with pytest.raises(AssertionError, match="what has no derivative moves"):
        check_rule(np.real, np.array([0.3]), numbers="complex")


def test_a_result_that_is_not_known_to_be_real_is_found(monkeypatch):
    angle = registry.PRIMITIVES[np.angle]
    vague = registry.Primitive(angle.name, angle.function, registry.facts.unknown)
    monkeypatch.setitem(registry.PRIMITIVES, np.angle, vague)
    monkeypatch.setitem(registry.RULES, vague, registry.RULES[angle])
    with pytest.raises(AssertionError, match="not known to be real"):
        check_rule(np.angle, np.array([0.3]), numbers="complex")
