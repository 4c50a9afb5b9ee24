"""Programs that mix the features of all the other modules, as longer functions do."""

import functools
import math
from typing import NamedTuple

import numpy as np

from zoo.registry import program, sample

TOLERANCE = 1e-12


TABLE = {"linear": 1.0, "square": 2.0}


class State(NamedTuple):
    """Position and velocity."""

    x: float
    v: float


@program(
    {"w": [sample(2, 2), sample(2, 2, seed=1)], "act": "tanh"},
    sample(3, 2, seed=2),
    tags=("dict_literal", "lambda", "higher_order", "nested_args", "default_arg"),
)
def configurable_network(model, X, final=lambda z: np.sum(z**2)):
    activations = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "none": lambda z: z}
    act = activations[model["act"]]
    for i, W in enumerate(model["w"]):
        X = X @ W
        X = act(X) if i + 1 < len(model["w"]) else X
    return final(X)


@program(State(1.0, 0.0), 2.5, tags=("namedtuple", "attribute", "while", "closure"))
def bouncing_oscillator(state, k):
    def step(s, dt):
        v = s.v - dt * k * s.x
        return State(s.x + dt * v, v)

    t, dt = 0.0, 0.125
    while t < 1.0:
        state = step(state, dt)
        if state.x < 0.2:
            state = State(0.4 - state.x, -0.8 * state.v)
        t += dt
    return 0.5 * k * state.x**2 + 0.5 * state.v**2


@program(
    3.0,
    0.8,
    tags=("while", "return_in_loop", "return_in_nested_loops", "nested_function", "early_return"),
)
def line_search(x, slope):
    def f(t):
        return t**4 / 4 - t + math.cos(slope * t)

    def df(t):
        return t**3 - 1 - slope * math.sin(slope * t)

    for iteration in range(2):
        g = df(x)
        step = 1.0
        while f(x - step * g) > f(x) - 0.3 * step * g * g:
            step = step / 2
            if step < 1e-3:
                return f(x)
        x = x - step * g
    return f(x) * (iteration + 1)


@program(sample(6), 0.5, tags=("for_array", "if", "elif", "maybe_defined", "for_else"))
def peak_detector(signal, threshold):
    previous = signal[0]
    rising = False
    total = 0.0
    for value in signal[1:]:
        if value > previous:
            rising = True
            climb = value - previous
        elif rising:
            peak = previous
            total += (peak - threshold) ** 2 * climb
            rising = False
        else:
            total -= 0.1 * value
        previous = value
    else:
        if rising:
            total += previous**2
    return total


@program([0.5, 1.5, 0.7], tags=("closure", "closure_over_loop_name", "generator", "lambda"))
def basis_expansion(weights):
    basis = [lambda t, n=n: math.sin(n * t) / n for n in range(1, 4)]
    approx = lambda t: sum(w * b(t) for w, b in zip(weights, basis))
    return sum(approx(t / 4) ** 2 for t in range(1, 4)) + approx(weights[0])


@program(("add", ("mul", 0.5, 2.0), ("sin", ("mul", 3.0, 0.4))), tags=("recursion", "nested_args"))
def expression_tree(tree):
    def evaluate(node):
        if isinstance(node, float):
            return node
        name, *arguments = node
        values = [evaluate(a) for a in arguments]
        if name == "add":
            return sum(values)
        elif name == "mul":
            product = 1.0
            for v in values:
                product *= v
            return product
        return math.sin(values[0])

    return evaluate(tree) ** 2


@program(sample(8), tags=("recursion", "numpy"))
def recursive_haar_energy(x):
    if len(x) == 1:
        return x[0] ** 3
    coarse, detail = (x[::2] + x[1::2]) / 2, (x[::2] - x[1::2]) / 2
    return np.sum(detail**2) * len(x) + recursive_haar_energy(coarse)


