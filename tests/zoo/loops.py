"""Loops that run their course: over everything that can be walked, and what they carry."""

import math

import numpy as np

from zoo.registry import program, sample


@program(0.9, tags=("for_range1",))
def geometric_series(r):
    total, term = 0.0, 1.0
    for _ in range(6):
        total = total + term
        term = term * r
    return total


@program(0.4, 7, tags=("for_range2", "for_variable_bounds", "loop_index_scales", "int_float_mix"))
def harmonic_powers(x, n):
    total = 0.0
    for k in range(1, n + 1):
        total += x**k / k
    return total


@program(1.1, tags=("for_range3", "loop_index_scales"))
def sine_series(x):
    total, term, sign = 0.0, x, 1
    for k in range(1, 12, 2):
        total += sign * term
        term = term * x * x / ((k + 1) * (k + 2))
        sign = -sign
    return total


@program(np.array([1.0, -0.5, 0.25, 2.0]), 0.7, tags=("for_negative_step", "for_range3"))
def horner(coefficients, x):
    y = 0.0
    for k in range(len(coefficients) - 1, -1, -1):
        y = y * x + coefficients[k]
    return y


@program(2, 0.3, 5, tags=("for_variable_bounds", "for_negative_step", "for_range3"))
def variable_bounds_and_step(lo, x, hi):
    step = -1 if lo > hi else 1
    y = x
    for i in range(lo, hi, step):
        for j in range(i, 0, -step):
            y = y + x * i / j
    return y * x


@program(1.4, 0, tags=("zero_trips", "for_range1", "untouched", "while"))
def loop_runs_zero_times(x, n):
    y = x * 2
    z = x
    for i in range(n):
        y = y * z * i
        z = z + y
    for i in range(3, 1):
        y = 0.0
    while n > 0:
        z = z * 2
        n = n - 1
    return y * z


@program(np.array([0.5, -1.0, 1.5, 0.2]), tags=("for_array",))
def running_product(x):
    product = 1.0
    total = 0.0
    for value in x:
        product *= 1 + value**2
        total += product
    return total


@program(sample(4, 3), sample(3, seed=1), tags=("for_rows", "rebound_type"))
def sum_over_rows(X, w):
    total = 0.0
    for row in X:
        total = total + np.tanh(row @ w) * row
    return np.sum(total**2)


@program(0.6, 1.2, tags=("for_list",))
def over_a_list_literal(x, y):
    total = 0.0
    for value in [x, y, x * y, 2.0]:
        total = total * value + value
    return total


@program((0.6, 1.2, -0.4), tags=("for_tuple",))
def over_a_tuple_argument(values):
    norm = 0.0
    for value in values:
        norm = norm + value**2
    return math.sqrt(norm)


@program([0.1, 0.7, -0.4], [1.0, 2.0, 3.0], tags=("zip",))
def dot_of_lists(xs, ys):
    total = 0.0
    for x, y in zip(xs, ys):
        total += x * y**2
    return total


@program(np.array([0.1, 0.7, -0.4]), np.array([1.0, 2.0, 3.0, 4.0]), tags=("zip", "for_array"))
def zip_of_arrays_stops_at_the_shorter(x, y):
    total = 1.0
    for a, b, c in zip(x, y, y[1:]):
        total *= 1 + a * b / c
    return total


@program(np.array([0.3, 0.9, -0.2]), tags=("enumerate", "loop_index_scales"))
def position_weighted(x):
    total = 0.0
    for i, value in enumerate(x):
        total += (i + 1) * np.exp(i * value)
    return total


@program([0.3, 0.9, -0.2], tags=("enumerate", "enumerate_start"))
def factorial_weighted(xs):
    total, weight = 0.0, 1.0
    for k, x in enumerate(xs, start=1):
        weight /= k
        total += weight * x**k
    for k, x in enumerate(xs, 10):
        total += k * x
    return total


@program([0.3, 0.9, -0.2], sample(4, 2), tags=("reversed",))
def backwards(xs, A):
    y = 1.0
    for x in reversed(xs):
        y = y * x + 1
    for k in reversed(range(3)):
        y = y + k * xs[k] * y
    for row in reversed(A):
        y = y * 0.5 + row.sum() ** 2
    return y


