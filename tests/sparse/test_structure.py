"""Structures of random programs: at other points of the same path, nothing is outside of them."""

import linecache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from srcgrad import sparse_jacobian

SIZE = 6
STATEMENTS = (
    "y = y * x",
    "y = np.sin(y) + np.roll(x, {k})",
    "y = np.flip(y) - 0.5 * x",
    "y = np.where(x > 0.0, y, np.roll(y, {k}))",
    "y = np.concatenate([y[{k}:], x[:{k}]])",
    "y = np.cumsum(y) * 0.3",
    "y = np.maximum(y, x)",
    "y = np.sort(y)",
    "y = np.reshape(np.reshape(y, (2, 3)).T, (6,))",
    "y = BAND @ y",
    "y = np.convolve(y, x[:2], 'same')",
    "y = np.tanh(y) * np.sum(x[:{k}])",
    "y = y.copy()\n    y[{k}] = x[{k} - 1] * y[0]",
    "y = y.copy()\n    y[:{k}] += x[-{k}:]",
    "y = np.append(np.diff(y), x[{k}])",
    "y = np.take(y, [0, 0, 1, 2, {k}, {k}])",
    "y = np.repeat(y, 2)[{k} : {k} + 6]",
    "z = np.outer(y, x)\n    y = z[{k}] + np.diagonal(z)",
    "z = np.zeros(6)\n    for i in range(1, 6):\n        z[i] = y[i - 1] * x[i] + 0.1 * z[i - 1]\n    y = z",
    "for i in range({k}):\n        y[i] = y[i] * x[5 - i]",
    "y = np.einsum('i,i,j->j', y, x, WEIGHTS)",
    "y = np.array([y[0], x[{k}], y[{k}] * y[1], 2.0, y[5], x[0]])",
)


class Counter:
    """Names for the files that programs are kept in."""

    count = 0


def program(text):
    """A function of this text, whose source can be found."""
    Counter.count += 1
    name = f"<structure {Counter.count}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    weights = np.array([1.0, 0, 2, 0, 0, 1])
    band = np.eye(SIZE) + np.eye(SIZE, k=2)
    scope = {"np": np, "BAND": band, "WEIGHTS": weights}
    exec(compile(text, name, "exec"), scope)
    return scope["f"]


@st.composite
def programs(draw):
    lines = draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=5))
    body = "".join(f"    {s.format(k=draw(st.integers(1, 5)))}\n" for s in lines)
    return f"def f(x):\n    y = x * 1.0\n{body}    return y\n"


@settings(max_examples=120, deadline=None)
@given(programs(), st.integers(0, 2**32 - 1))
def test_structure_holds_all_entries(text, seed):
    f = program(text)
    rng = np.random.default_rng(seed)
    J = sparse_jacobian(f, check=True)
    first = rng.normal(size=SIZE)
    structure = J.structure(first).toarray()
    for x in (first, rng.normal(size=SIZE)):
        dense = np.zeros((SIZE, SIZE))
        for j in range(SIZE):
            step = np.zeros(SIZE)
            step[j] = 1e-7
            dense[:, j] = (f(x + step) - f(x - step)) / 2e-7
        J(x)
        assert not np.any((np.abs(dense) > 1e-6 * (1 + np.abs(dense).max())) & ~structure), text
