"""Containers that are only read: literals, nested arguments, comprehensions, aux results."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from zoo.registry import program, sample


class Layer(NamedTuple):
    """An affine layer."""

    weight: np.ndarray
    bias: np.ndarray


@dataclass
class Config:
    """What a physical model needs, floats and settings mixed."""

    mass: float
    drag: float
    steps: int = 4
    name: str = "falling"

    def acceleration(self, v):
        return 9.81 - self.drag / self.mass * v * abs(v)


@program(0.7, 1.4, tags=("list_literal", "tuple_literal"))
def literals_read_back(x, y):
    values = [x, y, x * y]
    pair = (values[0] + values[-1], values[1])
    nested = [pair, [values, 2.0]]
    return nested[0][1] * nested[1][0][2] + pair[0] * nested[1][1]


@program(0.7, 1.4, tags=("dict_literal",))
def dict_literal(x, y):
    state = {"position": x, "velocity": y, 3: x * y}
    moved = {"position": state["position"] + 0.1 * state["velocity"], **{"velocity": y - 0.1 * x}}
    return moved["position"] ** 2 + moved["velocity"] * state[3]


@program([0.2, 0.5, -0.7, 1.1, 0.4], tags=("list_slice",))
def slices_of_a_list(xs):
    head, tail = xs[:2], xs[2:]
    odd = xs[1::2]
    back = xs[::-1]
    return sum(head) * sum(tail) + odd[0] * odd[1] + back[0] ** 3 - xs[-2] + len(tail)


@program(
    {"layer1": {"w": sample(2, 3), "b": sample(3, seed=1)}, "out": sample(3, seed=2)},
    sample(4, 2, seed=3),
    argnums=(0,),
    tags=("nested_args", "op_matmul"),
)
def nested_dict_parameters(params, X):
    first = params["layer1"]
    hidden = np.tanh(X @ first["w"] + first["b"])
    return np.mean((hidden @ params["out"]) ** 2)


@program(
    [(sample(2, 3), sample(3, seed=1)), (sample(3, 1, seed=2), sample(1, seed=3))],
    sample(5, 2, seed=4),
    tags=("nested_args", "for_list", "assign_starred", "assign_tuple", "op_matmul"),
)
def list_of_tuples_mlp(params, X):
    *hidden, (W, b) = params
    for w, c in hidden:
        X = np.tanh(X @ w + c)
    return np.sum((X @ W + b) ** 2)


@program(
    [Layer(sample(2, 3), sample(3, seed=1)), Layer(sample(3, 2), sample(2, seed=1))],
    sample(2),
    tags=(
        "namedtuple",
        "nested_args",
    ),
)
def named_tuple_layers(layers, x):
    for layer in layers:
        x = np.tanh(x @ layer.weight + layer.bias)
    weight, bias = layers[0]
    return x.sum() + layers[-1][1].sum() ** 2 + 0.1 * np.sum(weight**2) * bias[0]


@program(Config(80.0, 0.25), 3.0, tags=("dataclass_arg", "attribute", "nested_args"))
def dataclass_argument(config, v):
    for _ in range(config.steps):
        v = v + 0.2 * config.acceleration(v)
    return v**2 * config.mass / 2 if config.name == "falling" else 0.0


@program(Layer(sample(3), sample(3, seed=1)), tags=("namedtuple", "attribute"))
def named_tuple_rebuilt(layer):
    moved = Layer(weight=layer.weight * 2, bias=layer.bias - 1)
    swapped = Layer(moved.bias, moved.weight)
    return swapped.weight @ moved.weight + np.sum(swapped.bias * layer.bias)


@program(sample(4), tags=("list_comp",))
def list_comprehension(x):
    squares = [value**2 for value in x]
    return sum(squares) * squares[0] + np.sum(np.array([v * k for k, v in enumerate(squares)]))


@program(sample(2, 3), tags=("nested_comp", "list_comp"))
def nested_comprehension(A):
    table = [[A[i, j] * (i + j) for j in range(3)] for i in range(2)]
    flat = [entry * 2 for row in table for entry in row]
    return sum(flat) * table[1][2] + sum([sum(row) ** 2 for row in table])


@program([0.4, -0.6, 1.2, -0.1], tags=("filtered_comp", "list_comp"))
def filtered_comprehension(xs):
    positive = [x for x in xs if x > 0]
    pairs = [a * b for i, a in enumerate(xs) for j, b in enumerate(xs) if i < j if a * b < 0]
    signs = [x**2 if x > 0 else -x for x in xs]
    return sum(positive) ** 2 + sum(pairs) * len(positive) + signs[1] * signs[2]


@program(
    {"a": 0.5, "b": -1.5, "c": 2.5},
    tags=("dict_comp", "dict_items", "filtered_comp", "dict_values"),
)
def dict_comprehension(params):
    squared = {name: value**2 for name, value in params.items()}
    small = {name + "_small": v for name, v in squared.items() if name != "c"}
    return sum(squared.values()) * small["b_small"] + sum(v for v in small.values())


@program(sample(4), tags=("generator", "call_keyword"))
def generators(x):
    total = sum(v * w for v, w in zip(x, x[1:], strict=False))
    best = max(v**2 for v in x)
    return total * best + math.fsum(v for v in x if v > 0) + sum((v for v in x), start=1.0)


@program([0.4, 1.5], tags=("comprehension_scope", "list_comp", "shadowed"))
def comprehension_names_are_its_own(xs):
    x = xs[0] * 2
    doubled = [x * 2 for x in xs]
    i = 10
    weighted = [i * x for i in range(3)]
    return x * doubled[1] + i * weighted[2]


@program(0.8, tags=("walrus", "list_comp", "filtered_comp"))
def walrus_in_a_comprehension(x):
    kept = [y * k for k in range(5) if (y := x**k) > 0.5]
    return sum(kept) * y


@program(0.6, 4, tags=("list_concat", "for_range2"))
def list_grown_by_concatenation(x, n):
    terms = [1.0]
    for k in range(1, n):
        terms = terms + [terms[-1] * x / k]
    return sum(terms) * terms[2] + len(terms)


@program(0.6, tags=("list_concat", "while", "tuple_literal"))
def tuple_grown_by_concatenation(x):
    history = (x,)
    while history[-1] < 5:
        history = (*history, history[-1] * 1.7 + x)
    history = history + (x**2,)
    return sum(history) / len(history)


@program([0.5, 1.5], (2.5, 0.1), tags=("list_concat", "star_display", "list_literal"))
def joined_lists(xs, ys):
    joined = xs + list(ys) + [xs[0] * ys[1]]
    spread = [*xs, 1.0, *ys]
    repeated = [xs[1]] * 3
    total = 0.0
    for k, v in enumerate(joined):
        total += v ** (k + 1)
    return total + spread[0] * spread[3] + sum(repeated)


@program(
    [(0.5, 1.5), (2.0, -1.0), (0.3, 0.6)], tags=("zip", "star_call", "nested_args", "reversed")
)
def unzipped(points):
    xs, ys = zip(*points, strict=True)
    return sum(x * y for x, y in zip(xs, reversed(ys), strict=True)) + sum(xs) * sum(ys)


@program({"w": sample(3), "unused": 1.0}, {"decay": 0.1, "name": "l2"}, tags=("in", "nested_args"))
def membership_and_get(params, options):
    loss = np.sum(np.sin(params["w"]))
    if "decay" in options and options["name"] == "l2":
        loss = loss + options["decay"] * np.sum(params["w"] ** 2)
    if "momentum" not in options:
        loss = loss * 2
    return loss * options.get("scale", 1.5) + options.get("decay", 0.0) ** 2


@program([0.9, -0.2, 1.3], ["up", "down", "up"], tags=("zip", "dict_literal", "for_list"))
def lookup_by_label(xs, labels):
    gain = {"up": xs[0] ** 2, "down": math.exp(xs[1])}
    total = 1.0
    for x, label in zip(xs, labels, strict=True):
        total = total * gain[label] + x
    return total


@program(["w", "b"], [0.7, -1.4], tags=("dict_comp", "zip"))
def dict_from_two_lists(names, values):
    first = dict(zip(names, values, strict=True))
    second = {name: value * len(name) for name, value in zip(names, values, strict=True)}
    total = 0.0
    for name in names:
        total += first[name] * second[name] ** 2
    return total + first["w"] * second["b"]


@program(sample(3), sample(3, seed=1), tags=("list_of_arrays", "list_literal"))
def arrays_in_containers(x, y):
    rows = [x, y, x * y]
    table = np.stack(rows)
    named = {"sum": sum(rows), "first": rows[0]}
    return np.sum(table @ named["sum"]) + np.dot(named["first"], rows[2]) + np.array(rows)[1, 2]


@program(1.2, 0.3, tags=("array_of_numbers", "nested_comp"))
def array_of_computed_numbers(x, y):
    J = np.array([[x * y, x - y], [np.sin(x), 1.0]])
    v = np.array([x, 2.0])
    grid = np.array([[x * i + y * j for j in range(3)] for i in range(2)])
    return v @ J @ v + np.sum(grid**2)


@program([[0.5, 1.0], [1.5]], {"k": [0.1, {"deep": (2.0, sample(2))}]}, tags=("nested_args",))
def deep_nesting(rows, tree):
    first, inner = tree["k"]
    a, v = inner["deep"]
    return sum(sum(row) ** 2 for row in rows) * first + a * v.sum() * rows[1][0]


@program([0.5, 1.0, 2.0], tags=("list_rebound", "list_comp", "for_range1"))
def list_rebound_in_a_loop(state):
    for step in range(3):
        mean = sum(state) / len(state)
        state = [s + 0.1 * (mean - s**2) * (step + 1) for s in state]
    return state[0] * state[1] - state[2]


@program({"x": 1.0, "v": 0.5}, tags=("dict_rebound", "dict_literal", "for_range1"))
def dict_rebound_in_a_loop(state):
    for _ in range(4):
        force = -math.sin(state["x"])
        state = {"x": state["x"] + 0.2 * state["v"], "v": state["v"] + 0.2 * force}
    return state["v"] ** 2 / 2 - math.cos(state["x"])


@program((1.0, 0.2), 0.5, tags=("tuple_state", "assign_tuple", "for_range1", "nested_function"))
def tuple_state_in_a_loop(state, dt):
    def step(s):
        x, v = s
        return x + dt * v, v - dt * x**3

    for _ in range(3):
        state = step(state)
    return state[0] * state[1]


@program(
    [{"w": 0.5, "on": True}, {"w": -1.5, "on": False}, {"w": 0.7, "on": True}],
    tags=("nested_args", "for_list", "continue"),
)
def records_with_flags(records):
    total = 1.0
    for record in records:
        if not record["on"]:
            continue
        total *= 1 + record["w"] ** 2
    return total


@program(sample(3), sample(5, 3, seed=1), tags=("aux", "dict_literal"))
def loss_and_metrics(w, X):
    residual = X @ w - 1
    loss = np.mean(residual**2)
    return loss, {"residual": residual, "worst": np.max(np.abs(residual)), "rows": len(X)}


@program(0.7, tags=("aux", "tuple_literal"))
def loss_and_history(x):
    history = ()
    for _ in range(3):
        x = x - 0.1 * math.cos(x)
        history = (*history, x)
    return x**2, history


@program(sample(2, 2), "sum", tags=("aux", "early_return"))
def loss_and_a_name(A, reduction):
    if reduction == "sum":
        return np.sum(A**2), reduction
    return np.mean(A**2), None