@program({"a": 0.5, "b": 1.5, "c": -0.3}, tags=("dict_items", "fstring"))
def over_items(params):
    total = 0.0
    for name, value in params.items():
        label = f"{name}!"
        if label == "b!":
            total += value**3
        else:
            total += math.sin(value)
    return total


@program({"a": 0.5, "b": 1.5, "c": -0.3}, tags=("dict_keys", "dict_values"))
def over_keys_and_values(params):
    product = 1.0
    for key in params:
        product = product * params[key]
    for key in params.keys():
        product = product + params[key] ** 2
    for value in params.values():
        product = product * value
    return product


@program(
    [0.5, 1.5], [0.2, -0.4], tags=("nested_loop_targets", "enumerate", "zip", "loop_index_scales")
)
def enumerate_of_zip(xs, ys):
    total = 0.0
    for i, (a, b) in enumerate(zip(xs, ys)):
        total += (i + 1) * a * math.exp(b)
    return total


@program(
    {"w": (1.0, 2.0), "b": (0.5, -0.5)},
    [(0.1, (0.2, 0.3)), (0.4, (0.5, 0.6))],
    tags=("nested_loop_targets", "dict_items", "assign_starred"),
)
def nested_loop_targets(params, pairs):
    total = 0.0
    for name, (first, second) in params.items():
        for k, (x, (y, z)) in enumerate(pairs):
            total += first * x * y + second * z**k
    for head, *tail in [(1.0, *params["w"]), params["b"]]:
        total += head * sum(tail)
    return total


@program(1.0, 0.5, tags=("swap", "for_range1"))
def fibonacci_like(a, b):
    for _ in range(7):
        a, b = b, a + 0.3 * b
    return a * b


@program(0.4, 1.2, -0.7, tags=("swap", "for_range1"))
def rotate_three(a, b, c):
    for k in range(5):
        a, b, c = b, c, a * b + k * c
    return a + 2 * b + 3 * c


@program(1.3, 0.8, 2.0, tags=("untouched", "for_range1"))
def values_that_pass_through(x, y, z):
    for _ in range(3):
        x = x * y
    return x + y * z


@program(0.8, tags=("first_defined_in_loop",))
def defined_in_the_loop(x):
    for k in range(1, 4):
        power = x**k
        last = power * k
    return power + last * k


@program(np.array([0.3, 0.6, 0.9]), tags=("first_defined_in_loop", "for_array", "shadowed"))
def loop_name_used_afterwards(x):
    value = 10.0
    for value in x:
        scaled = value * 2
    return value * scaled + x[0]


@program(0.9, 1.1, tags=("loop_in_branch_in_loop", "if"))
def loops_in_branches_in_loops(x, y):
    for i in range(4):
        if i % 2 == 0:
            for j in range(i + 1):
                if j != 1:
                    x = x + 0.1 * y * j
                else:
                    y = y * 1.1
        elif x > 0:
            k = 0
            while k < 2:
                y = y - 0.05 * x
                k += 1
        else:
            x = -x
    return x * y


@program(sample(2, 3), sample(3, 4, seed=1), tags=("nested_loops_3", "nested_loops"))
def matmul_by_hand(A, B):
    total = 0.0
    for i in range(2):
        for j in range(4):
            entry = 0.0
            for k in range(3):
                entry += A[i, k] * B[k, j]
            total += entry**2 * (i + j)
    return total


@program(0.8, tags=("for_negative_step", "loop_index_scales"))
def continued_fraction(x):
    value = 1.0
    for k in range(8, 0, -1):
        value = 1 + k * x / value
    return 1 / value


@program(np.array([0.5, 1.0, 1.5, 2.5]), np.array([1.0, 3.0, 2.0, 4.0]), tags=("for_range1",))
def trapezoid_rule(x, y):
    area = 0.0
    for i in range(len(x) - 1):
        area += (x[i + 1] - x[i]) * (y[i] + y[i + 1]) / 2
    return area


