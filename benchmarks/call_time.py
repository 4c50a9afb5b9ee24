"""What calling a gradient costs beside running its generated function: python benchmarks/call_time.py

The arguments are bound, the program for their types and shapes is found, and what the function was
read from is compared with what is there now. The aim is less than 15 microseconds for three small
arrays, on top of what the generated function takes itself.
"""

import functools
import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import srcgrad  # noqa: E402  (the checkout is measured, installed or not)

RATE = 0.1


def loss(w, X, y):
    return np.sum((X @ w - y) ** 2)


def square(x):
    return x**2


def reads_more(w, X, y):
    return RATE * np.sum(square(X @ w - y))


def structured(w, X, y):
    return np.sum((X @ w["w"] + w["b"][0] - y) ** 2)


def microseconds(calls: list[Callable[[], Any]], number: int = 2000) -> list[float]:
    """The fastest of each, measured in turn, so that all see the same machine."""
    rounds = [[timeit.timeit(call, number=number) for call in calls] for _ in range(15)]
    return [1e6 * min(times) / number for times in zip(*rounds, strict=True)]


def main() -> None:
    w, X, y = np.ones(2), np.ones((3, 2)), np.ones(3)
    tree = {"w": w, "b": [0.5]}
    print("microseconds, the fastest of 15      generated  called  difference  grad(f)(...)")
    for f, args in ((loss, (w, X, y)), (reads_more, (w, X, y)), (structured, (tree, X, y))):
        made = srcgrad.grad(f)
        run = made.specialize(*args)._program.run
        alone, whole, again = microseconds(
            [
                functools.partial(run, *args),
                functools.partial(made, *args),
                lambda: srcgrad.grad(f)(*args),  # noqa: B023  (called before the next round)
            ]
        )
        print(f"{f.__name__:<36} {alone:9.1f} {whole:7.1f} {whole - alone:11.1f} {again:13.1f}")


if __name__ == "__main__":
    main()
