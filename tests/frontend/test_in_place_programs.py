"""Algorithms as people write them in place: sorts, pivots, buffers, optimisers, integrators, tables."""

import dataclasses
from typing import Any

import numpy as np
from frontend.programs import Programs

PROGRAMS = Programs()
program = PROGRAMS.program

V = np.array([0.3, 0.7, 1.1, -0.4])
W = np.array([1.2, -0.5, 0.9, 0.6])
M = np.array([[0.5, 1.2, -0.3], [0.8, -0.7, 0.4], [1.5, 0.2, 0.9]])


@dataclasses.dataclass
class State:
    u: Any
    v: Any
    n: Any = 0.0


@program(V, W)
def triangular_loop_over_views(a, w):
    for i in range(3):
        r = a[i:]
        for j in range(len(r)):
            r[j] += w[j] * a[0]
    return a


@program(V, W)
def branches_of_a_loop_rebind_two_arrays(a, w):
    x = a.copy()
    y = w.copy()
    for k in range(4):
        t = x if w[k] > 0 else y
        t = t * 2
        if k == 1:
            x = t
        else:
            y = t
    return x, y


@program(V, W)
def branches_of_a_loop_write_two_arrays(a, w):
    x = a.copy()
    y = w.copy()
    for k in range(4):
        if w[k] > 0:
            x[k] = y[k] ** 2
        else:
            y[k] = x[k] * 3
    return x, y


@program(V, W)
def both_branches_make_an_array(a, w):
    if a[0] > 0.1:
        x = a * 2
    else:
        x = np.zeros(4)
    x[0] = w[0]
    y = x[1:]
    y[0] = w[1]
    return x, a


@program(V, W)
def both_branches_write_a_view(a, w):
    if a[0] > 0.1:
        x = a[1:]
        x[0] = w[0]
    else:
        x = w[1:]
        x[0] = a[0]
    return x * 2


@program(V, W)
def branch_writes_through_a_view(a, w):
    r = a[2:]
    if a[0] > 0.1:
        r[0] = w[0] ** 2
    return a * r[1]


@program(V, W)
def branch_writes_the_base_of_a_view(a, w):
    r = a[2:]
    if a[0] > 0.1:
        a[2] = w[0] ** 2
    else:
        a = a * 2
    return r * 2


@program(V, W)
def branch_rebinds_the_base_of_a_view(a, w):
    r = a[2:]
    b = a
    if a[0] > 0.1:
        a = a * 2
    b[2] = w[0] ** 2
    return r * 2


@program(V, W)
def branch_decides_how_long_a_list_is(a, w):
    xs = [a[0]]
    if a[0] > 0.1:
        xs.append(w[0] ** 2)
    xs[-1] = xs[-1] * 3
    return sum(xs)


@program(V, W)
def branch_decides_which_keys_a_dict_has(a, w):
    d = {"x": a}
    if a[0] > 0.1:
        d["y"] = w
    d["x"][0] = w[1] ** 2
    return d["x"]


@program(V, W)
def branch_makes_another_object(a, w):
    s = State(a, w)
    t = s
    if a[0] > 0.1:
        s = State(w * 1.0, a * 1.0)
    s.n = 3.0 * w[0]
    return t.n + s.n * w[0]


@program(V, W)
def attribute_is_renewed_in_a_loop(a, w):
    s = State(a, w)
    b = s.u
    for k in range(3):
        s.u = s.u * w
        b[k] += s.u[k]
    return b, s.u


@program(V, W)
def object_is_renewed_in_a_loop(a, w):
    s = State(a * 1.0, w)
    for k in range(3):
        s = State(s.u * w, s.u)
        s.u[k] = 1.0 * w[k]
    return s.u, s.v


@program(V, W)
def list_in_an_attribute_grows(a, w):
    s = State([], w)
    for k in range(3):
        s.u.append(a[k] * w[k])
        s.n += s.u[k]
    return s.u[1] * s.n


@program(V, W)
def list_in_an_attribute_has_a_name(a, w):
    hist = []
    s = State(hist, w)
    for k in range(3):
        s.u.append(a[k] * w[k])
    hist[0] = 5.0 * a[1]
    return s.u[0] * s.u[2]


