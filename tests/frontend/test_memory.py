"""Arrays that have several names: each shows what was last written, or the program is refused."""

import numpy as np
import pytest
from frontend.programs import Programs
from frontend.reading import differentiates

from srcgrad import stop_gradient
from srcgrad.errors import UnknownAlias
from srcgrad.frontend.memory import Memory
from srcgrad.frontend.sharing import FRESH

PROGRAMS = Programs()
program, refusal = PROGRAMS.program, PROGRAMS.refusal

V = np.array([0.3, 0.7, 1.1, -0.4])
W = np.array([1.2, -0.5, 0.9, 0.6])
M = np.array([[0.5, 1.2, -0.3], [0.8, -0.7, 0.4], [1.5, 0.2, 0.9]])
R = np.array([[0.5, 1.2, -0.3, 0.1], [0.8, -0.7, 0.4, 1.3]])


# --- two names ------------------------------------------------------------------------------------


@program(V, W)
def alias_is_written(a, w):
    b = a
    b[0] = w[1] * b[2]
    b += w
    return a * a, b


@program(V, W)
def alias_shows_what_the_first_wrote(a, w):
    b = a
    a[1:] *= w[1:]
    return b**2


@program(V, W)
def three_names_written_in_turn(a, w):
    b = a
    c = b
    a[0] *= w[0]
    b[0] += w[1]
    c[0] *= a[0]
    return a, b, c


@program(V, W)
def a_copy_is_apart(a, w):
    b = a.copy()
    c = np.array(a)
    d = a + 0
    e = a[:].copy()
    f = a[[0, 1, 2, 3]]
    g = a[a > -9]
    a *= w
    b[0] = w[0] ** 2
    c[1] *= b[0]
    d -= a
    e[::2] = f[1::2] * g[::2]
    f[:] = 3 * w
    g[0] = 2.0
    return a, b, c, d, e, f, g


@program(V, W)
def name_rebound_after_the_write(a, w):
    b = a
    b[0] = w[0] ** 2
    b = b * 2
    b[1] = 7 * w[1]
    return a, b


@program(V, W)
def values_taken_before_the_write_stay(a, w):
    x = a[0]
    s = a * w
    n = float(a[1])
    a[:] = 0.0
    return x * s, n * a


@program(V, W)
def chained_assignment(a, w):
    b = c = a * w
    b[0] = w[3]
    c[1] = b[0] * a[1]
    return b * c


@program(V, W)
def chained_assignment_to_entries(a, w):
    b = np.zeros(4)
    c = b[1] = a[0] * w[0]
    b[0] = b[2] = c * b[1]
    return b


@program(V, W)
def unpacked_names(a, w):
    b, c = a, w.copy()
    b, c = c, b
    c[0] = 5 * b[1]
    b[0] = c[0] * a[1]
    return a, b, c


@program(V, W)
def starred_names(a, w):
    first, *rest = (a, w, a)
    rest[1][0] = w[0] * 3
    rest[0][1] *= first[0]
    return a, w


@program(V, W)
def walrus(a, w):
    (b := a)[1] = w[0]
    return a * b


@program(V, W)
def conditional_expression_with_a_known_choice(a, w):
    b = a if a is not None else w
    b[0] = w[2] ** 2
    return a


@program(V)
def argument_twice(a):
    def add(x, y):
        x += y
        x *= y
        return x

    return add(a, a) + a


@program(V, W)
def whole_array_is_written(a, w):
    b = np.empty(4)
    b[:] = a
    b[0] = w[0] * b[1]
    a[:] = b * w
    b[1] = 0.0
    return a, b


@program(V, W)
def ellipsis_is_written(a, w):
    b = np.zeros_like(a)
    b[...] = a * w
    a[...] = 2.0
    return b * a


# --- views ----------------------------------------------------------------------------------------


@program(V, W)
def slice_is_written(a, w):
    b = a[1:3]
    b[0] = w[0] * a[2]
    b *= w[:2]
    return a, b


@program(V, W)
def base_is_written_under_a_slice(a, w):
    b = a[1:3]
    a *= w
    c = b**2
    a[2] = w[0]
    return b, c


