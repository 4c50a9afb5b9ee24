"""Arrays written in loops and functions: swapped, rotated, handed on, closed over, left early."""

import functools

import numpy as np
from frontend.programs import Programs

from srcgrad.errors import UnknownAlias

PROGRAMS = Programs()
program, refusal = PROGRAMS.program, PROGRAMS.refusal

V = np.array([0.3, 0.7, 1.1, -0.4])
W = np.array([1.2, -0.5, 0.9, 0.6])
M = np.array([[0.5, 1.2, -0.3], [0.8, -0.7, 0.4], [1.5, 0.2, 0.9]])
R = np.array([[0.5, 1.2, -0.3, 0.1], [0.8, -0.7, 0.4, 1.3]])


# --- loops ----------------------------------------------------------------------------------------


@program(V, W)
def filled_in_a_loop(a, w):
    out = np.zeros(4)
    for i in range(4):
        out[i] = a[i] ** 2 + w[i] * out[i - 1]
    return out


@program(V, W, 5)
def two_buffers_swapped(a, b, n):
    for k in range(n):
        b[1:-1] = 0.5 * (a[2:] + a[:-2]) + b[1:-1] * a[1:-1]
        a, b = b, a
    return a, b


@program(V, W, 4)
def two_buffers_swapped_and_both_written(a, b, n):
    for k in range(n):
        a[0] += b[1] ** 2
        b *= 0.7
        a, b = b, a
    a[1] = 3 * b[0]
    return a * b


@program(V, W, 5)
def new_buffer_each_round(a, w, n):
    for k in range(n):
        new = np.empty_like(a)
        new[1:] = a[:-1] * w[1:]
        new[0] = a[-1]
        a = new
    return a


@program(V, W, 5)
def buffer_copied_each_round(a, w, n):
    for k in range(n):
        old = a.copy()
        a[1:-1] = old[2:] * old[:-2] + w[1:-1]
    return a


@program(V, W, 4)
def three_buffers_rotate(a, b, n):
    c = np.ones(4)
    for k in range(n):
        c[:] = 2 * b - a * 0.3
        c[0] = a[1] * b[2]
        a, b, c = b, c, a
    return a, b, c


@program(V, W, 4)
def name_is_rebound_in_some_rounds(a, w, n):
    b = a * 1.0
    for k in range(n):
        if k == 2:
            b = w * b
        b[k] += w[k] ** 2
    return a * b


@program(V, W, or_refused=True)
def view_is_carried(a, w):
    b = a[:]
    for k in range(3):
        b = b[1:]
        b[0] *= w[k] * a[0]
    return a


@refusal(
    V,
    W,
    3,
    error=UnknownAlias,
    message="'a' may or may not share memory with 'b', which has been written to in line",
    line="b[0] *= w[k] * a[0]",
    cure="take a copy before anything is written: a = a.copy()",
)
def view_is_carried_through_unknown_rounds(a, w, steps):
    b = a[:]
    for k in range(steps):
        b = b[1:]
        b[0] *= w[k] * a[0]
    return a


@program(M, V)
def row_is_carried(m, v):
    row = m[0]
    for k in range(1, 3):
        m[k] = np.sin(m[k - 1]) * v[k]
        m[k, 0] += row[1]
        row = m[k]
    row[2] *= v[3]
    return m, row


T = np.linspace(-0.4, 0.7, 18).reshape(6, 3)


@program(T, V, 6)
def row_is_carried_through_unknown_rounds(m, v, steps):
    row = m[0]
    for k in range(1, steps):
        m[k] = np.sin(m[k - 1]) * v[0]
        m[k, 0] += row[1]
        row = m[k]
        row[2] += v[1] * m[k, 0]
    row[1] *= v[3]
    return m, row


@program(T, V, 6)
def two_rows_are_carried(m, v, steps):
    before, now = m[0], m[1]
    for k in range(2, steps):
        m[k] = v[0] * now * before + m[k]
        m[k, 1] += now[2]
        before, now = now, m[k]
        if now[0] > 0.5:
            break
    return m * before, now