@program(1.5, 0.7, tags=("partial", "higher_order", "for_tuple", "nested_function"))
def quadrature_rules(a, b):
    def integrand(t, freq):
        return math.exp(-t) * math.cos(freq * t)

    def midpoint(f, n):
        h = (a - b) / n
        return sum(f(b + (i + 0.5) * h) for i in range(n)) * h

    total = 0.0
    for freq in (1.0, a, 3.0):
        total += midpoint(functools.partial(integrand, freq=freq), 4) / freq
    return total


@program(0.8, 1.7, tags=("rebound_type", "shadowed", "arg_redefined", "assign_chained"))
def names_that_change_their_kind(x, y):
    z = x
    z = [z, y]
    z = np.array(z) * 2
    z = (z.sum(), z[0])
    z = {"a": z[0], "b": z[1]}
    x = y = z["a"] * z["b"]
    x = "text" if x < 0 else x
    return x * y


@program(
    0.6,
    1.1,
    4,
    tags=("loop_in_branch_in_loop", "nested_loops_3", "break", "continue", "while", "for_else"),
)
def everything_in_loops(x, y, n):
    total = 0.0
    for i in range(n):
        if i == 1:
            continue
        k = i
        while k >= 0:
            if k % 2:
                for j in range(k):
                    total += x**j * y
                    if total > 8:
                        break
                else:
                    total *= 0.9
            else:
                total += math.sin(y * k)
            k -= 1
            x, y = y, x * 0.9
        if total > 20:
            break
    else:
        total = total * 2
    return total * x


@program(
    [[0.5, 1.0, -0.4], [0.2], []],
    tags=("zero_trips", "nested_loops", "nested_args", "first_defined_in_loop"),
)
def ragged_rows(rows):
    total = 1.0
    for i, row in enumerate(rows):
        product = 1.0
        for value in row:
            product *= 1 + value
        total += product * (i + 1)
    return total * product


@program(sample(4, 3), sample(4, seed=1), tags=("for_rows", "zip", "walrus", "mask_where", "if"))
def perceptron_margin(X, y):
    w = np.zeros(3)
    for x, target in zip(X, y):
        label = 1.0 if target > 0 else -1.0
        if (margin := label * (w @ x)) < 0.5:
            w = w + 0.3 * label * x * target**2
        else:
            w = w * (1 - 0.01 * margin)
    return np.sum(np.where(X @ w > 0, X @ w, 0.1 * (X @ w)) * y)


@program(0.3, 0.9, tags=("kwargs", "dict_literal", "star_call", "dict_items", "kwonly"))
def options_merged(x, y):
    defaults = {"rate": 0.1, "decay": x}

    def run(start, *, rate, decay, **rest):
        value = start
        for _ in range(3):
            value = value - rate * value**2 + decay * 0.1
        for name, extra in rest.items():
            value = value + extra if name == "bonus" else value - extra
        return value

    return run(y, **{**defaults, "rate": y * 0.2, "bonus": x * y, "malus": 0.01})


@program(sample(3, 3), tags=("for_rows", "list_concat", "nested_loops"))
def gram_schmidt_rows(A):
    basis = []
    for row in A:
        v = row
        for q in basis:
            v = v - (q @ row) * q
        basis = [*basis, v / np.sqrt(v @ v)]
    return basis[0] @ A[1] + basis[1] @ A[2] + basis[2] @ np.arange(3.0)


@program(sample(4), tags=("while", "swap", "tolerance", "nested_function", "global_float"))
def secant_on_a_reduction(x):
    def f(t):
        return np.sum(np.tanh(x + t)) - 0.5

    a, b = -1.0, 1.0
    fa, fb = f(a), f(b)
    while abs(b - a) > TOLERANCE and abs(fb) > TOLERANCE:
        a, b = b, b - fb * (b - a) / (fb - fa)
        fa, fb = fb, f(b)
    return b**2 + b


