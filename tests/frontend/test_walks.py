"""Walking over what is written meanwhile, and over iterators twice: as in Python, or refused."""

import numpy as np
from frontend.programs import Programs

from srcgrad.errors import UnsupportedSyntax

PROGRAMS = Programs()
program, refusal = PROGRAMS.program, PROGRAMS.refusal

V = np.array([0.3, 0.7, 1.1, -0.4])
W = np.array([1.2, -0.5, 0.9, 0.6])


# --- entries replaced meanwhile ---------------------------------------------------------------------


@program(V, W, or_refused=True)
def later_entry_of_a_list_is_replaced(a, w):
    xs = [a[0], a[1], a[2]]
    total = 0.0
    for i, x in enumerate(xs):
        xs[(i + 1) % 3] = x * w[i]
        total = total + x
    return total


@program(V, W, or_refused=True)
def later_array_of_a_list_is_replaced(a, w):
    xs = [a, w, a * w]
    total = 0.0
    for i, x in enumerate(xs):
        if i < 2:
            xs[i + 1] = x * 2.0
        x[0] = 5.0
        total = total + x
    return total


@program(V, W, or_refused=True)
def lists_of_a_zip_are_written(a, w):
    xs, ys = [a[0], a[1], a[2]], [w[0], w[1], w[2]]
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        xs[i] = x * y
        ys[(i + 1) % 3] = xs[i] + y
    return xs[0] * xs[1] * xs[2], ys[0] * ys[1]


@program([0.5, 0.7, 0.9], W)
def later_entry_of_an_argument_is_replaced(xs, w):
    total = 0.0
    for i, x in enumerate(xs):
        xs[(i + 1) % 3] = x * w[i]
        total = total + x
    return total


@program(V, W, or_refused=True)
def values_of_a_dict_are_replaced(a, w):
    d = {"x": a[0], "y": a[1]}
    total = 0.0
    for _, value in d.items():
        d["y"] = value * w[0] + 1.0
        total = total + value
    return total * d["y"]


@program(V, W)
def entry_just_passed_is_replaced(a, w):
    xs = [a[0], a[1], a[2]]
    for i, x in enumerate(xs):
        xs[i] = x * w[i]
    return xs[0] * xs[1] + xs[2]


@program(V, W)
def entries_of_an_array_are_written_ahead(a, w):
    total = 0.0
    for k, x in enumerate(a):
        total = total + x**2
        if k < 3:
            a[k + 1] += w[k]
    return total


@program(V, W)
def array_is_walked_over_backwards_and_written(a, w):
    total = 0.0
    for x in reversed(a):
        total = total * x + x**2
        a[:] = a * w
    return total


@program(V, W)
def zip_of_arrays_is_made_before_a_write(a, w):
    pairs = zip(a, w, strict=True)
    a[0] = 3.0 * w[1]
    total = 0.0
    for x, y in pairs:
        total = total + x * y
    return total


# --- lists that grow and shrink ---------------------------------------------------------------------


@refusal(
    [0.5, 0.7, 0.9],
    W,
    error=UnsupportedSyntax,
    message="what this loop walks over gets longer or shorter while it runs",
    line="for x in xs:",
    cure="walk over a copy, or by an index",
)
def list_grows_meanwhile(xs, w):
    total = 0.0
    for x in xs:
        if len(xs) < 5:
            xs.append(x * w[0])
        total = total + x * w[0]
    return total


@refusal(
    [0.5, 0.7, 0.9],
    W,
    error=UnsupportedSyntax,
    message="what this loop walks over gets longer or shorter while it runs",
    line="for x in xs:",
    cure="walk over a copy, or by an index",
)
def list_shrinks_meanwhile(xs, w):
    total = 0.0
    for x in xs:
        if x < 0.6:
            xs.pop()
        total = total + x * w[0]
    return total


@program([0.5, 0.7, 0.9], W)
def name_of_the_list_is_rebound_meanwhile(xs, w):
    total = 0.0
    for x in xs:
        xs = xs + [x]  # noqa: RUF005
        total = total + x * w[0]
    return total * len(xs)


@program(V, W)
def list_that_is_used_up(a, w):
    xs = [a[0], a[1], a[2]]
    total = 0.0
    while len(xs) > 0:
        x = xs.pop()
        total = total * w[0] + x * x
        if 0.5 < x < 1:
            xs.append(x - 0.4)
    return total


# --- iterators --------------------------------------------------------------------------------------


@refusal(
    V,
    W,
    error=UnsupportedSyntax,
    message="what is walked over here may have been walked over before, and is exhausted then",
    line="for _, x in pairs:",
    cure="make it a list first, and walk over that",
)
def enumerate_twice(a, w):
    pairs = enumerate(a)
    total = 0.0
    for i, x in pairs:
        total = total + x * w[i]
    for _, x in pairs:
        total = total + x * 100
    return total


@refusal(
    V,
    W,
    error=UnsupportedSyntax,
    message="what is walked over here may have been walked over before, and is exhausted then",
    line="return total + sum([x * 100 for x, _ in pairs])",
    cure="make it a list first, and walk over that",
)
def zip_twice(a, w):
    pairs = zip(a, w, strict=True)
    total = sum([x * y for x, y in pairs])
    return total + sum([x * 100 for x, _ in pairs])