@program(T, V, 0)
def row_is_carried_through_no_rounds(m, v, steps):
    row = m[-1]
    for k in range(steps):
        m[k] += row
        m[k, 0] += row[1]
        row = m[k]
    m[5, 0] *= v[0]
    return row * m[0]


@program(T, V, 6)
def rows_are_carried_by_loops_in_one_another(m, v, steps):
    row = m[0]
    for k in range(1, steps):
        m[k] *= v[1]
        last = m[0]
        for j in range(k):
            m[j] += 0.1 * row
            m[j, 2] += last[1] * row[0]
            last = m[j]
        row = m[k]
    return m


@refusal(
    T,
    6,
    error=UnknownAlias,
    message="'row' may or may not share memory with 'm', which has been written to",
    line="row = np.sin(row)",
    cure="take a copy before anything is written: row = row.copy()",
)
def row_or_an_array_of_its_own_is_carried(m, steps):
    row = m[0]
    for k in range(1, steps):
        m[k] *= 2.0
        row = np.sin(row)
    return m * row


@program(V, W)
def view_taken_before_the_loop(a, w):
    tail = a[1:]
    for k in range(3):
        tail[k] += a[k] * w[k]
        a[k] *= tail[0]
    return a, tail


@program(M, V)
def view_taken_in_each_round(m, v):
    for k in range(1, 3):
        row, above = m[k], m[k - 1]
        row -= above * v[k]
        above *= row[0]
    return m


@program(M, V)
def rows_of_a_for_loop(m, v):
    for row in m:
        row *= 2 * v[:3]
        row[0] = row[1] ** 2
    return m


@program(M, V)
def rows_with_enumerate_and_zip(m, v):
    for k, (row, x) in enumerate(zip(m, v, strict=False)):
        row[k] = x**2
        m[0, k] += row[1]
    return m


@refusal(
    M,
    V,
    error=UnknownAlias,
    message="'m' may or may not share memory with 'row', which has been written to in line",
    line="m[2, 0] = v[1]",
    cure="take a copy before anything is written: m = m.copy()",
)
def row_is_kept_after_the_loop(m, v):
    for row in m:
        row += v[0]
    row *= 3
    m[2, 0] = v[1]
    return m, row


@refusal(
    M,
    V,
    error=UnknownAlias,
    message="two entries of 'rows' may be one memory, and one of them is written to",
    line="rows[0][1] = v[0] ** 2",
    cure="let each entry have memory of its own, for instance by x.copy()",
)
def comprehension_over_rows_that_are_written_later(m, v):
    rows = [row for row in m]  # noqa: C416
    rows[0][1] = v[0] ** 2
    m[1] *= v[1]
    return m, rows[0] * rows[1]


@program(M, V)
def sums_of_rows_before_a_write(m, v):
    sums = [np.sum(row) for row in m]
    m *= v[0]
    return sums[0] * m, sums[2]


@program(M, V)
def elimination(m, v):
    n = len(m)
    m[0, 0] += 2
    for k in range(n):
        for i in range(k + 1, n):
            m[i, k] /= m[k, k]
            m[i, k + 1 :] -= m[i, k] * m[k, k + 1 :]
    return m * v[0]


@program(V, W)
def while_loop_with_break_after_a_write(a, w):
    k = 0
    while True:
        a[k] += w[k] * a[k - 1]
        k += 1
        if k == 3:
            break
        a[0] *= 1.1
    return a


@program(V, W)
def break_by_data(a, w):
    for k in range(4):
        a[k] *= w[k]
        if a[k] < 0:
            a[0] = a[k] ** 2
            break
        a[3] += a[k]
    return a


@program(V, W)
def continue_after_a_write(a, w):
    for k in range(4):
        a[k] *= 2
        if w[k] < 0:
            continue
        a[k] += w[k] ** 2
    return a


@program(V, W)
def early_return_after_a_write(a, w):
    a[0] = w[0] ** 2
    if a[0] > 1:
        a[1] *= 3
        return a * w
    a[2] = w[1]
    return a