@program("square", 1.4, tags=("in", "is_none", "default_arg", "global_dict", "raise"))
def table_lookup(kind, x, extra=None, *, scale=2.0):
    if kind not in TABLE:
        raise KeyError(kind)
    power = TABLE[kind]
    if extra is None:
        extra = scale * x
    return x**power + extra**2


@program(sample(5), tags=("bool_ops", "short_circuit", "while", "for_variable_bounds"))
def window_grows_until_heavy(x):
    lo, hi = 2, 3
    while (lo > 0 or hi < len(x)) and np.sum(x[lo:hi] ** 2) < 8.0:
        if lo > 0 and (hi - lo) & 1:
            lo -= 1
        elif hi < len(x):
            hi += 1
    return np.sum(x[lo:hi] ** 3) * (hi - lo)


@program(0.4, tags=("closure", "recursion", "nested_function", "early_return"))
def adaptive_ode_steps(y):
    def slope(t, u):
        return t - u * u

    def advance(t, u, h, depth):
        if t >= 1.0:
            return u
        full = u + h * slope(t, u)
        half = u + h / 2 * slope(t, u)
        two_halves = half + h / 2 * slope(t + h / 2, half)
        if abs(full - two_halves) > 0.011 and depth < 5:
            return advance(t, u, h / 2, depth + 1)
        return advance(t + h, two_halves, h, depth)

    return advance(0.0, y, 0.5, 0) * y


@program(
    [sample(2), sample(2, seed=1), sample(2, seed=2)],
    tags=("list_comp", "filtered_comp", "generator", "nested_comp", "enumerate", "dict_comp"),
)
def comprehensions_over_arrays(points):
    centre = sum(points) / len(points)
    offsets = [p - centre for p in points]
    gram = [[float(a @ b) for b in offsets] for a in offsets]
    named = {f"p{i}": row for i, row in enumerate(gram) if i != 1}
    return sum(v**2 for row in gram for v in row) + named["p0"][2] * named["p2"][1]


@program(0.5, 2.0, tags=("while", "assign_augmented", "op_bitwise"))
def exponentiation_by_squaring(x, y):
    n = 13
    result = 1.0
    base = x + y / 10
    while n:
        if n & 1:
            result *= base
        base *= base
        n >>= 1
    return result * y


@program(
    np.array([0.3, 1.7, 0.9]),
    tags=("reversed", "enumerate", "enumerate_start", "zip", "nested_loop_targets"),
)
def walks_composed(x):
    y = 0.0
    for k, (a, b) in enumerate(zip(reversed(x), x), start=2):
        y = y * a + b**k
    for k, a in reversed(list(enumerate(x))):
        y = y + k * a**2
    return y


@program(
    sample(3),
    0.5,
    tags=("maybe_defined", "early_return", "return_in_nested_loops", "loop_in_branch_in_loop"),
)
def early_returns_everywhere(x, limit):
    if x[0] < 0:
        if x[1] > limit:
            return x[0]
        best = -x[0]
    else:
        best = x[0]
    for i, value in enumerate(x):
        if value > 5:
            return 0.0
        if value > limit:
            for other in x:
                if other * value > 100:
                    return best
                best = best + other * value
            if i == 1:
                break
        else:
            best = best * 1.5
    if best > 1000:
        return best
    return best**2 + limit


@program(0.27, 1.56, tags=("zero", "builtins", "op_floordiv_mod"))
def piecewise_constant(x, y):
    steps = int(y * 10) // 3
    return round(x * 10) + steps + (1.0 if y > x else 0.0) + math.floor(y) * (x // 1)


@program([0.5, 1.0], {"rate": 0.1, "names": ["a", "b"]}, tags=("aux", "for_else", "dict_comp"))
def loss_and_named_terms(values, options):
    terms = {n: v**2 * options["rate"] for n, v in zip(options["names"], values)}
    total = 0.0
    for name, term in terms.items():
        if name == "stop":
            break
        total += math.sin(term)
    else:
        total *= 2
    return total, {**terms, "rate": options["rate"]}