@program(0.35, 3.2, tags=("for_range1",))
def logistic_map(x, r):
    for _ in range(10):
        x = r * x * (1 - x)
    return x


@program(sample(5), tags=("enumerate", "nested_loops", "if"))
def pairwise_repulsion(x):
    energy = 0.0
    for i, a in enumerate(x):
        for j, b in enumerate(x):
            if j > i:
                energy += 1 / (0.5 + (a - b) ** 2)
    return energy


@program(np.array([1.0, 2.5, 0.5, 3.0]), tags=("for_array", "if", "first_defined_in_loop"))
def running_maximum(x):
    best = x[0]
    for value in x[1:]:
        if value > best:
            gain = value - best
            best = value
        else:
            gain = 0.1 * value
        best = best + gain**2
    return best


@program(0.6, tags=("loop_dead_values", "for_range1"))
def dead_work_in_a_loop(x):
    y, waste = x, 0.0
    for k in range(4):
        waste = waste + np.exp(k * x)
        unused = waste * y
        y = np.sin(y) + x
    return y


@program(0.6, [1, 2, 3], tags=("for_list", "loop_index_scales", "int_float_mix"))
def over_a_list_of_ints(x, orders):
    total = 0.0
    for order in orders:
        total += x**order / order
    return total


@program(sample(3, 4), tags=("for_rows", "for_array", "nested_loops", "op_unary"))
def over_rows_then_entries(A):
    total = 0.0
    for row in A.T:
        for value in row[::-1]:
            total = -0.9 * total + np.sin(value)
    return total


@program(0.7, 2.1, tags=("range_reused", "for_range2", "nested_loops"))
def range_held_in_a_name(x, y):
    steps = range(1, 4)
    for i in steps:
        x = x + y / i
        for j in steps:
            y = y * 0.9 + x * j / 100
    return x * y * len(steps)


@program(1.2, tags=("loop_name_rebound", "for_range1", "arg_redefined"))
def loop_name_changed_inside(x):
    total = 0.0
    for i in range(3):
        total += i * x
        i = i * 10
        total += i * x**2
    return total


@program({"a": 0.4, "b": -0.8}, {"a": [1.0, 2.0], "b": [3.0]}, tags=("dict_keys", "dict_values"))
def values_beside_keys(weights, groups):
    total = 0.0
    for key in groups.keys():
        for value in groups[key]:
            total += weights[key] * value**2
    for k, group in enumerate(groups.values()):
        total *= 1 + k * sum(group)
    return total


@program({"x": 0.4, "y": 1.8}, tags=("dict_values", "dict_items", "zip", "reversed"))
def dict_walked_in_parallel(point):
    total = 1.0
    for (name, a), b in zip(point.items(), reversed([1.5, 2.5])):
        total = total * b + (a if name == "x" else a**2)
    for value in point.values():
        total -= value**3
    return total


@program(0.5, 1.5, tags=("for_tuple", "nested_loop_targets", "tuple_literal", "for_range3"))
def stencil_from_a_table(x, h):
    total = 0.0
    for (offset, weight), scale in (((-1, 1.0), h), ((0, -2.0), 1.0), ((1, 1.0), x)):
        total += weight * math.sin(x + offset * h) * scale
    for i in range(0, 10, 3):
        total += i * h**2
    return total / h**2


@program(0.7, 3, tags=("zero_trips", "for_variable_bounds", "loop_in_branch_in_loop"))
def triangle_of_loops(x, n):
    total = 0.0
    for i in range(n):
        inner = 1.0
        for j in range(i):
            inner = inner * x + j
        if i > 1:
            for j in range(i, n - 1):
                inner = -inner
            for j in range(n, i - 1, -1):
                inner = inner + x * j
        total = total + inner
    return total


@program(sample(4), 0.9, tags=("rebound_type", "for_array", "first_defined_in_loop"))
def decaying_sum(x, decay):
    trace = 0.0
    for value in x:
        trace = decay * trace + np.array([value, value**2])
        level = np.sum(trace)
    return level * trace[0]
