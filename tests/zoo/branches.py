"""Branches: if, elif and else, early returns, names bound on some paths only, paths never taken."""

import math

import numpy as np

from zoo.registry import program, sample


@program(1.7, 0.4, tags=("if",))
def huber_like(x, delta):
    if abs(x) <= delta:
        loss = 0.5 * x**2
    else:
        loss = delta * (abs(x) - 0.5 * delta)
    return loss


@program(2.5, tags=("if", "elif"))
def tax_brackets(income):
    if income < 1.0:
        tax = 0.1 * income
    elif income < 2.0:
        tax = 0.1 + 0.2 * (income - 1.0) ** 2
    elif income < 3.0:
        tax = 0.3 + 0.4 * (income - 2.0) ** 3
    else:
        tax = 0.7 * income
    return tax * income


@program(0.6, tags=("if", "fallthrough", "branch_never_taken"))
def no_else(x):
    y = x * 3
    if x > 0.1:
        y = y * x + 1
    if x > 5:
        y = -y
    return y


@program(-1.3, tags=("early_return", "fallthrough"))
def guard_clause(x):
    if x > 0:
        return math.log(x)
    return math.exp(x) * x


@program(0.8, tags=("early_return", "return_both"))
def returns_in_both(x):
    if x < 0.5:
        return x**2
    else:
        return math.sin(x) * x


@program(3.2, tags=("early_return", "elif"))
def several_guards(x):
    if x < 0:
        return -x
    if x < 1:
        return x * x
    y = x - 1
    if y < 1:
        return 2 * y + 1
    elif y > 10:
        return 100.0
    z = y * y
    return z + 3 * y


@program(0.4, 1.9, tags=("if_nested", "early_return"))
def nested_returns(x, y):
    if x > 0:
        if y > 1:
            if x * y > 10:
                return x
            return x * y**2
        y = y + 1
    else:
        y = y * 2
    return x + y


@program(2.4, 0.5, tags=("if_nested", "early_return", "fallthrough"))
def inner_return_falls_through(x, y):
    scale = 1.0
    if x > 1:
        scale = x
        if y > 1:
            return scale * y
        scale = scale * 2
    if scale > 100:
        return 0.0
    return scale * y + x


@program(0.9, True, tags=("maybe_defined",))
def defined_on_one_path(x, use_bias):
    if use_bias:
        bias = 0.5 * x
    y = x * x
    if use_bias:
        y = y + bias
    return y


@program(0.9, 2, tags=("maybe_defined", "elif"))
def defined_in_every_branch(x, order):
    if order == 0:
        value, slope = 1.0, 0.0
    elif order == 1:
        value, slope = x, 1.0
    else:
        value, slope = x**order, order * x ** (order - 1)
    return value * slope


@program(0.9, tags=("branch_never_taken", "maybe_defined"))
def branch_never_taken(x):
    y = np.cos(x)
    if x > 100:
        y = math.log(100 - x)  # raises where x > 100, so it must not be tried ahead of the test
    return y * x


@program(0.3, 0.8, tags=("bool_ops", "if"))
def and_or_not(x, y):
    if x > 0 and y > 0 and not x > y:
        z = x * y
    elif x < -1 or not (y > 0 or x > 0):
        z = x - y
    else:
        z = x / y
    return z**2 + x


@program(0.0, 1.4, argnums=(1,), tags=("short_circuit", "bool_ops"))
def short_circuit_guard(n, x):
    if n != 0 and x / n > 1:
        return x
    if n == 0 or 1 / n > 2:
        return x**3
    return 0.0


@program(0.7, tags=("compare_chained", "if", "early_return", "constant_return"))
def piecewise_spline(t):
    if 0 <= t < 1:
        return t**3 / 6
    if 1 <= t < 2:
        return (-3 * (t - 1) ** 3 + 3 * (t - 1) ** 2 + 3 * (t - 1) + 1) / 6
    if not 2 <= t < 3:
        return 0.0
    return (3 - t) ** 3 / 6


@program(sample(4), "gelu", tags=("if", "elif", "raise", "in"))
def activation_by_name(x, name):
    if name == "relu":
        y = np.maximum(x, 0)
    elif name == "gelu":
        y = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    elif name in ("tanh", "none"):
        y = np.tanh(x)
    else:
        raise ValueError(f"unknown activation {name}")
    return y.sum()


@program(sample(4), None, tags=("is_none", "default_arg", "short_circuit"))
def optional_weights(x, weights=None, power=2):
    if weights is None:
        weights = np.ones_like(x) / len(x)
    if power is not None and power != 1:
        x = x**power
    return np.sum(weights * x)


@program(sample(5), tags=("if", "numpy"))
def branch_on_a_reduction(x):
    if np.sum(x**2) > 1:
        x = x / np.sqrt(np.sum(x**2))
    else:
        x = x * 2
    return np.prod(1 + x)


