"""What is said of kinks, ties and holes holds in forward mode as well as in reverse."""

import linecache
import math
import re
from pathlib import Path

import numpy as np
import pytest

import srcgrad
from ops.cases import Case
from ops.special_points import POINTS
from srcgrad.ops import registry
from srcgrad.testing.rules import _Case
from srcgrad.testing.trees import flat, paired, random_like

ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|", re.M)
PAGE = Path(__file__).parents[2] / "docs" / "kinks.md"
KINKS = ROW.findall(PAGE.read_text(encoding="utf-8"))


def function_of_x(text):
    source = f"def f(x):\n    return {text}\n"
    name = f"<kink: {text}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    names = {"np": np, "math": math}
    exec(compile(source, name, "exec"), names)
    return names["f"]


@pytest.mark.parametrize(("function", "at", "gradient"), KINKS)
def test_the_page_in_forward_mode(function, at, gradient):
    f, x = function_of_x(function), eval(at, vars(np).copy())
    wanted = np.broadcast_to(eval(gradient, vars(np).copy()), np.shape(x))
    for unit in (1, 1j) if np.iscomplexobj(x) else (1,):
        for place in np.ndindex(np.shape(x)):
            v = np.zeros(np.shape(x), np.asarray(x).dtype)
            v[place] = unit
            with np.errstate(all="ignore"):
                found = srcgrad.jvp(f, (x,), (v if isinstance(x, np.ndarray) else v[()],))[1]
            # Not the product with 1j, in which an infinite part would spoil the other one.
            slope = -np.imag(wanted[place]) if unit == 1j else np.real(wanted[place])
            np.testing.assert_array_equal(found, slope)


@pytest.mark.parametrize("point", POINTS, ids=lambda p: str(Case(p[0], p[1])))
def test_a_special_point_in_forward_mode(point):
    function, args, wanted = point
    rule = registry.RULES[registry.PRIMITIVES[function]]
    rng = np.random.default_rng(0)
    for k, value in enumerate(wanted):
        if value is None:
            continue
        case = _Case(function, rule, args, {}, [k], None, 1e-12)
        v = random_like(value, rng)
        tangent = case.tangent(k, v, case.call(args))
        np.testing.assert_allclose(np.sum(flat(tangent)).real, paired(value, v), atol=1e-13)
