"""`srcgrad demo`: a classifier fitted to real data, the breast-cancer table, by its gradient."""

from __future__ import annotations

import inspect
import time
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from srcgrad import grad
from srcgrad.errors import SrcgradError

Array = NDArray[np.float64]

PENALTY = 0.002
STEP = 1.0
MOMENTUM = 0.8
STEPS = 200
HELD_BACK_EVERY = 5


def loss(w, b, X, y, penalty):
    """Mean log-loss of a logistic regression, and a penalty on large weights."""
    z = X @ w + b
    return np.mean(np.logaddexp(0, z) - y * z) + penalty * np.sum(w**2)


class Table(NamedTuple):
    """Standardised measurements `(rows, 30)` and classes (1 malignant, 0 benign), in two parts."""

    X: Array
    y: Array
    X_held: Array
    y_held: Array


class Fit(NamedTuple):
    """The fitted weights `(30,)` and intercept; the loss before each step and after the last."""

    w: Array
    b: float
    losses: list[float]


def load() -> Table:
    """The table, every fifth row held back, scaled by the mean and deviation of the other rows.

    Examples
    --------
    >>> table = load()
    >>> table.X.shape, table.X_held.shape
    ((455, 30), (114, 30))
    """
    text = files("srcgrad").joinpath("data/breast_cancer.csv").read_text(encoding="ascii")
    rows = np.loadtxt(text.splitlines(), delimiter=",", skiprows=1)
    X, y = rows[:, :-1], 1.0 - rows[:, -1]
    held = np.arange(len(y)) % HELD_BACK_EVERY == 0
    X = (X - X[~held].mean(axis=0)) / X[~held].std(axis=0)
    return Table(X[~held], y[~held], X[held], y[held])


def fit(d_loss: Any, X: Array, y: Array, steps: int = STEPS) -> Fit:
    """Gradient descent with momentum on `loss`, from zero.

    Parameters
    ----------
    d_loss : callable
        Called as `loss` is; gives the gradients by `w` and `b`.
    X, y : ndarray
        Measurements `(rows, columns)` and classes `(rows,)`.
    steps : int
        How many steps to take.

    Examples
    --------
    >>> by_hand = lambda w, b, X, y, penalty: (2 * penalty * w, np.mean(0.5 - y))
    >>> fit(by_hand, np.zeros((2, 1)), np.array([0.0, 0.0]), steps=1).b
    -0.5
    """
    w, b = np.zeros(X.shape[1]), 0.0
    w_speed, b_speed = np.zeros_like(w), 0.0
    losses = [float(loss(w, b, X, y, PENALTY))]
    for _ in range(steps):
        d_w, d_b = d_loss(w, b, X, y, PENALTY)
        w_speed = MOMENTUM * w_speed - STEP * d_w
        b_speed = MOMENTUM * b_speed - STEP * float(d_b)
        w, b = w + w_speed, b + b_speed
        losses.append(float(loss(w, b, X, y, PENALTY)))
    return Fit(w, b, losses)


def scipy_optimum(d_loss: Any, X: Array, y: Array) -> float:
    """The least loss that SciPy's L-BFGS-B finds with the same gradient.

    Raises
    ------
    SrcgradError
        If SciPy is not installed, or does not converge.
    """
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise SrcgradError(
            "'srcgrad demo --check' compares with SciPy, which is not installed",
            cure="pip install scipy",
        ) from error

    def value(v: Array) -> float:
        return float(loss(v[:-1], v[-1], X, y, PENALTY))

    def slope(v: Array) -> Array:
        return np.append(*d_loss(v[:-1], v[-1], X, y, PENALTY))

    start = np.zeros(X.shape[1] + 1)
    # Tighter than SciPy's defaults, which stop some 1e-7 above the optimum.
    options = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 2000}
    result = minimize(value, start, jac=slope, method="L-BFGS-B", options=options)
    if not result.success:
        raise SrcgradError(f"SciPy's L-BFGS-B did not converge: {result.message}")
    return float(result.fun)


def _heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def run(*, check: bool = False) -> None:
    """Fit, and print what was read, generated and found; `check` adds the comparison with SciPy."""
    started = time.perf_counter()
    table = load()
    sick = int(table.y.sum() + table.y_held.sum())
    rows = len(table.y) + len(table.y_held)
    print(f"Data: {rows} tumours ({sick} malignant), {table.X.shape[1]} measurements each.")
    print("  Wolberg, Mangasarian, Street, Street: Breast Cancer Wisconsin (Diagnostic),")
    print("  UCI Machine Learning Repository, 1995, doi:10.24432/C5DW2B, CC BY 4.0.")
    print(f"  {len(table.y)} rows to fit, {len(table.y_held)} held back (every fifth).")

    _heading("The loss, as written")
    print(inspect.getsource(loss).strip())

    differentiating = time.perf_counter()
    d_loss = grad(loss, argnums=(0, 1))
    start = (np.zeros(table.X.shape[1]), 0.0, table.X, table.y, PENALTY)
    source = d_loss.specialize(*start).source
    differentiated = time.perf_counter()
    _heading("Its gradient by w and b, as generated for these arguments")
    print(source.strip())

    _heading(f"Gradient descent: step {STEP}, momentum {MOMENTUM}")
    fitted = fit(d_loss, table.X, table.y)
    print("step  loss")
    for step, value in enumerate(fitted.losses):
        if step % 10 == 0:
            print(f"{step:4}  {value:.8f}")

    right = int(np.sum((table.X_held @ fitted.w + fitted.b > 0) == (table.y_held > 0.5)))
    _heading("Result")
    print(f"held-back rows classified rightly: {right} of {len(table.y_held)}", end=" ")
    print(f"({100 * right / len(table.y_held):.1f} %)")
    if check:
        best = scipy_optimum(d_loss, table.X, table.y)
        print(f"least loss by scipy.optimize.minimize (L-BFGS-B): {best:.8f}")
        print(f"difference from it: {fitted.losses[-1] - best:.1e}")
    print(f"seconds: {time.perf_counter() - started:.2f}", end=" ")
    print(f"(of which differentiating: {differentiated - differentiating:.3f})")
