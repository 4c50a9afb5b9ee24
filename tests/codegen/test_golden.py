"""A few generated gradients are held word for word: `SRCGRAD_UPDATE=1` writes them anew."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from srcgrad import grad, hessian, hvp, jacfwd, jacrev, jvp, linearize, vmap

FOLDER = Path(__file__).parents[1] / "golden"


def load_programs():
    spec = importlib.util.spec_from_file_location("golden_programs", FOLDER / "programs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PROGRAMS


PROGRAMS = load_programs()


@pytest.mark.parametrize("name", PROGRAMS)
def test_generated_source_is_as_held(name):
    function, args, *argnums = PROGRAMS[name]
    text = grad(function, *argnums).specialize(*args).source
    file = FOLDER / f"{name}.txt"
    if os.environ.get("SRCGRAD_UPDATE") == "1":
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize("name", PROGRAMS)
def test_generation_is_deterministic(name):
    function, args, *argnums = PROGRAMS[name]
    texts = {grad(function, *argnums).specialize(*args).source for _ in range(2)}
    assert len(texts) == 1


# -- what other operators generate ----------------------------------------------------------------

WEIGHTS = np.ones((4, 3))


def layer(x, w):
    h = np.tanh(w @ x)
    return np.sum(h**2)


def outputs(x):
    return np.tanh(WEIGHTS @ x)


def heat(u, c):
    u = u.copy()
    for _ in range(5):
        u[1:-1] += c * (u[2:] - 2 * u[1:-1] + u[:-2])
    return u


X, U = np.ones(3), np.arange(12.0)
OPERATORS = {
    "jvp_in_place": lambda: jvp(heat).specialize((U, 0.1), (U, 1.0)).source,
    "linearize_in_place": lambda: linearize(heat, U, 0.1)[1].source,
    "hvp": lambda: hvp(layer, 1).specialize(X, WEIGHTS, WEIGHTS).source,
    "second_gradient": lambda: grad(lambda x: np.sum(grad(layer)(x, WEIGHTS))).specialize(X).source,
    "hessian": lambda: hessian(layer).specialize(X, WEIGHTS).source,
    "jacobian_by_rows": lambda: jacrev(outputs).specialize(X).source,
    "jacobian_by_columns": lambda: jacfwd(heat).specialize(U, 0.1).source,
    "gradients_per_example": lambda: (
        vmap(grad(layer, 1), in_axes=(0, None)).specialize(np.ones((5, 3)), WEIGHTS).source
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_what_operators_generate(name):
    text = OPERATORS[name]()
    file = FOLDER / f"operator_{name}.txt"
    if os.environ.get("SRCGRAD_UPDATE") == "1":
        file.write_text(text)
    assert text == file.read_text()