@program(V, W)
def slice_of_slice(a, w):
    b = a[1:][::2][:1]
    b[0] = w[0] ** 2 * a[0]
    a[1] *= w[1]
    return b * a


@program(M, V)
def view_of_view_of_view(m, v):
    t = m.T[1:]
    r = t[0]
    s = r[::-1][:2]
    s *= v[:2]
    m[0] += r
    t[:, 1] = s[0] * v[2]
    return m, t, r, s


@program(M, V)
def rows(m, v):
    row = m[1]
    row *= 2 * v[0]
    m[1, 0] = row[1] * v[1]
    row[2] = m[1, 0]
    return m, row


@program(M, V)
def row_is_read_after_the_base_was_written(m, v):
    row = m[2]
    m *= v[0]
    x = row.copy()
    m[2, 1] = v[3]
    return row * x


@program(M, V)
def column_and_row_cross(m, v):
    row, column = m[1], m[:, 1]
    row[1] = v[0] * 3
    column[0] = row[1] ** 2
    row += column
    return m, row, column


@program(M, V)
def transpose_is_written(m, v):
    t = m.T
    t[0] = v[:3]
    m[0, 0] *= 3
    t[1, :2] += m[0, :2] * t[0, :2]
    return m, t


@program(R, V)
def transpose_methods(r, v):
    r.transpose()[0, 1] = v[0]
    np.transpose(r, (1, 0))[2] *= v[:2]
    r.swapaxes(0, 1)[3, 0] = v[1] ** 2
    np.moveaxis(r, 0, 1)[1] += v[2]
    return r


@program(R, V)
def reshapes_are_written(r, v):
    flat = r.reshape(-1)
    flat[::2] = v
    r[0, 1] = flat[0] * v[1]
    cube = r.reshape(2, 2, 2)
    cube[1, 1] *= v[:2]
    flat[-1] += cube[0, 0, 1]
    return r, flat, cube


@program(R, V)
def ravel_is_written(r, v):
    r.ravel()[3] = v[0] ** 2
    np.ravel(r)[4:6] *= v[:2]
    return r


@program(R, V)
def flatten_is_a_copy(r, v):
    flat = r.flatten()
    flat[0] = v[0]
    r[0, 1] = v[1] * 3
    return r, flat


@program(V, W)
def new_axes(a, w):
    column = a[:, None]
    column[0] = w[0] * w[1]
    row = a[np.newaxis]
    row[0, 1] *= column[0, 0]
    np.expand_dims(a, 0)[0, 2] = w[3]
    return a, column, row


@program(V, W)
def squeezed(a, w):
    m = a[None] * 1.0
    s = m.squeeze()
    s[1:] = w[1:] * s[0]
    np.squeeze(m, 0)[0] = w[2]
    return m, s


@program(V, W)
def flips(a, w):
    b = a[::-1]
    b[0] = w[0] * 2
    np.flip(a)[1] = b[0] ** 2
    np.flipud(a)[2] *= w[1]
    return a, b


@program(M, V)
def flips_of_matrices(m, v):
    np.fliplr(m)[0] = v[:3]
    np.rot90(m)[1] *= v[1:]
    np.flip(m, 0)[2, 2] = v[3] ** 2
    return m


@program(V, W)
def asarray_is_the_array(a, w):
    b = np.asarray(a)
    b[0] = w[0] ** 2
    np.asanyarray(a)[1] = w[1]
    c = np.ascontiguousarray(a)
    c[2] = w[2] * b[0]
    return a, b, c


@program(V, W)
def astype_is_a_copy(a, w):
    b = a.astype(float)
    b[0] = w[0]
    a[1] = w[1] * b[2]
    return a, b


@program(V, W)
def ones_with_dimensions(a, w):
    b = np.atleast_1d(a)
    b[0] = w[0] ** 2
    c = np.atleast_2d(a)
    c[0, 1] = w[1] * b[0]
    return a, b, c


@program(V + 1j * W, W)
def real_and_imaginary_parts(z, w):
    z = z * 1.0
    z.real[0] = w[0] ** 2
    z.imag[1:] *= w[1:]
    r = z.real
    z[2] = 1j * w[0]
    return np.real(r), np.imag(z), np.real(z)


