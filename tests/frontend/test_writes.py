"""Calls that write into data are refused by name, as `A[i] = v` is: else a gradient would be lost."""

import linecache
import textwrap

import numpy as np
import pytest

from srcgrad import grad
from srcgrad.errors import NotDifferentiable, UnsupportedSyntax

WRITERS = """
np.copyto(z, w)
np.put(z, 0, w[0])
np.place(z, z == 0, w)
np.putmask(z, z == 0, w)
np.put_along_axis(z, np.array([0]), w[:1], 0)
np.add.at(z, 0, w[0])
np.add.reduce(np.eye(2) * w, 0, None, z)
np.nan_to_num(z, copy=False)
np.nan_to_num(z, False)
np.random.shuffle(z)
np.ndarray.fill(z, w[0])
np.ndarray.__setitem__(z, 0, w[0])
z.__setitem__(0, w[0])
z.__iadd__(w)
z.put(0, w[0])
operator.setitem(z, 0, w[0])
operator.iadd(z, w)
list.append(entries, w[0])
heapq.heappush(entries, w[0])
bisect.insort(entries, w[0])
queue.append(w[0])
random.shuffle(z)
""".strip().splitlines()


@pytest.mark.parametrize("line", WRITERS)
def test_calls_that_write_are_refused(line):
    text = textwrap.dedent(
        """\
        import bisect, collections, heapq, operator
        import numpy as np

        queue = collections.deque([0.0])
        random = np.random.default_rng(0)

        def loss(w):
            z, entries = np.zeros(2), [0.0]
            LINE
            return np.sum(z) + sum(entries) + queue[0]
        """
    ).replace("LINE", line)
    file = f"writes {line}.py"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names = {}
    exec(compile(text, file, "exec"), names)
    with pytest.raises(UnsupportedSyntax, match="not supported yet") as caught:
        grad(names["loss"])(np.array([0.3, 0.7]))
    assert caught.value.location.line == 9


def test_calls_that_only_look_like_it_are_not_refused():
    def loss(w):
        return np.sum(np.nan_to_num(w, copy=True)) + np.add.reduce(np.ones(2)) + len("a".join("bc"))

    assert grad(loss)(np.ones(2)).tolist() == [1.0, 1.0]


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("kind", [np.matrix, np.ma.MaskedArray])
def test_arrays_with_operators_of_their_own_are_refused(kind):
    def loss(w, X):
        return np.sum(X * w)

    with pytest.raises(NotDifferentiable, match=f"a {kind.__name__} is not read"):
        grad(loss)(np.ones((2, 1)), kind(np.ones((2, 2))))