@program(V, W)
def dict_in_an_object_in_a_list(a, w):
    xs = [State({"p": a}, w)]
    y = xs[0].u
    y["p"][1] = w[0] ** 2
    y["q"] = a
    xs[0].u["q"][2] *= 5
    return a


@program(V, W)
def function_returns_a_tuple_of_views(a, w):
    def f(x):
        return x, x[1:]

    p, q = f(a)
    q[0] = w[0] ** 2
    return p, a


@program(V, W)
def recursive_list(a, w):
    def f(n):
        return [a[0]] if n == 0 else f(n - 1) + [w[n] * f(n - 1)[-1]]

    return f(3)


@program(V, W)
def default_argument_is_written(a, w):
    def f(x, y=w):
        y[0] += x
        return y

    f(a[0])
    f(a[1])
    return w


@program(V, W)
def keywords_are_written(a, w):
    def f(**k):
        k["x"][0] = k["y"][1] ** 2
        k["z"] = 1
        return k["x"]

    r = f(x=a, y=w)
    r[1] = 7.0
    return a


@program(V, W)
def positional_arguments_are_written(a, w):
    def f(*xs):
        for x in xs:
            x *= 2
        return xs[0]

    r = f(a, w, a)
    r[1] = 7.0
    return a, w


@program(V, W)
def arguments_are_spread(a, w):
    xs = [a, w]

    def f(p, q):
        p[0] = q[0] ** 2
        return p

    f(*xs)
    f(**{"p": w, "q": a})
    return xs[0] * xs[1]


@program(V, W)
def soft_edit_distance(a, w):
    n = 4
    D = [[0.0 for _ in range(n + 1)] for _ in range(n + 1)]
    for i in range(1, n + 1):
        D[i][0] = D[i - 1][0] + 1.0
        for j in range(1, n + 1):
            if i == 1:
                D[0][j] = D[0][j - 1] + 1.0
            c = (a[i - 1] - w[j - 1]) ** 2
            D[i][j] = -np.log(
                np.exp(-D[i - 1][j] - 1) + np.exp(-D[i][j - 1] - 1) + np.exp(-D[i - 1][j - 1] - c)
            )
    return D[n][n]


@program(V, W)
def rows_of_a_table_are_made_anew(a, w):
    prev = [0.0] * 5
    for i in range(4):
        cur = [prev[0] + a[i]] + [0.0] * 4
        for j in range(1, 5):
            cur[j] = np.logaddexp(prev[j], cur[j - 1]) * w[j - 1]
        prev = cur
    return prev[4], prev[2]


@program(V, W)
def rows_of_a_table_swap(a, w):
    prev = [0.0] * 5
    cur = [1.0] * 5
    for i in range(4):
        cur[0] = prev[0] + a[i]
        for j in range(1, 5):
            cur[j] = np.logaddexp(prev[j], cur[j - 1]) * w[j - 1]
        prev, cur = cur, prev
    return prev[4], cur[2]


@program(V, W)
def rows_are_stacked(a, w):
    out = np.zeros((0, 4))
    for k in range(3):
        out = np.vstack([out, a * w[k]])
        a[k] = 2.0 * w[k]
    return out


@program(V, W)
def masks_in_a_loop(a, w):
    for k in range(3):
        m = a < w
        a[m] += 0.5 * w[m] ** 2
        a[~m] *= 0.9
    return a


@program(V, W)
def rows_are_normalised_and_columns_shifted(a, w):
    m = np.outer(a, w) + np.eye(4)
    for k in range(4):
        m[k] /= np.linalg.norm(m[k])
        m[:, k] -= m[:, k - 1] * 0.1
    return m


@program(V, W)
def triangular_solve(a, w):
    L = np.tril(np.outer(a, w)) + 2 * np.eye(4)
    x = np.zeros_like(a)
    for i in range(4):
        x[i] = (w[i] - L[i, :i] @ x[:i]) / L[i, i]
    return x


