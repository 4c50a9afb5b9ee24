"""Saved modules run by themselves: helpers, the helpers these call, their imports and constants."""

from enum import Enum, IntEnum, IntFlag

import numpy as np
import pytest

from srcgrad import SrcgradError, grad, runtime
from srcgrad.codegen.save import _written_out


def saved(function, path, argnums=0):
    grad(function, argnums=argnums).save(path)
    text = path.read_text()
    assert "srcgrad.runtime" not in text
    namespace = {}
    exec(compile(text, str(path), "exec"), namespace)
    return namespace[f"d_{function.__name__.replace('<lambda>', 'lambda_')}"]


def test_a_helper_brings_those_that_it_calls(tmp_path):
    def first(c, a):
        c = c[0]
        return c * a

    assert saved(first, tmp_path / "m.py")([0.5, 2.0], 3.0) == [3.0, 0.0]


def test_an_import_of_helpers_over_several_lines_goes(tmp_path):
    def product(d, v):
        acc = v @ v
        return d["w"] * d["k"] - np.sum(acc)

    given = {"w": 1.0, "k": 2.0}
    d_d, d_v = saved(product, tmp_path / "m.py", (0, 1))(given, np.ones(2))
    assert d_d == {"w": 2.0, "k": 1.0}
    np.testing.assert_allclose(d_v, [-2.0, -2.0])


def test_every_helper_can_be_written_out():
    helpers = [getattr(runtime, name) for name in runtime.__all__]
    imports, parts = _written_out(helpers)
    text = "\n".join([*imports, *parts])
    namespace = {}
    exec(text, namespace)
    assert "Any" not in text
    assert namespace["polygamma"](1, 2.5) == runtime.polygamma(1, 2.5)
    np.testing.assert_array_equal(namespace["index_add"]([np.ones(1)], 0, 2.0)[0], [3.0])


class Degree(IntEnum):
    SQUARE = 2


class Switch(IntFlag):
    ON = 1
    LOUD = 4


class Name(str, Enum):
    WEIGHT = "weight"


class Metres(float):
    """A number with a name."""


class Doubled(float):
    def __mul__(self, other):
        return 2 * float(self) * other

    __rmul__ = __mul__


DEGREE, SWITCH, NAME, LENGTH, DOUBLED = (
    Degree.SQUARE,
    Switch.LOUD,
    Name.WEIGHT,
    Metres(1.5),
    Doubled(3),
)
MANY = Metres("nan")
SETTINGS = {Degree.SQUARE: LENGTH}


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x**DEGREE,
        lambda x: x * SWITCH,
        lambda x: LENGTH * x,
        lambda x: x * SETTINGS[2],
        lambda x: x * {"weight": 3.0}[NAME],
        lambda x: x * x * MANY,
    ],
    ids=["IntEnum", "IntFlag", "float", "dict", "str", "nan"],
)
def test_numbers_of_other_classes_are_written_as_what_they_are(function, tmp_path):
    np.testing.assert_equal(saved(function, tmp_path / "m.py")(3.0), grad(function)(3.0))


def test_a_number_that_computes_in_its_own_way_is_not_written_down(tmp_path):
    def f(x):
        return DOUBLED * x

    with pytest.raises(SrcgradError, match="of its own"):
        saved(f, tmp_path / "m.py")
