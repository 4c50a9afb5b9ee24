"""Sparse Jacobians and Hessians: closed forms, numbers of sweeps, what is kept, what is refused."""

import numpy as np
import pytest
import scipy.sparse

import srcgrad
from srcgrad import (
    NotDifferentiable,
    SrcgradError,
    StructureError,
    grad,
    register,
    sparse_hessian,
    sparse_jacobian,
)
from srcgrad.ops import dependence

RNG = np.random.default_rng(0)


def differences(f, x, step=1e-6):
    """The Jacobian by central differences."""
    columns = []
    for j in range(x.size):
        e = np.zeros(x.size)
        e[j] = step
        e = e.reshape(x.shape)
        columns.append(np.ravel(f(x + e) - f(x - e)) / (2 * step))
    return np.stack(columns, 1)


# Residuals of discretised equations, as users write them


def heat(u):
    v = u.copy()
    v[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return v


def heat_by_entries(u):
    n = len(u)
    v = np.zeros(n)
    v[0] = u[0]
    v[n - 1] = u[n - 1]
    for i in range(1, n - 1):
        v[i] = u[i] + 0.1 * (u[i + 1] - 2 * u[i] + u[i - 1])
    return v


def burgers(u):
    n = len(u)
    out = np.zeros(n)
    for i in range(1, n - 1):
        out[i] = 0.02 * (u[i + 1] - 2 * u[i] + u[i - 1]) - u[i] * (u[i + 1] - u[i - 1])
    return out


def brusselator(w):
    """Both species on a line: w[0] and w[1] are the concentrations."""
    u, v = w[0], w[1]
    lap_u = np.concatenate([[1.0], u[:-1]]) - 2 * u + np.concatenate([u[1:], [1.0]])
    lap_v = np.concatenate([[3.0], v[:-1]]) - 2 * v + np.concatenate([v[1:], [3.0]])
    du = 1.0 + u**2 * v - 4.0 * u + 0.02 * lap_u
    dv = 3.0 * u - u**2 * v + 0.02 * lap_v
    return np.stack([du, dv])


def laplace(u):
    p = np.pad(u, 1)
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u


def periodic(u):
    return np.roll(u, 1) - 2 * u + np.roll(u, -1) + np.sin(u)


def blocks(x):
    y = np.reshape(x, (4, 3))
    return np.stack([np.sum(y**2, axis=1), np.prod(y, axis=1)])


def arrow(x):
    return x[0] * x + np.concatenate([[np.sum(x**2)], np.zeros(len(x) - 1)])


def circulant(x):
    return np.convolve(x, [1.0, 0.0, -2.0], "same") * x


RESIDUALS = {
    "heat": (heat, (12,), 3),
    "heat by entries": (heat_by_entries, (12,), 3),
    "burgers": (burgers, (12,), 3),
    "brusselator": (brusselator, (2, 9), 4),
    "laplace": (laplace, (6, 7), 9),
    "periodic": (periodic, (12,), 3),
    "blocks": (blocks, (12,), 3),
    "convolution": (circulant, (12,), 5),
    "elementwise": (np.tanh, (8,), 1),
}


@pytest.mark.parametrize("name", RESIDUALS)
@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
def test_residuals(name, mode):
    f, shape, most = RESIDUALS[name]
    x = RNG.normal(size=shape)
    J = sparse_jacobian(f, mode=mode)
    given = J(x)
    assert isinstance(given, scipy.sparse.csr_array) and given.shape == (f(x).size, x.size)
    np.testing.assert_allclose(given.toarray(), differences(f, x), rtol=1e-6, atol=1e-7)
    assert J.sweeps == J.colours
    if mode is None:
        assert J.colours <= most
    assert J.structure(x).dtype == bool and J.structure(x).nnz == given.nnz


def test_closed_form_of_burgers():
    u, n = RNG.normal(size=50), 50
    wanted = np.zeros((n, n))
    i = np.arange(1, n - 1)
    wanted[i, i - 1] = 0.02 + u[i]
    wanted[i, i] = -0.04 - (u[i + 1] - u[i - 1])
    wanted[i, i + 1] = 0.02 - u[i]
    np.testing.assert_allclose(sparse_jacobian(burgers)(u).toarray(), wanted, atol=1e-14)


def test_closed_form_of_brusselator():
    w, n = RNG.normal(size=(2, 30)), 30
    u, v = w
    second = np.eye(n, k=1) + np.eye(n, k=-1) - 2 * np.eye(n)
    wanted = np.block(
        [
            [np.diag(2 * u * v - 4) + 0.02 * second, np.diag(u**2)],
            [np.diag(3 - 2 * u * v), np.diag(-(u**2)) + 0.02 * second],
        ]
    )
    J = sparse_jacobian(brusselator)
    np.testing.assert_allclose(J(w).toarray(), wanted, atol=1e-13)
    assert J.structure(w).nnz == 8 * n - 4


CALLS = []


def counted(x):
    CALLS.append(x.shape)
    return np.tanh(x)


register(counted, lambda g, y, x: g * (1 - y * y))


def through_counted(x):
    y = counted(x)
    return y[2:] * x[:-2] + y[1:-1] ** 2 - x[2:]


def test_ten_thousand_variables_in_as_many_sweeps_as_colours():
    """The function itself runs once for the structure and once for all sweeps."""
    n = 10_000
    x = RNG.normal(size=n)
    J = sparse_jacobian(through_counted)
    CALLS.clear()
    given = J(x)
    assert J.colours == 3 and J.sweeps == 3 and len(CALLS) == 2
    y, slope = np.tanh(x), 1 - np.tanh(x) ** 2
    i = np.arange(n - 2)
    rows = np.concatenate([i, i, i])
    columns = np.concatenate([i, i + 1, i + 2])
    values = [y[2:], 2 * y[1:-1] * slope[1:-1], slope[2:] * x[:-2] - 1]
    wanted = scipy.sparse.csr_array((np.concatenate(values), (rows, columns)), (n - 2, n))
    assert abs(given - wanted).max() < 1e-13
    CALLS.clear()
    J(x + 1)
    assert len(CALLS) == 1  # the structure is kept


def test_ten_thousand_variables_written_entry_by_entry():
    n = 10_000
    x = RNG.normal(size=n)
    J = sparse_jacobian(heat_by_entries)
    structure = J.structure(x)
    assert J.colours == 3 and structure.nnz == 3 * (n - 2) + 2
    given = sparse_jacobian(heat_by_entries, structure=structure)(x)
    assert abs(given - sparse_jacobian(heat)(x)).max() < 1e-14


# Hessians


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_by_entries(x):
    s = 0.0
    for i in range(len(x) - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
    return s


def bratu(u):
    p = np.pad(u, 1)
    flat = 0.5 * np.sum((p[1:] - p[:-1]) ** 2) + 0.5 * np.sum((p[:, 1:] - p[:, :-1]) ** 2)
    return flat - 0.1 * np.sum(np.exp(u))


def shared_scale(x):
    return np.sum(x[0] * x[1:] ** 2) + x[0] ** 4


def least_squares(x):
    d = np.array([[1.0, -1.0, 0, 0, 0, 0], [0, 1.0, -1.0, 0, 0, 0], [0, 0, 0, 0, 2.0, -1.0]])
    r = d @ x
    return np.sum(r**4)


ENERGIES = {
    "rosenbrock": (rosenbrock, (10,), 3),
    "rosenbrock by entries": (rosenbrock_by_entries, (10,), 3),
    "bratu": (bratu, (6, 6), 7),
    "shared scale": (shared_scale, (10,), 2),
    "least squares": (least_squares, (6,), 3),
    "separable": (lambda x: np.sum(np.sin(x) ** 2), (7,), 1),
    "linear": (lambda x: np.sum(3 * x), (5,), 0),
}


@pytest.mark.parametrize("name", ENERGIES)
def test_energies(name):
    f, shape, most = ENERGIES[name]
    x = RNG.normal(size=shape)
    H = sparse_hessian(f)
    given = H(x)
    wanted = differences(grad(f), x)
    np.testing.assert_allclose(given.toarray(), wanted, rtol=1e-5, atol=1e-5)
    assert H.sweeps == H.colours <= most
    pattern = given.astype(bool).toarray()
    assert (pattern == pattern.T).all()


def test_closed_form_of_a_rosenbrock_chain():
    n = 10_000
    x = RNG.normal(size=n)
    H = sparse_hessian(rosenbrock)
    given = H(x)
    main = np.zeros(n)
    main[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    main[1:] += 200
    side = -400 * x[:-1]
    wanted = scipy.sparse.diags_array([side, main, side], offsets=[-1, 0, 1])
    assert abs(given - wanted).max() < 1e-9
    assert H.colours == H.sweeps == 3


# Which way, and by which argument


def test_arrows_go_the_way_that_is_short():
    x = RNG.normal(size=40)
    wide = sparse_jacobian(lambda x: np.concatenate([x[1:] ** 2, [np.sum(x * x[0])]]))
    wide(x)
    assert wide.colours == 2  # by rows
    tall = sparse_jacobian(lambda x: x[1:] * x[0])
    tall(x)
    assert tall.colours == 2  # by columns
    for J in (wide, tall):
        np.testing.assert_allclose(J(x).toarray(), differences(J.function, x), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("argnums", [1, "x"])
def test_other_arguments(argnums):
    def f(a, x, b=2.0):
        return a * x**b

    x = RNG.uniform(1, 2, size=4)
    given = sparse_jacobian(f, argnums)(np.arange(4.0), x)
    np.testing.assert_allclose(given.toarray(), np.diag(np.arange(4) * 2 * x))


def test_single_precision_stays():
    x = np.linspace(0, 1, 5, dtype=np.float32)
    given = sparse_jacobian(lambda x: x[1:] * x[:-1], check=True)(x)
    assert given.dtype == np.float32


def test_of_a_gradient():
    x = RNG.normal(size=6)
    J = sparse_jacobian(grad(rosenbrock))
    np.testing.assert_allclose(J(x).toarray(), sparse_hessian(rosenbrock)(x).toarray())


# The structure is that of the path taken, and never an old one


def by_sign(x):
    if x[0] > 0:
        return x[1:] * 2
    return x[:-1] * x[0]


def gathered(x, index):
    return x[index] ** 2


def until_small(x):
    y = x.copy()
    while y[0] > 1:
        y = 0.3 * (y + np.roll(y, 1))
    return y


def by_sign_of_entries(x):
    return np.where(x > 0, x, np.roll(x, 1))


MATRIX = np.eye(4)


def through_global(x):
    return MATRIX @ x**2


@pytest.mark.parametrize(
    ("f", "first", "second"),
    [
        (by_sign, (np.array([1.0, 2, 3]),), (np.array([-1.0, 2, 3]),)),
        (gathered, (np.arange(4.0), np.array([0, 1])), (np.arange(4.0), np.array([3, 1]))),
        (until_small, (np.array([0.5, 3, 9]),), (np.array([4.0, 3, 9]),)),
        (by_sign_of_entries, (np.array([1.0, -2, 3]),), (np.array([-1.0, 2, 3]),)),
        (lambda x, n: x[:n] * x[n], (np.arange(5.0), 3), (np.arange(5.0) + 1, 2)),
        (lambda x, m: m @ x, (np.ones(3), np.eye(3)), (np.ones(3), np.ones((3, 3)))),
        (lambda x: np.sort(x) ** 2, (np.array([1.0, 2, 3]),), (np.array([3.0, 1, 2]),)),
        (lambda x: np.cumsum(x[x > 0]), (np.array([1.0, 2, -3]),), (np.array([-3.0, 1, 2]),)),
    ],
    ids=["branch", "index", "while", "where", "length", "factor", "sort", "mask"],
)
def test_structure_follows_the_path(f, first, second):
    J = sparse_jacobian(f)
    for args in (first, second, first):
        wanted = differences(lambda x: f(x, *args[1:]), args[0])
        np.testing.assert_allclose(J(*args).toarray(), wanted, rtol=1e-6, atol=1e-7)


def test_structure_follows_global_values(monkeypatch):
    x = np.ones(4)
    J = sparse_jacobian(through_global)
    assert J(x).nnz == 4
    monkeypatch.setitem(globals(), "MATRIX", np.ones((4, 4)))
    assert J(x).nnz == 16
    np.testing.assert_allclose(J(x).toarray(), np.full((4, 4), 2.0))


def test_structure_is_kept_where_no_value_decides(monkeypatch):
    found = []
    rule = dependence.ROWS[np.roll].rule
    row = dependence.Row(lambda call: (found.append(1), rule(call))[1], (0,))
    monkeypatch.setitem(dependence.ROWS, np.roll, row)
    J = sparse_jacobian(periodic)
    for _ in range(3):
        J(RNG.normal(size=9))
    assert len(found) == 2  # one run, of two calls
    J(RNG.normal(size=12))
    assert len(found) == 4


# A structure that is given


def test_structure_given_is_used():
    x = RNG.normal(size=9)
    structure = sparse_jacobian(heat).structure(x)
    J = sparse_jacobian(heat, structure=structure, check=True)
    np.testing.assert_allclose(J(x).toarray(), differences(heat, x), atol=1e-8)
    assert J.colours == 3 and J.sweeps == 4  # one more to check
    dense = sparse_jacobian(heat, structure=np.ones((9, 9)))
    np.testing.assert_allclose(dense(x).toarray(), J(x).toarray(), atol=1e-14)
    assert dense.colours == 9


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_check_finds_what_is_missing(mode):
    x = RNG.normal(size=9)
    J = sparse_jacobian(heat, structure=np.eye(9), mode=mode, check=True)
    with pytest.raises(StructureError, match="does not hold all entries"):
        J(x)


def test_check_finds_a_wrong_row(monkeypatch):
    monkeypatch.setitem(dependence.ROWS, np.roll, dependence.Row(lambda call: call.filled(0), (0,)))
    x = RNG.normal(size=9)
    with pytest.raises(StructureError, match="does not hold all entries"):
        sparse_jacobian(periodic, check=True)(x)


def test_check_passes_over_all():
    for f, shape, _ in RESIDUALS.values():
        sparse_jacobian(f, check=True)(RNG.normal(size=shape))
    for f, shape, _ in ENERGIES.values():
        sparse_hessian(f, check=True)(RNG.normal(size=shape))


def refusals():
    x = np.ones(3)
    yield "columns", sparse_jacobian(heat, structure=np.eye(4)), (x,), StructureError, "4 columns"
    yield "rows", sparse_jacobian(heat, structure=np.ones((2, 3))), (x,), StructureError, "2 rows"
    yield (
        "square",
        sparse_hessian(rosenbrock, structure=np.ones((2, 3))),
        (x,),
        StructureError,
        "square",
    )
    yield "number in", sparse_jacobian(np.sin), (1.0,), NotDifferentiable, "of type 'float'"
    yield "list in", sparse_jacobian(lambda x: x[0]), ([x],), NotDifferentiable, "of type 'list'"
    yield "integers", sparse_jacobian(np.sin), (np.arange(3),), NotDifferentiable, "int64"
    yield "complex", sparse_jacobian(np.sin), (x + 0j,), NotDifferentiable, "complex128"
    yield "complex out", sparse_jacobian(lambda x: x * 1j), (x,), NotDifferentiable, "is complex"
    yield "no axes", sparse_jacobian(np.sin), (np.array(1.0),), NotDifferentiable, "single one"
    yield "number out", sparse_jacobian(rosenbrock), (x,), StructureError, "returns 'float64'"
    yield "tuple out", sparse_jacobian(lambda x: (x, x)), (x,), StructureError, "returns 'tuple'"
    yield "array loss", sparse_hessian(heat), (x,), srcgrad.NotScalar, "one"
    yield "no argument", sparse_jacobian(heat, "y"), (x,), SrcgradError, "no parameter 'y'"
    yield "default", sparse_jacobian(lambda x, y=x: x * y, 1), (x,), SrcgradError, "by position"


@pytest.mark.parametrize(
    ("make", "args", "error", "message"), [pytest.param(*r[1:], id=r[0]) for r in refusals()]
)
def test_refusals(make, args, error, message):
    with pytest.raises(error, match=message):
        make(*args)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sparse_jacobian(3.0), "a function"),
        (lambda: sparse_jacobian(heat, (0, 1)), "one array argument"),
        (lambda: sparse_jacobian(heat, mode="both"), "no mode 'both'"),
        (lambda: sparse_jacobian(heat).colours, "after the first call"),
        (lambda: sparse_jacobian(heat, structure=np.ones(3)), "1 dimensions"),
    ],
)
def test_refusals_at_once(call, message):
    with pytest.raises(SrcgradError, match=message):
        call()


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.sparse", None)
    with pytest.raises(SrcgradError, match=r"srcgrad\[sparse\]"):
        sparse_jacobian(heat)(np.ones(3))


def test_repr():
    assert repr(sparse_jacobian(heat)) == "<sparse_jacobian of heat with respect to 0>"