@program(V, W)
def entry_of_a_tuple_is_augmented_in_part(a, w):
    t = (a, w)
    t[0][1:] += w[1:]
    return a


@program(M, V)
def copies_by_index_are_written_in_vain(m, v):
    m[[0, 1]][0] = v[:3]
    m[m > 0][0] = 5.0
    m[1:][0][1] = v[0] ** 2
    m[1][[0, 2]][0] = 7.0
    return m * v[1]


@program(M, V)
def chains_of_views_are_augmented(m, v):
    m[1:][:, 0] *= v[:2]
    m.T[0][1:] += v[1:3]
    m[0][...] = v[1:]
    m[2, :][::-1][0] -= v[3]
    return m


@program(V, W)
def entries_of_a_list_are_augmented(a, w):
    xs = [a, w, 2.0]
    xs[0] += w
    xs[2] += a[0]
    xs[1] *= xs[2]
    return xs[0], a, w, xs[2]


@program(V, W)
def entries_of_a_dict_are_augmented(a, w):
    d = {"x": a, "n": 1.0}
    d["x"] += w
    d["n"] *= a[1]
    d["x"][1:] *= d["n"]
    return a, d["n"]


@program(V, W)
def attributes_are_augmented(a, w):
    s = State(a, [w])
    s.u += w
    s.n -= s.u[0]
    s.v[0] *= s.n
    s.u[1:][0] += s.n
    return a, w, s.n


@program(V, W)
def names_of_the_function_around_are_augmented(a, w):
    t = 0.0
    b = a

    def f(k):
        nonlocal t, b
        t += w[k]
        b *= t
        if k == 1:
            b = b + 1.0

    f(0)
    f(1)
    f(2)
    return a, b, t


@program(V, W)
def list_is_joined_in_place_and_anew(a, w):
    xs = [a[0]]
    ys = xs
    xs += [w[0]]
    xs = xs + [3.0]
    xs[0] = 9.0 * w[1]
    return ys[0] * ys[1], sum(xs)


@program(V, W)
def counts(a, w):
    n = np.zeros(4, dtype=int)
    for k in range(4):
        n[k % 2] += 1
    return a * n


@program(V, W)
def indices_are_permuted(a, w):
    idx = np.arange(4)
    idx[0], idx[3] = idx[3], idx[0]
    return a[idx] * w


@program(V, W)
def masks_are_written(a, w):
    m = np.zeros(4, dtype=bool)
    m[1:3] = True
    m |= a < 0
    m[0] ^= True
    return a * m + w * ~m


@program(V, W)
def insertion_sort(a, w):
    for i in range(1, 4):
        x = a[i]
        j = i - 1
        while j >= 0 and a[j] > x:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = x
    return a * w


@program(V, W)
def bubble_sort(a, w):
    n = 4
    for i in range(n):
        for j in range(n - 1 - i):
            if a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]
    return a * w


@program(V, W)
def elimination_with_pivots(a, w):
    A = np.outer(a, w) + np.diag(w) + 0.3 * np.eye(4)[::-1]
    n = 4
    for k in range(n - 1):
        p = k + int(np.argmax(np.abs(A[k:, k])))
        if p != k:
            A[[k, p]] = A[[p, k]]
        A[k + 1 :, k] /= A[k, k]
        A[k + 1 :, k + 1 :] -= np.outer(A[k + 1 :, k], A[k, k + 1 :])
    return A


@program(V, W)
def rows_swapped_by_data(a, w):
    A = np.outer(a, w) + np.diag(w)
    for k in range(3):
        p = k + 1 if a[k] > 0.5 else k
        t = A[k].copy()
        A[k] = A[p]
        A[p] = t
    return A


@program(V, W)
def ring_buffer(a, w):
    buf = np.zeros(3)
    head = 0
    out = []
    for k in range(4):
        buf[head] = a[k]
        head = (head + 1) % 3
        out.append(np.dot(buf, w[:3]))
    return np.array(out)


@program(V, W)
def queue_of_two(a, w):
    q = [a[0]]
    for k in range(1, 4):
        q.append(a[k] * w[k])
        if len(q) > 2:
            q.pop(0)
    return q[0] * q[1]


