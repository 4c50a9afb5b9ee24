"""Functions: nested, passed, returned, recursive, closed over, with every kind of parameter."""

import functools
import math
import operator

import numpy as np

from zoo import library
from zoo.library import mean_and_spread, softplus
from zoo.registry import program, sample

SCALE = 1.5


OFFSETS = np.array([0.1, -0.2, 0.3])


WEIGHTS = [0.5, 1.0, 1.5]


def square(x):
    return x * x


def residual(r, a):
    return square(r) - a


@program(1.3, 0.4, tags=("call",))
def calls_functions(x, y):
    return residual(x, y) * residual(y, square(x)) + square(residual(x, x))


@program(sample(5), tags=("call", "assign_tuple"))
def function_that_returns_a_tuple(x):
    mean, spread = mean_and_spread(x)
    z = (x - mean) / np.sqrt(spread)
    return np.sum(z**3) + mean_and_spread(x**2)[1]


@program(sample(3), tags=("call", "call_module", "global_array"))
def functions_of_another_module(x):
    y = library.sigmoid(x) @ library.WEIGHTS
    return softplus(y) + library.softplus(x, sharpness=2.0).sum() / library.TEMPERATURE


@program(0.8, tags=("call", "call_module"))
def callee_with_early_returns(x):
    total = 0.0
    for n in range(3):
        total += library.clipped_power(x, n) * library.clipped_power(-x, n) + x
    return total * library.clipped_power(x, 3)


@program(0.7, tags=("nested_function",))
def nested_function(x):
    def bump(t):
        """Smooth and of bounded support."""
        if abs(t) >= 1:
            return 0.0
        return math.exp(-1 / (1 - t * t))

    return bump(x) + bump(x / 2) * bump(2 * x)


@program(1.2, 0.5, tags=("closure", "nested_function"))
def closure_over_arguments(x, y):
    scale = x * y

    def shifted(t):
        return t * scale + x

    def twice(t):
        return shifted(shifted(t))

    return twice(y) + shifted(2.0)


@program(0.9, tags=("closure_rebound", "closure"))
def closure_reads_a_name_rebound_later(x):
    factor = 1.0

    def scaled(t):
        return t * factor

    a = scaled(x)
    factor = x * 3
    b = scaled(x)
    factor = factor + b
    return a * b + scaled(1.0)


@program(0.9, tags=("closure_rebound", "closure", "lambda"))
def lambda_reads_the_latest_value(x):
    bias = 0.0
    f = lambda t: np.tanh(t + bias)
    total = f(x)
    for k in range(3):
        bias = bias + x * k
        total = total + f(x)
    return total


@program(0.4, tags=("closure_over_loop_name", "closure", "lambda", "list_comp"))
def closures_over_a_loop_name(x):
    late = [lambda t: t * k + x for k in range(4)]
    early = [lambda t, k=k: t * k + x for k in range(4)]
    return late[0](x) * early[1](x) + late[1](2.0) * early[3](x)


@program(0.7, tags=("lambda",))
def lambdas_on_one_line(x):
    f, g = lambda t: t * t + 1, lambda t: math.sin(t) / t
    return f(g(x)) - g(f(x)) + (lambda a, b=2.0, *, c=1.0: a**b * c)(x, c=x)


@program(0.6, 1.7, tags=("default_arg", "call_keyword"))
def default_arguments(x, y, power=2, weights=[0.5, 2.0]):
    def blend(a, b=y, *, t=0.25):
        return a * (1 - t) + b * t

    return blend(x) + blend(x, t=0.5) * weights[0] + blend(b=x, a=y) ** power * weights[1]


@program(0.6, tags=("default_arg", "closure"))
def default_taken_when_defined(x):
    scale = x * 2

    def f(t, s=scale):
        return t * s + scale

    scale = x * x
    return f(x) + f(x, 1.0)


@program(1.6, tags=("kwonly", "default_arg"))
def keyword_only_arguments(x, *, rate=0.1, steps=4):
    for _ in range(steps):
        x = x - rate * (x**3 - 2)
    return x


