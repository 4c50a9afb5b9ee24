"""Straight-line programs: assignment in every form, every operator, formulas."""

import math

import numpy as np

from zoo.registry import program, sample

GRAVITY = 9.80665


@program(0.7, tags=("op_arith", "docstring", "op_power"))
def cubic(x):
    """A cubic polynomial."""
    return 2 * x**3 - 3 * x**2 + x / 4 - 1


@program(
    sample(3), sample(6, 3, seed=1), np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0]), tags=("op_matmul",)
)
def logistic_loss(w, X, y):
    z = X @ w
    p = 1 / (1 + np.exp(-z))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


@program(1.3, 0.6, tags=("assign_tuple",))
def polar_to_cartesian(r, theta):
    x, y = r * np.cos(theta), r * np.sin(theta)
    return x**2 * y - y / x


@program(0.4, 1.1, tags=("assign_tuple", "swap"))
def swap_twice(a, b):
    a, b = b, a
    a, b = a * b, a - b
    a, b = b, a
    return a**2 + 3 * b


@program(0.5, 1.5, 2.5, -0.5, tags=("assign_starred",))
def starred_targets(a, b, c, d):
    first, *rest = a * b, b * c, c * d, d * a
    *init, last = rest
    head, *middle, tail = (first, init[0], init[1], last)
    return head * tail + middle[0] * middle[1] - len(rest) * last


@program(np.array([0.3, -1.2, 0.8, 2.0]), tags=("assign_starred",))
def starred_array_target(x):
    first, *others = x
    return first * sum(others) - others[-1] ** 2


@program(0.9, -0.4, 1.7, tags=("assign_nested",))
def nested_targets(a, b, c):
    (p, q), [r, (s, t)] = (a * b, b + c), [c * a, (a - b, math.sin(c))]
    ((u,), v), *w = ((p + q,), r), s, t
    return u * v + w[0] * w[1]


@program(0.8, tags=("assign_chained",))
def chained_assignment(x):
    a = b = c = np.sin(x)
    b = b * x
    c = c + b
    return a * b + b * c + c * a


@program(1.2, -0.7, tags=("assign_chained", "assign_tuple"))
def chained_with_tuple(x, y):
    pair = (u, v) = x * y, x - y
    w = [s, t] = [u + v, u * v]
    return pair[0] * s + pair[1] * w[1] * t


@program(1.4, 2.3, tags=("assign_augmented", "op_floordiv_mod"))
def augmented_numbers(x, y):
    total = x
    total += y * x
    total -= math.sqrt(y)
    total *= x
    total /= y + 1
    total **= 2
    total %= 5.0
    n = 7
    n //= 2
    n <<= 1
    n |= 1
    return total * n


@program(0.6, tags=("walrus",))
def walrus_in_expression(x):
    y = (s := math.sin(x)) * s + (c := math.cos(2 * x))
    return y * c + s


@program(2.2, 0.3, tags=("walrus", "cond_expr"))
def walrus_in_condition(x, y):
    scaled = z * 2 if (z := x * y) > 0.5 else -z
    return scaled * z


@program(2.7, 1.3, tags=("op_arith", "op_floordiv_mod", "op_power", "op_unary"))
def every_float_operator(x, y):
    a = x + y
    b = x - y
    c = a * b
    d = c / x
    e = d % 2.0
    f = a // b
    g = x**y
    return +e - -f * g


@program(np.array([0.7, 1.9, 3.4]), tags=("op_floordiv_mod", "numpy", "op_unary"))
def sawtooth(t):
    phase = t % 1.0
    turn = t // 1.0
    return np.sum(phase * (turn + 1) - np.mod(-t, 0.8))


@program(1.6, 0.7, tags=("op_power",))
def powers(x, y):
    return x**2 + 2**x + x**y + x**-1 + x**0.5 + (x + y) ** (x - y) + pow(y, 3)