@program(V, W)
def adam(a, w):
    m = np.zeros(4)
    v = np.zeros(4)
    for t in range(1, 4):
        g = 2 * (a - w) * a
        m *= 0.9
        m += 0.1 * g
        v *= 0.99
        v += 0.01 * g**2
        a -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-3)
    return a


@program(V, W)
def runge_kutta_with_buffers(a, w):
    y = a.copy()
    k = [np.empty(4) for _ in range(4)]
    for _ in range(2):
        k[0][:] = w * y
        k[1][:] = w * (y + 0.05 * k[0])
        k[2][:] = w * (y + 0.05 * k[1])
        k[3][:] = w * (y + 0.1 * k[2])
        y += 0.1 / 6 * (k[0] + 2 * k[1] + 2 * k[2] + k[3])
    return y


@program(V, W)
def runge_kutta_with_a_list(a, w):
    y = a.copy()
    for _ in range(2):
        ks = []
        for c in (0.0, 0.5, 0.5, 1.0):
            x = y.copy()
            if ks:
                x += 0.1 * c * ks[-1]
            ks.append(w * x)
        for k, b in zip(ks, (1, 2, 2, 1)):
            y += 0.1 / 6 * b * k
    return y


@program(V, W)
def stack_machine(a, w):
    st = []
    for op, k in (("push", 0), ("push", 1), ("mul", 0), ("push", 2), ("add", 0)):
        if op == "push":
            st.append(a[k] * w[k])
        else:
            y = st.pop()
            x = st.pop()
            st.append(x * y if op == "mul" else x + y)
    return st[0]


@program(V, W)
def tree_of_dicts(a, w):
    tree = {"v": a[0], "kids": [{"v": a[1], "kids": []}, {"v": a[2], "kids": []}]}

    def visit(t, d):
        t["v"] = t["v"] * w[d]
        for k in t["kids"]:
            visit(k, d + 1)
        return t["v"] + sum(x["v"] for x in tree["kids"])

    return visit(tree, 0)


@program(V, W)
def symmetric_matrix_is_filled(a, w):
    A = np.zeros((4, 4))
    for i in range(4):
        for j in range(i + 1):
            A[i, j] = A[j, i] = a[i] * w[j]
    return A


@program(V, W)
def slices_have_names(a, w):
    s = slice(1, None, 2)
    a[s] *= w[s]
    i = np.s_[::2]
    a[i] += w[i]
    return a


@program(V, W)
def places_by_divmod(a, w):
    A = np.zeros((2, 2))
    for k in range(4):
        i, j = divmod(k, 2)
        A[i, j] = a[k] ** 2
    A[0], A[1] = A[1].copy(), A[0].copy()
    return A


@program(V, W)
def inner_function_writes_through_a_view(a, w):
    def outer(x):
        def inner(y):
            y[0] = x[1]
            x[1] = y[2]
            return y

        return inner(x[::-1])

    r = outer(a)
    r *= w
    return a


@program(V, W)
def dict_read_with_a_default(a, w):
    d = {}
    for k in range(3):
        d[k] = d.get(k - 1, a[0]) * w[k]
    return d[2]


@program(V, W)
def vector_is_normalised(a, w):
    a /= np.linalg.norm(a)
    a -= np.dot(a, w) * w
    a /= np.sqrt((a * a).sum())
    return a


@program(V, W)
def power_iteration(a, w):
    A = np.outer(w, w) + np.diag(a)
    x = np.ones(4)
    for _ in range(4):
        x = A @ x
        x /= np.linalg.norm(x)
    return x


@program(V, W)
def convolution(a, w):
    out = np.zeros(7)
    for i in range(4):
        out[i : i + 4] += a[i] * w
    return out


@program(V, W)
def history_in_an_array(a, w):
    H = np.empty((3, 4))
    H[0] = a
    for t in range(1, 3):
        H[t] = np.roll(H[t - 1], 1) * w
        H[t, 0] += H[t - 1].sum()
    H[:, 1] = H[::-1, 2]
    return H[1:]


test_reads, _ = PROGRAMS.tests()