@program(0.1 * V, 0.1 * W)
def early_return_not_taken(a, w):
    b = a[1:]
    if w[0] > 1:
        b[0] = 3.0
        return a * w
    b[1] = w[1] ** 2
    return a


@program(V, W)
def early_return_from_a_loop(a, w):
    for k in range(4):
        a[k] += a[0] * w[k]
        if a[k] > 1:
            return a * 2
    return a * w


@program(V, W, 3)
def double_loop_with_views(a, w, n):
    u = np.zeros((n + 1, 4))
    u[0] = a
    for t in range(n):
        now, after = u[t], u[t + 1]
        for i in range(4):
            after[i] = now[i] + w[i] * now[i - 1]
        now *= 1.5
    return u


@program(V, W, 4)
def only_reads_in_the_loop_of_what_was_written_before(a, w, n):
    b = a
    b[0] = w[0] ** 2
    total = 0.0
    for k in range(n):
        total += a[k] * b[0]
    return total


@program(V, W, 4)
def written_after_the_loop_that_read(a, w, n):
    b = a[:2]
    total = np.zeros(2)
    for k in range(n):
        total = total + b * w[k]
    a[:] = 0.0
    return total + b


@refusal(
    V,
    W,
    4,
    error=UnknownAlias,
    message="'x' may or may not share memory with 'a', which has been written to",
    line="return x",
    cure="take a copy before anything is written: x = x.copy()",
)
def name_begins_as_an_alias_and_is_renewed_if_the_loop_runs(a, w, n):
    x = a
    for k in range(n):
        x = x * w
    a[0] = 5.0 * w[0]
    return x


@program(V, W, 4)
def previous_is_kept(a, w, n):
    previous = a.copy()
    for k in range(n):
        previous, a = a, a + w * previous
    return previous, a


@refusal(
    V,
    W,
    error=UnknownAlias,
    message="may or may not share memory",
    line="b = a",
    cure=".copy()",
)
def name_is_rebound_to_an_array_in_some_rounds(a, w):
    b = np.zeros(4)
    for k in range(4):
        if w[k] > 0:
            b = a
        b[k] += w[k] ** 2
    return a


@program(V, W)
def carried_name_is_written_and_the_other_not_read(a, w):
    b = a.copy()
    for k in range(4):
        if w[k] > 0:
            b = b * 2
        b[k] += w[k] ** 2
    return b


@program(M, V)
def same_row_again_and_again(m, v):
    for k in range(4):
        row = m[k % 3]
        row[0] += v[k] ** 2
        m[(k + 1) % 3] += row
    return m


@program(V, W)
def reversed_and_strided_ranges(a, w):
    for i in range(3, 0, -1):
        a[i] += a[i - 1] * w[i]
    for i in reversed(range(0, 4, 2)):
        a[i] *= w[i]
    return a


@program(V, W)
def for_else(a, w):
    for i in range(3):
        a[i] *= w[i]
        if a[i] > 100:
            break
    else:
        a[0] = a[2] ** 2
    return a


# --- functions -------------------------------------------------------------------------------------


def scale(x, s):
    x *= s


def put_first(x, value):
    x[0] = value
    return x


def bump_and_sum(x):
    x += 1.0
    return np.sum(x)


def first_half(x):
    return x[:2]


def step(u, w):
    u[1:-1] += w * (u[2:] - u[:-2])


@program(V, 3.0)
def helper_writes(a, s):
    scale(a, s)
    scale(a[1:3], s)
    return a


@program(V, W)
def helper_returns_its_argument(a, w):
    b = put_first(a, w[0] ** 2)
    b[1] = w[1]
    put_first(b[2:], a[0])
    return a, b


@program(V, W)
def helper_returns_a_view(a, w):
    half = first_half(a)
    half *= w[0]
    a[0] += half[1] ** 2
    return a, half


@program(V, 0.3)
def helper_in_a_loop(u, w):
    for _ in range(3):
        step(u, w)
    return u


@program(V, W)
def temporaries_before_a_call_that_writes(a, w):
    x = a[0:2] + bump_and_sum(a)
    y = a * bump_and_sum(a)
    z = bump_and_sum(a) * a
    return x, y, z, a[0] + bump_and_sum(a) + a[0]


