"""What differentiating a 50-line function costs: python benchmarks/differentiate_time.py [runs]

Every run imports the function afresh, from a file of its own, so nothing is found in a cache. The
first run is printed apart: it pays for what srcgrad imports only when it is needed. The aim is a
median of at most 30 ms. Below it, the milliseconds that each part of srcgrad accounts for itself.
"""

import cProfile
import importlib.util
import pstats
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import srcgrad  # noqa: E402  (the checkout is measured, installed or not)

PROGRAM = '''\
import numpy as np


def network(w1, b1, w2, b2, w3, b3, X, y, penalty=1e-3, steps=3):
    """Two hidden layers, a smoothing loop, branches, a robust loss: 50 lines of body."""
    n, d = X.shape
    centre = np.mean(X, axis=0)
    spread = np.std(X, axis=0) + 1e-6
    Z = (X - centre) / spread
    h1 = Z @ w1 + b1
    h1 = np.tanh(h1)
    gate = 1 / (1 + np.exp(-h1))
    h1 = h1 * gate
    h2 = h1 @ w2 + b2
    h2 = np.maximum(h2, 0.01 * h2)
    scale = np.sqrt(np.mean(h2**2, axis=1, keepdims=True) + 1e-6)
    h2 = h2 / scale
    state = h2
    for k in range(steps):
        shifted = np.roll(state, 1, axis=1)
        mixed = 0.5 * (state + shifted)
        state = np.sin(mixed) + 0.1 * state
        if k > 1:
            state = state * 0.9
        else:
            state = state + h2
    out = state @ w3 + b3
    out = out.reshape(n, -1)
    top = np.max(out, axis=1, keepdims=True)
    e = np.exp(out - top)
    total = np.sum(e, axis=1, keepdims=True)
    p = e / total
    logp = out - top - np.log(total)
    picked = np.sum(y * logp, axis=1)
    fit = -np.mean(picked)
    entropy = -np.sum(p * logp) / n
    error = y - p
    size = np.abs(error)
    quadratic = np.minimum(size, 0.5)
    linear = size - quadratic
    robust = np.mean(0.5 * quadratic**2 + 0.5 * linear)
    weights = np.sum(w1**2) + np.sum(w2**2) + np.sum(w3**2)
    offsets = np.dot(b1, b1) + np.dot(b2, b2) + np.dot(b3, b3)
    smooth = np.sum((w1[1:] - w1[:-1]) ** 2)
    ortho = w2.T @ w2
    trace = np.trace(ortho)
    loss = fit + 0.1 * robust
    loss = loss - 0.01 * entropy
    loss = loss + penalty * weights
    if penalty > 0:
        loss = loss + penalty * offsets
    loss = loss + 0.1 * penalty * smooth
    loss = loss + penalty * trace
    return loss
'''


def fresh(folder: Path, number: int) -> Callable[..., Any]:
    """The function of PROGRAM, from a new file, as a new module."""
    path = folder / f"network_{number}.py"
    path.write_text(PROGRAM)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module.network  # type: ignore[no-any-return]


def differentiate(f: Callable[..., Any]) -> str:
    return srcgrad.grad(f, argnums=(0, 1, 2, 3, 4, 5)).source


def milliseconds(f: Callable[..., Any]) -> float:
    started = time.perf_counter()
    differentiate(f)
    return 1000 * (time.perf_counter() - started)


def shares(functions: list[Callable[..., Any]]) -> Counter[str]:
    """The fraction of the time spent in each part of srcgrad's own code, and elsewhere."""
    profile = cProfile.Profile()
    profile.enable()
    for f in functions:
        differentiate(f)
    profile.disable()
    spent: Counter[str] = Counter()
    package = Path(srcgrad.__file__).parent
    for (file, _, _), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        path = Path(file)
        inside = path.is_relative_to(package)
        spent[path.relative_to(package).parts[0] if inside else "outside srcgrad"] += own
    total = sum(spent.values())
    return Counter({part: own / total for part, own in spent.items()})


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as name:
        functions = [fresh(Path(name), number) for number in range(runs + 6)]
        first = milliseconds(functions.pop())
        times = [milliseconds(functions.pop()) for _ in range(runs)]
        parts = shares(functions)
    lines = PROGRAM.partition("def ")[2].count("\n")
    median = statistics.median(times)
    print(f"grad(f).source, f of {lines} lines: {median:.1f} ms (median of {runs})")
    print(f"fastest {min(times):.1f} ms, slowest {max(times):.1f} ms; the first run {first:.1f} ms")
    print("where the time goes, by the file that runs (profiled):")
    for part, share in parts.most_common():
        if share >= 0.01:
            print(f"  {part:<18} {100 * share:3.0f} %  {share * median:5.1f} ms")


if __name__ == "__main__":
    main()