@program(sample(3, 4), sample(4, 2, seed=1), sample(2, seed=2), tags=("op_matmul",))
def matmul_chain(A, B, v):
    return (A @ B @ v).sum() + v @ B.T @ A.T @ (A @ B) @ v


@program(np.array([0.4, -1.5, 2.5, -0.2]), tags=("op_unary", "op_bitwise", "mask_where"))
def mask_algebra(x):
    inside = (x > -1) & (x < 1)
    outside = ~inside
    either = inside | (x > 2)
    one = inside ^ outside
    return np.sum(np.where(inside, x**2, -x) * either + np.where(outside & one, 0.1 * x**3, +x))


@program(0.35, 2, tags=("op_bitwise", "int_float_mix"))
def integer_bits(x, n):
    k = (n << 2) | 1
    m = (k >> 1) ^ 6 & ~1
    return x**n * k + x * m


@program(0.45, tags=("compare_chained", "cond_expr"))
def chained_comparison(x):
    bump = math.exp(-1 / (1 - x * x)) if -1 < x < 1 else 0.0
    edge = 1.0 if 0 <= x < 0.5 <= 1 != 2 else x
    return bump + edge * x


@program(-0.8, tags=("cond_expr",))
def nested_conditional_expression(x):
    return x**2 if x > 1 else (math.exp(x) if x > 0 else (math.sin(x) if x > -1 else 0.0))


@program(1.3, 0.0, argnums=(0,), tags=("bool_ops", "short_circuit", "cond_expr"))
def boolean_operators(x, zero):
    safe = zero != 0 and x / zero > 1
    pick = zero or x
    both = x and x * 2
    return (x**3 if not safe else x) + pick * both


@program(0.9, tags=("arg_redefined",))
def argument_redefined(x):
    x = np.sin(x)
    x = x * x + x
    x = np.log1p(x)
    return x


@program(1.1, 2.0, 3.0, tags=("unused_arg",))
def unused_arguments(x, y, z):
    w = y * 3
    return x * x + 0.5 * z


@program(0.3, 0.9, tags=("shadowed",))
def shadowed_builtins(x, y):
    sum = x + y
    max = sum * x
    abs = max - sum
    pow = abs**2
    return pow * sum


@program(0.6, tags=("assign_annotated", "annotations"))
def annotated_assignment(x: float) -> float:
    later: float
    square: float = x * x
    later = square + 1.0
    ratio: "np.float64" = square / later
    return ratio


@program(1.5, tags=("layout",))
def statements_on_one_line(x):
    y = x * 2; z = y + x  # fmt: skip  # noqa: E702
    return (
        y * z
        + x  # a comment in the middle of an expression
        - z / y
    )


@program(3.0, tags=("int_float_mix",))
def integers_and_floats(x):
    n = 3
    half = n / 2
    whole = n // 2
    return x * n + half * x**whole - True * x + 10**-2 * x**n


@program(0.5, tags=("zero", "constant_return"))
def constant_result(x):
    y = x * 2
    return 4.0


@program(sample(4), tags=("rebound_type",))
def number_then_array(x):
    total = 0.0
    total = total + x * 2
    total = np.exp(-total)
    total = total.sum()
    return total


@program(2.345, tags=("builtins", "op_floordiv_mod"))
def integer_parts(x):
    whole = int(x)
    near = round(x)
    q, r = divmod(x, 0.5)
    return (x - whole) ** 2 + near * x + q * r + abs(-x) * float(whole) + round(x, 1) * x


@program(0.9, -1.4, 2.2, tags=("builtins",))
def largest_and_smallest(a, b, c):
    return max(a, b, c) * min(a, b) + abs(b) ** 1.5 + sum((a, b, c)) / len((a, b, c))