@program(V, W)
def operands_that_a_later_call_writes(a, w):
    return a + (a * put_first(a, 2.0) + a[0])


@program(V, W)
def arguments_before_a_call_that_writes(a, w):
    return np.stack([a, w * put_first(a, w[1]), a])


@program(V, W)
def tuple_of_an_array_that_a_later_call_writes(a, w):
    x, y, z = (a, a[0], put_first(a, w[1] ** 2)[0])
    return x * y * z


@program(V, W)
def index_is_evaluated_before_a_write(a, w):
    a[int(bump_and_sum(a) > 0)] = a[0] * w[1]
    return a


@program(V, W)
def comparison_before_a_write(a, w):
    return a * (2.0 if a[0] < bump_and_sum(a) else 3.0)


@program(V, W)
def closure_writes(a, w):
    b = a * 2

    def write(i, value):
        b[i] = value * a[i]

    write(0, w[0])
    write(1, b[0])
    b *= w
    return b


@program(V, W)
def closure_rebinds(a, w):
    b = a * 2

    def renew():
        nonlocal b
        b = b * w
        b[0] = 3.0

    c = b
    renew()
    c[1] = w[0] ** 2
    return a, b, c


@program(V, W)
def closure_reads_what_was_written_later(a, w):
    def total():
        return np.sum(a * w)

    before = total()
    a[0] = w[1] ** 2
    return before * total()


@program(V, W)
def default_argument_is_the_array(a, w):
    def write(i, x=a):
        x[i] = w[i] ** 2
        return x

    a[3] = 2 * w[0]
    return write(1) * a


@program(V, W)
def lambda_reads_what_is_written(a, w):
    f = lambda x: x * a[0]  # noqa: E731
    before = f(w)
    a[0] = w[2] ** 2
    return before, f(w)


@program(V, W)
def nested_definitions(a, w):
    def outer(x):
        y = x[1:]

        def inner(k):
            y[k] = x[k] * w[k]

        for k in range(2):
            inner(k)
        return y

    z = outer(a)
    z *= 2
    return a, z


@program(V, W)
def partial_that_writes(a, w):
    functools.partial(put_first, a)(w[1] ** 2)
    return a * w


@program(V, W)
def map_of_a_function_that_writes(a, w):
    b = a.copy()
    list(map(lambda i: b.__setitem__(i, w[i] ** 2), range(3)))
    return a, b


@program(V, W)
def comprehension_that_writes(a, w):
    sums = [bump_and_sum(a) * x for x in w]
    return a, sums


@program(V, W)
def helper_makes_and_fills(a, w):
    def filled(n):
        out = np.zeros(n)
        for i in range(n):
            out[i] = a[i] * w[i]
        return out

    x, y = filled(4), filled(3)
    x[0] = y[1]
    y[0] = 9.0 * w[0]
    return x, y


def smooth(x, n):
    if n == 0:
        return x
    return smooth(0.5 * (x + x[::-1] * x), n - 1)


@refusal(
    V,
    W,
    error=UnknownAlias,
    message="'x' may or may not share memory with 'a', which has been written to",
    line="return a, x",
    cure="x = x.copy()",
)
def recursive_function_on_what_is_written(a, w):
    a[0] = w[0] ** 2
    x = smooth(a, 3)
    a[1] = x[0] * w[1]
    return a, x


@program(V, W)
def conditional_call_that_writes(a, w):
    if w[0] > 0:
        scale(a, w[1])
    else:
        put_first(a, 3.0)
    return a


@program(V, W)
def short_circuit(a, w):
    if w[0] > 0 and bump_and_sum(a) > 0:
        a[0] *= 2
    if w[0] > 0 or bump_and_sum(a) > 0:
        a[1] *= 3
    return a


@program(V, W)
def conditional_expression_that_writes(a, w):
    x = bump_and_sum(a) if w[0] > 0 else a[0]
    return a * x


test_reads, test_refuses = PROGRAMS.tests()