@program(0.5, -1.0, 2.0, tags=("varargs", "enumerate_start"))
def sum_of_powers(*xs):
    total = 0.0
    for k, x in enumerate(xs, start=1):
        total += x**k
    return total * len(xs) * xs[0]


@program(0.5, 1.5, tags=("varargs", "kwargs", "star_call", "call_keyword"))
def passes_everything_on(x, y):
    def weighted(*values, scale=1.0, **extra):
        total = scale * sum(values)
        for name, value in extra.items():
            total += value**2 if name == "square" else value
        return total + extra["square"]

    def forward(*args, **kwargs):
        return weighted(*args, **kwargs) * 2

    pair = (x, y)
    options = {"scale": x, "square": y}
    return forward(*pair, x * y, **options) + forward(1.0, square=x, plain=y)


@program(1.4, tags=("star_call", "kwonly"))
def keyword_dictionaries(x):
    def area(width, height, *, thickness=1.0):
        return width * height / thickness

    size = {"height": x**2}
    return area(x, **size) + area(**{"width": 2.0, **size}, thickness=x)


@program(0.9, 5, tags=("recursion",))
def recursive_power(x, n):
    if n == 0:
        return 1.0
    if n % 2 == 1:
        return x * recursive_power(x, n - 1)
    half = recursive_power(x, n // 2)
    return half * half


@program(((0.5, (1.2, -0.3)), (0.8, 2.0)), tags=("recursion", "nested_args"))
def tree_sum(tree):
    if isinstance(tree, tuple):
        left, right = tree
        return tree_sum(left) * 0.5 + math.sin(tree_sum(right))
    return tree * tree


def even_step(x, n):
    return x if n == 0 else odd_step(x * 1.1 + 0.1, n - 1)


def odd_step(x, n):
    return 2 * x if n == 0 else even_step(math.sin(x), n - 1)


@program(0.8, tags=("mutual_recursion", "recursion"))
def mutual_recursion(x):
    return even_step(x, 5) * odd_step(x, 2)


@program(0.3, tags=("mutual_recursion", "recursion", "nested_function", "closure"))
def mutual_recursion_of_nested_functions(x):
    def sine(t, depth):
        return t if depth == 0 else 2 * sine(t / 2, depth - 1) * cosine(t / 2, depth - 1)

    def cosine(t, depth):
        return 1 - t * t / 2 if depth == 0 else 1 - 2 * sine(t / 2, depth - 1) ** 2

    return sine(x, 3) + cosine(2 * x, 3)


@program(2.0, 0.5, tags=("recursion", "tolerance"))
def recursive_mean(a, b):
    if abs(a - b) < 1e-12:
        return a
    return recursive_mean((a + b) / 2, math.sqrt(a * b))


@program(0.2, 1.4, tags=("recursion", "nested_function", "closure"))
def adaptive_simpson(a, b):
    def f(t):
        return math.exp(-t * t) * math.sin(3 * t)

    def rule(lo, hi):
        return (hi - lo) / 6 * (f(lo) + 4 * f((lo + hi) / 2) + f(hi))

    def integrate(lo, hi, depth):
        mid = (lo + hi) / 2
        whole, halves = rule(lo, hi), rule(lo, mid) + rule(mid, hi)
        if depth == 0 or abs(whole - halves) < 1e-7:
            return halves
        return integrate(lo, mid, depth - 1) + integrate(mid, hi, depth - 1)

    return integrate(a, b, 3)


@program(0.9, tags=("higher_order", "lambda"))
def functions_as_arguments(x):
    def apply(f, t, times):
        for _ in range(times):
            t = f(t)
        return t

    return apply(math.sin, x, 3) + apply(lambda t: t * t + 0.1, x, 2) + apply(square, x, 1)


@program(0.9, tags=("higher_order", "closure", "varargs", "reversed"))
def composition(x):
    def compose(*functions):
        def composed(t):
            for f in reversed(functions):
                t = f(t)
            return t

        return composed

    return compose(math.exp, math.sin, square)(x) + compose()(x)


@program(0.7, 1.8, tags=("higher_order", "closure", "lambda"))
def currying(x, y):
    multiply = lambda a: lambda b: lambda c: a * b + c
    by_x = multiply(x)
    return by_x(y)(x) * by_x(2.0)(y)


@program(0.8, "cube", tags=("higher_order", "dict_literal"))
def function_chosen_by_name(x, name):
    table = {"square": square, "cube": lambda t: t**3, "sine": np.sin}
    chosen = table[name] if name in table else abs
    return chosen(x) + table["sine"](x) * table["square"](x)


@program(sample(3), tags=("partial", "call_keyword"))
def partial_inside(x):
    sharp = functools.partial(softplus, sharpness=3.0)
    from_one = functools.partial(operator.sub, 1.0)
    return np.sum(sharp(x) * from_one(x) + sharp(x, sharpness=0.5))


@program(sample(3), tags=("global_array", "global_float", "global_list"))
def module_globals(x):
    total = 0.0
    for value, weight in zip(x * SCALE + OFFSETS, WEIGHTS, strict=True):
        total += weight * value**2
    return total


@program(1.3, 0.4, tags=("operator_function", "math"))
def operator_functions(x, y):
    z = operator.add(operator.mul(x, y), operator.truediv(x, y))
    return operator.pow(z, 2) - operator.neg(x) + operator.getitem([x, z], 1)


@program(0.5, 1.5, tags=("positional_only", "kwonly"))
def positional_only(x, y, /, scale=2.0, *, shift=0.5):
    def inner(a, /, b, *, c):
        return a * b + c

    return inner(x, b=y, c=scale) * shift


@program(0.8, tags=("generator", "closure"))
def closure_in_a_generator(x):
    weight = lambda k: x**k / (k + 1)
    return sum(weight(k) for k in range(5)) + max(weight(k) for k in range(3))


@program(0.9, tags=("closure_over_loop_name", "closure_rebound", "closure", "nested_function"))
def function_defined_in_a_loop(x):
    total = 0.0
    for k in range(1, 4):

        def term(t):
            return t**k + total

        total = total + term(x)
    k = 5
    return term(x) * total


@program(0.6, 1.4, tags=("kwargs", "varargs", "kwonly", "default_arg", "star_call", "call_keyword"))
def every_kind_of_parameter(x, y):
    def f(a, /, b, c=2.0, *rest, scale, shift=0.5, **others):
        total = a * b + c * scale - shift
        for k, value in enumerate(rest):
            total += value**k
        return total + others.get("extra", 0.0) * a

    more = [y, x * y, 3.0]
    return f(x, *more, scale=y) + f(x, b=y, scale=x, extra=y**2) * f(y, x, scale=2.0, shift=x)


@program(0.4, tags=("recursion", "mutual_recursion", "closure", "nested_args"))
def recursion_over_two_kinds(x):
    def of_list(items, depth):
        return sum(of_item(item, depth + 1) for item in items)

    def of_item(item, depth):
        if isinstance(item, list):
            return of_list(item, depth)
        return item**depth

    return of_list([x, [x * 2, [x - 1.0]], 3.0], 0)


@program(0.7, 4, tags=("recursion", "assign_tuple", "default_arg"))
def chebyshev_pair(x, n, pair=None):
    if pair is None:
        pair = (1.0, x)
    if n == 1:
        return pair[1]
    previous, current = pair
    return chebyshev_pair(x, n - 1, (current, 2 * x * current - previous))


def smooth_step(x: float, lo: float = 0.0, hi: float = 1.0) -> float:
    """Rise from 0 to 1 between lo and hi."""
    t = min(max((x - lo) / (hi - lo), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@program(0.3, 1.2, tags=("call", "call_keyword"))
def calls_with_keywords(x, y):
    inside = smooth_step(x) * smooth_step(hi=2.0, x=y, lo=-1.0)
    return inside + smooth_step(x, hi=y) * smooth_step(5.0, y)


@program(sample(4), tags=("higher_order", "lambda", "call", "for_list", "op_matmul"))
def sum_of_features(x):
    features = [np.tanh, np.square, lambda t: t * x[0], np.exp]
    total = 0.0
    for k, feature in enumerate(features):
        total += feature(x) @ x * (k + 1)
    return total