@refusal(
    V,
    error=UnsupportedSyntax,
    message="what is walked over here may have been walked over before, and is exhausted then",
    line="return sum(xs) + 100 * sum(xs)",
    cure="make it a list first, and walk over that",
)
def reversed_twice(a):
    xs = reversed([a[0], a[1]])
    return sum(xs) + 100 * sum(xs)


@refusal(
    V,
    W,
    error=UnsupportedSyntax,
    message="what is walked over here may have been walked over before, and is exhausted then",
    line="for x in squares:",
    cure="make it a list first, and walk over that",
)
def generator_in_a_loop(a, w):
    squares = (x * x for x in a)
    total = 0.0
    for k in range(2):
        for x in squares:
            total = total + x * w[k]
    return total


@refusal(
    V,
    error=UnsupportedSyntax,
    message="what is walked over here may have been walked over before, and is exhausted then",
    line="return x * sum(squares)",
    cure="make it a list first, and walk over that",
)
def generator_left_by_break(a):
    squares = (x * x for x in a)
    for x in squares:  # noqa: B007
        break
    return x * sum(squares)


@program(V, or_refused=True)
def iterator_zipped_with_itself(a):
    xs = iter(a)
    total = 0.0
    for x, y in zip(xs, xs, strict=True):
        total = total + x * y * y
    return total


@program(V, W, or_refused=True)
def next_entry(a, w):
    xs = iter([a[0], a[1]])
    first = next(xs)
    return first * w[0] + next(xs) ** 2


@program(V, W)
def views_and_ranges_twice(a, w):
    d = {"x": a[0], "y": a[1]}
    items, places = d.items(), range(2)
    total = 0.0
    for _ in range(2):
        for i in places:
            total = total + w[i]
        for _, x in items:
            total = total * x
    return total


@program(V)
def generator_made_a_list(a):
    squares = list(x * x for x in a)  # noqa: C400
    return sum(squares) * max(squares)


# --- what is read late ------------------------------------------------------------------------------


@refusal(
    V,
    W,
    error=UnsupportedSyntax,
    message="this generator was made before something was written to, and is computed only now",
    line="return sum(products)",
    cure="make it a list where it stands, or write it where it is read",
)
def generator_reads_what_is_written_later(a, w):
    products = (x * a[0] for x in w)
    a[0] = 3.0 * w[1]
    return sum(products)


@refusal(
    V,
    error=UnsupportedSyntax,
    message="this generator was made before 'k' was bound anew, and is computed only now",
    line="return sum(products)",
    cure="make it a list where it stands, or write it where it is read",
)
def generator_reads_a_name_that_is_bound_later(a):
    k = 2.0
    products = (x * k for x in a)
    k = 3.0
    return sum(products)


@refusal(
    V,
    error=UnsupportedSyntax,
    message="this generator was made before 'k' was bound anew, and is computed only now",
    line="for i, x in numbered:",
    cure="make it a list where it stands, or write it where it is read",
)
def generator_over_a_generator_that_reads_a_name_bound_later(a):
    k = 2.0
    products = (x * k for x in a)
    numbered = enumerate(2 * p for p in products)
    if a[0] > 0:
        k = 3.0
    total = 0.0
    for i, x in numbered:
        total = total + x * i
    return total * k


@refusal(
    V,
    error=UnsupportedSyntax,
    message="this generator was made before 'k' was bound anew, and is computed only now",
    line="return sum(products)",
    cure="make it a list where it stands, or write it where it is read",
)
def generator_calls_what_reads_a_name_that_is_bound_later(a):
    k = 2.0

    def times(x):
        return x * k

    products = (times(x) for x in a)
    k = 3.0
    return sum(products)


@program(V, W)
def generator_keeps_what_it_walks_over(a, w):
    x, k = w, 2.0
    products = (x * k for x in a if x > 0)
    a = 3.0 * a
    x = 2.0 * x
    return sum(products) * a * x


@refusal(
    V,
    W,
    error=UnsupportedSyntax,
    message="this generator was made before something was written to, and is computed only now",
    line="return sum(products)",
    cure="make it a list where it stands, or write it where it is read",
)
def map_reads_what_is_written_later(a, w):
    products = map(lambda x: x * a[0], w)
    a[0] = 3.0 * w[1]
    return sum(products)


@program(V, W, or_refused=True)
def values_of_a_dict_are_a_view(a, w):
    d = {"x": a[0], "y": a[1]}
    values = d.values()
    d["x"] = w[0] * 3
    d["z"] = 2.0 * w[1]
    return sum(values)


@program(V, W, or_refused=True)
def keys_of_a_dict_are_a_view(a, w):
    d = {"x": a[0], "y": a[1]}
    keys = d.keys()
    d["z"] = 2.0 * w[1]
    total = 0.0
    for key in keys:
        total = total + d[key]
    return total


@program(V)
def lambda_reads_a_name_that_is_bound_later(a):
    k = 2.0
    f = lambda x: x * k  # noqa: E731
    k = 3.0
    return f(a)


@program(V)
def lambdas_of_a_comprehension_share_its_name(a):
    functions = [lambda x: x * k for k in (1.0, 2.0, 3.0)]
    return functions[0](a)


test_reads, test_refuses = PROGRAMS.tests()