@program(100.0, 95.0, 0.05, 0.2, 1.5, tags=("math",))
def black_scholes_call(spot, strike, rate, sigma, time):
    root = sigma * math.sqrt(time)
    d1 = (math.log(spot / strike) + (rate + sigma**2 / 2) * time) / root
    d2 = d1 - root
    n1 = 0.5 * (1 + math.erf(d1 / math.sqrt(2)))
    n2 = 0.5 * math.erfc(-d2 / math.sqrt(2))
    return spot * n1 - strike * math.exp(-rate * time) * n2


@program(48.2, 16.4, 52.5, 13.4, tags=("math", "assign_tuple"))
def great_circle(lat1, lon1, lat2, lon2):
    p1, l1, p2, l2 = all_radians(lat1, lon1, lat2, lon2)
    a = math.sin((p2 - p1) / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin((l2 - l1) / 2) ** 2
    return 6371.0 * 2 * math.asin(math.sqrt(a))


def all_radians(a, b, c, d):
    return math.radians(a), math.radians(b), math.radians(c), math.radians(d)


@program(0.6, 1.8, tags=("math",))
def math_functions(x, y):
    trig = math.sin(x) * math.cos(y) + math.tan(x) - math.atan2(y, x) + math.atan(x * y)
    arcs = math.asin(x) + math.acos(x / 2)
    hyper = math.sinh(x) - math.cosh(y) + math.tanh(x * y) + math.asinh(y) + math.acosh(1 + y)
    logs = math.log(y) + math.log2(y) + math.log10(y) + math.log1p(x) + math.log(y, 3)
    rest = math.expm1(x) + math.hypot(x, y) + math.pow(y, x) + math.fabs(-x) + math.lgamma(y)
    return trig + arcs + hyper + logs + rest + math.copysign(x, -y) + math.fmod(y, 0.7)


@program(20.0, 0.7, tags=("global_float", "math"))
def projectile_range(speed, angle):
    return speed**2 * math.sin(2 * angle) / GRAVITY + math.pi * math.e


@program(3.0, 4.0, 6.0, tags=("op_arith",))
def heron(a, b, c):
    s = (a + b + c) / 2
    return np.sqrt(s * (s - a) * (s - b) * (s - c))


@program(1.2, 3.0, -2.0, tags=("assign_tuple",))
def larger_root(a, b, c):
    disc = b * b - 4 * a * c
    root = np.sqrt(disc)
    lo, hi = (-b - root) / (2 * a), (-b + root) / (2 * a)
    return hi - 0.1 * lo


@program(0.4, (1.3, (0.6, 2.0)), [0.2, 0.9, -0.7], tags=("assign_nested", "assign_starred"))
def unpacked_arguments(x, pair, values):
    a, (b, c) = pair
    [p, *_], (q, (r, *s)) = values, (x * a, [b, c, values[2]])
    (m, n), o = (p * q, r - x), s[0] * s[1]
    return m * n + o * a


@program(0.8, 3, tags=("assign_annotated", "annotations", "docstring", "assign_chained"))
def annotated_and_chained(x: float, n: "int" = 2, /) -> "float":
    """Everything has a type, and several names have one value."""
    scale: float
    bound: "list[float]" = [x, x * x]
    scale = weight = bound[1] * n
    low = high = middle = math.exp(-scale) + weight
    return low * high - middle * x**n


@program(0.9, -1.2, tags=("assign_augmented", "assign_chained", "swap"))
def updates_share_nothing(x, y):
    a = b = x * y
    a += 1.0
    b *= a
    c = a
    a -= b
    b, c = c, b
    b **= 2
    return a * b + c


@program(
    2.0, 0.4, 7, tags=("op_arith", "op_floordiv_mod", "op_bitwise", "int_float_mix", "op_unary")
)
def integer_arithmetic_beside_floats(x, y, n):
    q, r = divmod(n, 4)
    mask = ~n & 0b1111 | q << r
    parity = -n % 3 + n // -2
    return x**q * y + parity * x / r - (mask ^ 5) * y + (n > 3) * x
