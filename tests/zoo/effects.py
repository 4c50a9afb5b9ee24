"""Statements that do more than bind a name: print, assert, with, docstrings and annotations."""

import math

import numpy as np

from zoo.registry import program, sample


@program(0.7, tags=("print", "fstring", "prints", "for_range1"))
def prints_in_a_loop(x):
    print("start", x)
    for k in range(3):
        x = x * math.cos(x)
        print(f"step {k}: {x:.3f}", end=";\n" if k < 2 else "\n")
        if x < 0.1:
            print("small")
    print(f"{k=} {x!r:>4} {'done':^8}")
    return x**2


@program(0.7, [0.1, 0.2], tags=("print", "fstring", "prints", "dict_items", "dict_comp"))
def prints_only_the_branch_taken(x, rates):
    results = {f"rate{i}": x * r for i, r in enumerate(rates)}
    for name, value in results.items():
        if value > 0.1:
            print(name, "is large")
        else:
            print(name, "is small")
    return results["rate0"] * results[f"rate{len(rates) - 1}"]


@program(0.8, 2.0, tags=("print", "fstring", "prints", "nested_function", "early_return"))
def prints_before_returning(x, y):
    def report(name, value, *, unit=""):
        print(f"{name} = {value:.2f}{unit}")
        return value

    area = report("area", x * y, unit=" m2")
    if area > 1:
        return report("root", math.sqrt(area))
    print("never")
    return area


@program(
    sample(3),
    sample(3, seed=1),
    tags=("assert", "docstring", "annotations", "assign_annotated", "fstring"),
)
def documented_and_checked(x: np.ndarray, y: np.ndarray, p: float = 3.0) -> float:
    """Return the Minkowski distance of two points.

    x, y: the points, of one shape.
    """
    assert x.shape == y.shape, f"shapes {x.shape} and {y.shape} differ"
    assert p >= 1
    total: float = np.sum(np.abs(x - y) ** p)
    assert total > 0, "the points coincide"
    return total ** (1 / p)


@program(np.array([0.4, -0.3, 1.2]), tags=("assert", "for_array", "errstate", "continue"))
def checks_inside_a_loop(x):
    total = 0.0
    with np.errstate(all="raise"):
        for value in x:
            assert -10 < value < 10, value
            if value < 0:
                continue
            total += math.sqrt(value)
    return total * x[1]


@program(np.array([1.2, 0.5]), tags=("errstate", "nested_function", "while", "tolerance"))
def guarded_iteration(x):
    def ratio(a, b):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(b > 0, a / b, 0.0)

    y = np.array([0.0, 1.0])
    while np.max(np.abs(y - x)) > 1e-3:
        y = (y + x) / 2 + 0.01 * ratio(x - y, y)
    return np.sum(y**2 * x)


@program(1.4, 0.6, tags=("assert", "print", "prints", "if", "early_return"))
def asserts_on_the_path_taken(x, y):
    assert x > 0 and y > 0, "both are lengths"
    if x > y:
        assert x - y < 10
        print("wide", x - y)
        return (x - y) ** 2
    assert y > 100, "never reached"
    return y


@program(sample(4), tags=("errstate", "docstring", "early_return", "op_matmul"))
def returns_from_inside_with(x):
    """Return the angle to the first axis, or zero for a vector that has none."""
    with np.errstate(invalid="ignore"), np.errstate(divide="ignore"):
        size = np.sqrt(x @ x)
        if size > 0:
            return np.arccos(x[0] / size)
    return 0.0


@program(0.7, 3, tags=("fstring", "docstring", "annotations"))
def strings_by_the_way(x: "float", digits: "int" = 2) -> "float":
    """One line, then code."""
    "a string that stands alone"
    label = f"{x:.{digits}f} of {digits + 1!r:>4}"
    assert f"{label}" == label, f"{label} differs"
    ...
    return x**2 * len(f"{digits}digits")