@program(V, W)
def real_of_a_real_array(a, w):
    a.real[0] = w[0] ** 2
    return a


@program(M, V)
def diagonal_is_read_after_a_write(m, v):
    d = np.diagonal(m)
    m[1, 1] = v[0] ** 2
    return d * d, m


@program(M, V)
def fill_diagonal(m, v):
    np.fill_diagonal(m, v[0] ** 2)
    n = m * v[1]
    np.fill_diagonal(n, v[:3])
    return m, n


@program(R, V)
def broadcast_is_read_only_but_shows_writes(r, v):
    b = np.zeros((2, 4))
    b[:] = v
    v[0] = 3.0
    return b * r, v


@program(M, V)
def split_parts(m, v):
    top, bottom = np.split(m.copy(), [1])
    x = top * 2
    m[0] = v[:3]
    return x + m[0], bottom * m[1]


@program(M, V)
def swapped_rows(m, v):
    m[[0, 2]] = m[[2, 0]]
    m[0] *= v[0]
    x = m[1].copy()
    m[1] = m[2]
    m[2] = x
    m[2, 0] = v[1]
    return m


@program(M, V)
def swapped_rows_as_views_go_wrong_as_in_numpy(m, v):
    m[0], m[1] = m[1], m[0]
    m[0] *= v[0]
    return m


@program(V, W)
def overlapping_slices(a, w):
    a[1:] = a[:-1] * w[1:]
    a[:-1] += a[1:] * a[:-1]
    a[::2] = a[1::2] ** 2
    a[:] = a[::-1] * w
    return a


@program(V, W)
def overlapping_copy(a, w):
    a[1:] = a[:-1]
    a[:3] = a[1:]
    a *= w
    return a


@program(V, W)
def stencil(u, w):
    for _ in range(3):
        u[1:-1] += 0.3 * (u[2:] - 2 * u[1:-1] + u[:-2]) * w[1:-1]
    return u


@program(V, W)
def both_sides_are_the_same_array(a, w):
    a += a
    a *= a
    a -= a[::-1] * w
    a[:] = a
    return a


@program(V, W)
def view_on_both_sides(a, w):
    b = a[1:]
    b += a[:-1]
    a[:-1] *= b
    return a * w, b


@program(M, V, 1)
def index_is_an_argument(m, v, i):
    row = m[i]
    row[i] = v[i] ** 2
    m[i - 1, i] *= row[i]
    return m, row


@program(M, V)
def index_changes_after_the_view_was_taken(m, v):
    i = 0
    row = m[i]
    i = 2
    row[0] = v[0] ** 2
    m[0, 1] = v[i]
    return m, row, m[i]


@program(M, V, np.array([0, 2]))
def integer_arrays_copy(m, v, index):
    picked = m[index]
    picked[0] = v[:3]
    m[index] *= 2 * v[0]
    m[index, index] += picked[0, 0]
    return m, picked


@program(M, V)
def masks_copy(m, v):
    mask = m > 0.45
    picked = m[mask]
    m[mask] *= v[0]
    picked[0] = v[1]
    m[~mask] = v[2] ** 2
    return m, picked


@program(M, V)
def mask_taken_before_the_write(m, v):
    mask = m > 0.45
    m -= 0.2 * v[0]
    m[mask] = m[mask] ** 2
    return m


@program(V, W)
def index_array_written_later(a, w):
    index = np.array([0, 1])
    x = a[index]
    index[0] = 3
    a[index] = w[0] * x
    return a


# --- augmented assignment --------------------------------------------------------------------------


@program(V, 2.0)
def number_is_rebound(a, s):
    t = s
    t += 1.0
    t *= a[0]
    return s * t


@program(V, W)
def entry_is_a_number(a, w):
    x = a[0]
    x += w[0]
    x *= 3
    return a, x


@program(M, V)
def augmented_of_every_kind(m, v):
    m += v[:3]
    m -= v[0]
    m *= m.T
    m /= 2 + v[1]
    m **= 2
    m @= m
    m[0] %= 0.7
    m[1] //= 0.1
    return m


@program(M, V)
def augmented_with_a_wider_value_is_numpys_error_in_place(m, v):
    row = v[:3]
    row += m[0]
    return m + row


