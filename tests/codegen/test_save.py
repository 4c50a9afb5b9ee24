"""Saved modules run by themselves: helpers, the helpers these call, their imports and constants."""

import numpy as np

from srcgrad import grad, runtime
from srcgrad.codegen.save import _written_out


def saved(function, path, argnums=0):
    grad(function, argnums=argnums).save(path)
    text = path.read_text()
    assert "srcgrad.runtime" not in text
    namespace = {}
    exec(compile(text, str(path), "exec"), namespace)
    return namespace[f"d_{function.__name__}"]


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