@program(sample(3, 3), tags=("if", "early_return", "constant_return"))
def branch_on_shape(A):
    if A.ndim == 1:
        return np.sum(A)
    if A.shape[0] != A.shape[1]:
        return 0.0
    return np.trace(A @ A) + A[0, -1]


@program(0.75, 1.25, tags=("if_nested", "elif"))
def quadrant(x, y):
    if x > 0:
        if y > 0:
            angle = math.atan2(y, x)
        else:
            angle = 2 * math.pi + math.atan2(y, x)
    elif y > 0:
        angle = math.pi / 2 + math.atan(-x / y)
    else:
        angle = math.pi + math.atan(y / x)
    return angle * math.hypot(x, y)


@program(1.5, tags=("if", "rebound_type"))
def number_or_array(x):
    if x > 1:
        y = np.array([1.0, 2.0, 3.0]) * x
    else:
        y = x
    return np.sum(y * x)


@program(1.5, -0.5, tags=("branch_never_taken", "constant_return"))
def constants_in_some_returns(x, y):
    if x < 0:
        return 0.0
    if y > 0:
        return 1
    return x * y


@program(0.7, 0.2, tags=("if", "swap"))
def ordered_pair(a, b):
    if a > b:
        a, b = b, a
    return a**2 + 10 * b


@program(2.0, 3.0, 1.0, tags=("if", "swap"))
def sorted_three(a, b, c):
    if a > b:
        a, b = b, a
    if b > c:
        b, c = c, b
    if a > b:
        a, b = b, a
    return a + b**2 + c**3


@program(0.4, tags=("if", "assign_augmented"))
def branch_updates(x):
    total = 0.0
    if x > 0:
        total += x
    if x < 1:
        total += x * x
        if x < 0.5:
            total *= 3
    else:
        total -= 1
    return total


@program(0.9, 0.1, tags=("branch_writes_both",))
def same_name_read_and_written(x, y):
    if x > y:
        x = x - y
        y = x * y
    else:
        y = y - x
        x = x * y
    if x > y:
        x = x * y
    return x - y


@program(1.3, tags=("if", "pass"))
def empty_branches(x):
    if x > 0:
        pass
    else:
        x = -x
    if x > 10:
        x = 10.0
    elif x > 1:
        ...
    return x**2


@program(2.0, 5.0, 0.5, tags=("assert", "early_return"))
def checked_interpolation(a, b, t):
    assert 0 <= t <= 1, f"t = {t} is outside [0, 1]"
    assert a != b
    if t == 0:
        return a
    return a * (1 - t) ** 2 + b * t**2


@program(-0.6, tags=("cond_expr", "if"))
def condition_held_in_a_name(x):
    negative = x < 0
    y = -x if negative else x
    z = y**1.5
    if negative and z > 0.1:
        z = -z
    return z


@program(0.6, 0.9, 2.0, tags=("if", "unused_arg", "branch_never_taken"))
def argument_used_on_the_other_path(x, y, z):
    if x > 10:
        return z * x
    return x * y


@program(sample(3), sample(3, seed=1), tags=("if", "compare_chained", "numpy", "op_matmul"))
def trust_region_step(x, g):
    step = -0.5 * g
    size = np.sqrt(step @ step)
    if 1e-8 < size <= 0.3:
        pass
    elif size > 0.3:
        step = step * (0.3 / size)
    else:
        return 0.0
    return np.sum((x + step) ** 2)


@program(0.7, 1.6, tags=("return_both", "if_nested", "early_return", "elif"))
def every_path_returns(x, y):
    if x > 1:
        if y > 1:
            return x + y
        else:
            return x - y
    elif y < 0:
        return y**2
    else:
        if x * y > 1:
            z = math.log(x * y)
            return z * x
        else:
            return math.exp(-x) / y


@program(sample(3), 2, tags=("return_both", "early_return", "elif", "op_matmul"))
def norm_by_order(x, order):
    if order == 0:
        return np.max(np.abs(x))
    elif order == 1:
        return np.sum(np.abs(x))
    elif order == 2:
        return np.sqrt(x @ x)
    else:
        return np.sum(np.abs(x) ** order) ** (1 / order)


@program(0.3, tags=("maybe_defined", "if_nested", "branch_never_taken"))
def defined_in_separate_branches(x):
    found = False
    if x > 0:
        root = math.sqrt(x)
        found = True
        if x > 1:
            power = x**3
    if found:
        if x > 1:
            return power
        return root * x
    return x


@program(0.4, -0.9, tags=("bool_ops", "is_none", "cond_expr", "short_circuit"))
def defaults_by_or(x, y, scale=None, names=()):
    scale = scale or 2.0
    label = (names and names[0]) or "none"
    bias = None if label == "none" else 1.0
    if bias is None and not names:
        bias = x * scale
    return (x if y is None else y) * bias