@program(np.arange(3), V)
def integer_arrays_of_integers(n, v):
    n += 1
    n[0] = 2
    return v[:3] * n


@program(V, W)
def augmented_slices_with_views_of_themselves(y, w):
    for k in range(1, 4):
        y[:k] += w[k] * np.flip(y[:k])
    return y


# --- names that branches bind ----------------------------------------------------------------------


@program(V, W)
def branch_writes(a, w):
    b = a
    if a[0] > 0:
        b[1] = w[0] ** 2
    else:
        a[2] = w[1]
    return a, b


@program(-V, W)
def branch_writes_otherwise(a, w):
    b = a
    if a[0] > 0:
        b[1] = w[0] ** 2
    else:
        a[2] = w[1] * b[0]
    return a, b


@program(V, W)
def branch_rebinds_and_neither_is_written(a, w):
    b = w
    if a[0] > 0:
        b = a
    return b * a


@program(V, W)
def branch_rebinds_and_the_other_is_not_read(a, w):
    b = a if w[0] > 0 else np.zeros(4)
    b[0] = w[1] ** 2
    return b


@program(V, W)
def branch_rebinds_and_copies(a, w):
    b = a.copy() if w[0] > 0 else np.zeros(4)
    b[0] = w[1] ** 2
    return a, b


@program(V, W)
def branch_views_a_part_of_the_same(a, w):
    if w[0] > 0:
        b = a[:2]
    else:
        b = a[2:]
    return b * a[0]


@program(V, W)
def both_branches_bind_the_same(a, w):
    if w[0] > 0:
        b = a
    else:
        b = a
    b[0] = w[1] ** 2
    return a


@program(V, W)
def written_inside_the_branch_that_bound_it(a, w):
    x = np.zeros(4)
    if w[0] > 0:
        b = a
        b[0] = w[1] ** 2
        x = b * 2
    return a, x


@program(V, W, True)
def known_branch(a, w, flag):
    b = a if flag else w
    b[0] = w[1] ** 2
    return a, b


@refusal(
    V,
    W,
    error=UnknownAlias,
    message="'a' may or may not share memory with 'b', which has been written to in line",
    line="return a * b",
    cure="take a copy before anything is written",
)
def branch_merges_and_one_is_written(a, w):
    b = np.zeros(4)
    if w[0] > 0:
        b = a
    b[0] = w[1] ** 2
    return a * b


@refusal(
    V,
    W,
    error=UnknownAlias,
    message="'b' may or may not share memory with 'a', which has been written to",
    line="return b * 2",
    cure="take a copy before anything is written: b = b.copy()",
)
def branch_merges_and_the_base_is_written(a, w):
    b = a if w[0] > 0 else np.zeros(4)
    a[0] = w[1] ** 2
    return b * 2


@refusal(
    V,
    W,
    error=UnknownAlias,
    message="'a' may or may not share memory with 'b', which has been written to",
    line="return a",
    cure=".copy()",
)
def branch_merges_views(a, w):
    b = a[:2] if w[0] > 0 else w[2:]
    b *= 2
    return a


@refusal(
    V,
    W,
    error=UnknownAlias,
    message="may or may not share memory",
    line="return w",
    cure=".copy()",
)
def branch_merges_views_of_the_other(a, w):
    b = a[:2] if w[0] > 0 else w[2:]
    b *= 2
    return w


# --- the checks themselves --------------------------------------------------------------------------


@pytest.mark.parametrize("function", [slice_is_written, base_is_written_under_a_slice, rows])
def test_the_checks_see_a_view_that_is_taken_for_a_copy(function, monkeypatch):
    monkeypatch.setattr(Memory, "sharing", lambda memory, value: (FRESH, ()))
    args = (M.copy(), V.copy()) if function is rows else (V.copy(), W.copy())
    with pytest.raises(AssertionError, match="is not"):
        differentiates(function, *args)


def test_the_checks_see_a_gradient_that_is_lost():
    def loss(a, w):
        a[0] = stop_gradient(w[0]) * a[1]
        return a

    with pytest.raises(AssertionError, match="argument 1"):
        differentiates(loss, V.copy(), W.copy())


test_reads, test_refuses = PROGRAMS.tests()
