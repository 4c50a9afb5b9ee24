"""Loops that stop when their data say so: while, break, continue, else, returns from inside."""

import math

import numpy as np

from zoo.registry import program, sample


@program(20.0, tags=("while",))
def collatz_like(x):
    steps = 0
    while x > 1.5:
        x = x / 2 if x > 4 else math.sqrt(x)
        steps += 1
    return x * steps


@program(7.0, tags=("while", "break", "tolerance"))
def newton_sqrt(a):
    r = a if a > 1 else 1.0
    while True:
        step = (r * r - a) / (2 * r)
        r = r - step
        if abs(step) < 1e-12:
            break
    return r


@program(np.array([0.5, 1.5, -2.0, 0.7]), tags=("break", "for_array", "maybe_defined"))
def break_at_first_negative(x):
    total = 0.0
    for value in x:
        if value < 0:
            break
        total += value**2
    return total * value


@program(np.array([0.5, 1.5, -2.0, 0.7]), tags=("continue", "for_array"))
def skip_negatives(x):
    total = 0.0
    for value in x:
        if value < 0:
            continue
        total += math.sqrt(value)
        if total > 1.5:
            continue
        total *= 2
    return total


@program(np.array([0.5, 1.5, 2.0, 0.7]), tags=("for_else", "break"))
def else_of_a_for(x):
    for value in x:
        if value > 3:
            result = value
            break
    else:
        result = np.sum(x**2)
    for k in range(4):
        if x[k] > 1:
            result = result * x[k]
            break
    else:
        result = 0.0
    return result


@program(1.7, tags=("while_else", "while", "break"))
def else_of_a_while(x):
    k = 0
    while k < 4:
        x = x * 1.1
        k += 1
        if x > 50:
            break
    else:
        x = x**2
    while x > 0.1:
        x = x / 3
        if x < 0.7:
            break
    else:
        return 0.0
    return x


@program(np.array([0.5, 1.5, 2.0, 0.7]), tags=("return_in_loop", "early_return"))
def return_from_a_loop(x):
    total = 0.0
    for i, value in enumerate(x):
        total += value * i
        if total > 4:
            return total * value
    return total


@program(
    sample(4, 4), tags=("return_in_nested_loops", "return_in_loop", "early_return", "nested_loops")
)
def return_from_nested_loops(A):
    total = 1.0
    for i in range(4):
        for j in range(4):
            total = total + A[i, j] * A[j, i]
            if total > 5 and i > 0:
                return total * A[i, j]
        total = total * 1.5
    return total


@program(0.5, tags=("return_in_loop", "while", "early_return"))
def return_from_a_while(x):
    n = 0
    while True:
        x = x * (1 + x)
        n += 1
        if x > 10:
            return x / n
        if n > 50:
            return 0.0


@program(0.2, tags=("nested_loops_3", "break", "continue", "nested_loops", "for_else"))
def three_deep_with_exits(x):
    y = x
    for i in range(3):
        for j in range(4):
            if j == i:
                continue
            for k in range(5):
                if k > j:
                    break
                y = y + x * math.sin(y) * (i - j + k)
            else:
                y = y * 0.5
            if y > 30:
                break
    return y


@program(0.5, 3, tags=("while", "for_variable_bounds", "loop_index_scales"))
def countdown(x, n):
    y = 1.0
    while n > 0:
        y = y * x + n
        n -= 1
    return y


@program(2.0, 5.0, tags=("while", "if", "tolerance"))
def bisection_then_polish(a, target):
    lo, hi = 0.0, 10.0
    while hi - lo > 1.0:
        mid = (lo + hi) / 2
        if mid**3 + a * mid < target:
            lo = mid
        else:
            hi = mid
    x = (lo + hi) / 2
    for _ in range(6):
        x = x - (x**3 + a * x - target) / (3 * x**2 + a)
    return x


@program(0.9, 0.4, tags=("while", "tolerance", "swap"))
def arithmetic_geometric_mean(a, b):
    while abs(a - b) > 1e-13:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return a


@program(0.7, tags=("tolerance", "break", "for_range1"))
def fixed_point(x):
    y = 1.0
    for i in range(200):
        new = math.cos(x * y)
        if abs(new - y) < 1e-13:
            break
        y = new
    return y


@program(sample(6), tags=("while", "walrus"))
def walrus_in_while(x):
    i, total = 0, 0.0
    while (value := total + x[i] ** 2) < 8:
        total = value * 1.2
        i += 1
    return total * value


@program(
    sample(3, 3, 3),
    tags=("return_in_nested_loops", "nested_loops_3", "early_return", "nested_loops"),
)
def return_from_three_loops(T):
    total = 1.0
    for i, plane in enumerate(T):
        for row in plane:
            for k in range(len(row)):
                if row[k] < -0.5 and i > 0:
                    return total * row[k] * i
                total = total + row[k] ** 2 / (k + 1)
        if total > 100:
            return 0.0
    return total


@program(1.3, 6, tags=("while_else", "continue", "while", "return_in_loop", "early_return"))
def else_returns(x, n):
    total = 0.0
    while n:
        n -= 1
        if n % 2:
            continue
        total += x**n
        if total > 1000:
            return -1.0
    else:
        return total * x
    return 0.0


@program(0.35, tags=("while_else", "nested_loops", "break", "for_else", "continue"))
def search_in_a_grid(x):
    for i in range(1, 5):
        j = 0
        while j < 4:
            j += 1
            if (i * j) % 5 == 0:
                continue
            if x * i * j > 2:
                break
        else:
            x = x * 1.1
            continue
        y = x**i + j
        break
    else:
        y = x
    return y * x


@program(sample(6), tags=("break", "for_array", "enumerate", "maybe_defined", "if"))
def search_with_a_flag(x):
    found = False
    for i, value in enumerate(x):
        if value < 0:
            found = True
            where = i
            break
    if found:
        return x[where] ** 2 * where + np.sum(x[:where])
    return np.sum(x)


@program(0.83, 1.94, tags=("break", "nested_loops", "untouched", "swap", "while"))
def inner_break_keeps_the_outer_loop(x, y):
    passed = x * y
    for i in range(4):
        for j in range(10):
            x, y = y, x + 0.1 * j
            if j >= i:
                break
        while x > 1.0:
            x = x * 0.4
            if i == 2:
                break
    return x * y + passed


@program(2.5, tags=("while", "tolerance", "return_in_loop", "early_return", "raise"))
def lambert_w(z):
    def refine(w):
        e = math.exp(w)
        f = w * e - z
        return w - f / (e * (w + 1) - (w + 2) * f / (2 * w + 2))

    w = 1.0
    count = 0
    while count < 30:
        new = refine(w)
        if abs(new - w) <= 1e-13 * abs(new):
            return new
        w, count = new, count + 1
    raise ArithmeticError("no convergence")


@program(0.6, tags=("while", "zero_trips", "while_else", "untouched"))
def loops_that_stop_at_once(x):
    y = x**2
    while y > 1:
        y = y / 2
    else:
        y = y * 3
    for value in ():
        y = value
    for _ in range(5):
        break
    while True:
        break
    return y * x


@program(sample(5), 0.2, tags=("while", "bool_ops", "first_defined_in_loop", "loop_index_scales"))
def condition_reads_the_state(x, slack):
    i = 0
    last = 0.0
    while i < len(x) and not (x[i] < 0 and last > slack):
        last = last * 0.5 + i * x[i] ** 2
        scaled = last * (i + 1)
        i += 1
    return scaled + slack * last
