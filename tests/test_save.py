"""`save`: the generated source as a module that runs without srcgrad."""

import ast
import contextlib
import dataclasses
import io
import pickle
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest
from zoo.numeric import tree_leaves
from zoo.registry import all_programs

from srcgrad import SrcgradError, grad, value_and_grad

PROGRAMS = all_programs()
TESTS = Path(__file__).parent

# Runs saved modules where srcgrad cannot be imported, and prints what they give for pickled arguments.
RUNNER = """
import contextlib, io, pickle, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("srcgrad", "gast", "astunparse"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
sys.path.append(sys.argv[1])
jobs = pickle.load(sys.stdin.buffer)
results = {}
for name, (path, function, args) in jobs.items():
    try:
        namespace = {"__name__": name}
        with open(path, encoding="utf-8") as file:
            exec(compile(file.read(), path, "exec"), namespace)
        with contextlib.redirect_stdout(io.StringIO()):
            results[name] = namespace[function](*args)
    except Exception as error:
        results[name] = f"{type(error).__name__}: {error}"
sys.stdout.buffer.write(pickle.dumps(results))
"""


def run_apart(jobs):
    """What saved functions return in a process of its own, isolated, without srcgrad."""
    command = [sys.executable, "-I", "-W", "ignore", "-c", RUNNER, str(TESTS)]
    done = subprocess.run(command, input=pickle.dumps(jobs), capture_output=True, check=True)
    return pickle.loads(done.stdout)


def quietly(call, *args):
    """What a call gives, with nothing printed and no remarks on infinities that are masked out."""
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        return call(*args)


def plain(value):
    """Whether nothing is in it that cannot be pickled, or that is no number, array or container."""
    return all(
        isinstance(leaf, float | int | str | np.ndarray | None) for leaf in tree_leaves(value)
    )


def close(got, expected):
    """Equal numbers, shapes and structure wherever the expected gradient is not None."""
    if expected is None:
        return True
    if isinstance(expected, dict):
        return all(close(got[k], expected[k]) for k in expected)
    if isinstance(expected, list | tuple):
        return len(got) == len(expected) and all(map(close, got, expected))
    if dataclasses.is_dataclass(expected):
        names = [f.name for f in dataclasses.fields(expected)]
        return all(close(getattr(got, n), getattr(expected, n)) for n in names)
    return np.shape(got) == np.shape(expected) and np.allclose(got, expected)


def test_saved_programs_run_without_srcgrad(tmp_path):
    jobs, expected, refused = {}, {}, {}
    for name, program in PROGRAMS.items():
        if not all(map(plain, program.args)):
            continue
        made = grad(program.function, program.argnums, has_aux=program.has_aux)
        result = quietly(made, *program.args)
        specialized = made.specialize(*program.args)
        path = tmp_path / f"{name}.py"
        try:
            specialized.save(path)
        except SrcgradError as error:
            refused[name] = str(error)
            continue
        text = path.read_text()
        assert "import srcgrad" not in text and "from srcgrad" not in text
        function = specialized._program.generated.name
        jobs[name] = str(path), function, program.args
        expected[name] = result[0] if program.has_aux else result
    results = run_apart(jobs)
    wrong = {}
    for name, result in results.items():
        gradients = result[0] if PROGRAMS[name].has_aux and not isinstance(result, str) else result
        if isinstance(result, str) or not close(gradients, expected[name]):
            wrong[name] = result
    assert wrong == {}
    assert len(jobs) > 200
    assert all("Instead: " in message for message in refused.values())
    assert len(refused) < 12, refused


def test_source_for_any_arguments_can_be_saved_too(tmp_path):
    jobs, expected = {}, {}
    for name, program in PROGRAMS.items():
        numbers = all(isinstance(a, float | np.ndarray) for a in program.args)
        # What divides by zero where it is masked out is guarded only where shapes are known.
        if not numbers or program.has_aux or "errstate" in program.tags:
            continue
        made = grad(program.function, program.argnums)
        try:
            made.save(tmp_path / f"{name}.py")
        except SrcgradError:
            continue
        expected[name] = quietly(made, *program.args)
        function = next(
            node.name
            for node in reversed(ast.parse((tmp_path / f"{name}.py").read_text()).body)
            if isinstance(node, ast.FunctionDef) and node.name.startswith("d_")
        )
        jobs[name] = str(tmp_path / f"{name}.py"), function, program.args
    results = run_apart(jobs)
    assert {n: r for n, r in results.items() if not close(r, expected[n])} == {}
    assert len(jobs) > 100


TABLE = {"a": np.array([[1.0, np.nan], [np.inf, -0.0]]), 2: [np.float32(0.1), None, True, "text"]}
SCALE = -float("inf")
EMPTY = np.zeros((0, 3))
POINT = 2.5
WHOLE = np.arange(3)


def reads_values(x):
    return (
        np.nansum(TABLE["a"] * x)
        + np.sum(EMPTY)
        + x * TABLE[2][0]
        + x * POINT
        + np.sum(WHOLE * x)
        + np.maximum(x, SCALE)
    )


def test_values_from_outside_are_written_down(tmp_path, monkeypatch):
    path = tmp_path / "saved.py"
    monkeypatch.setitem(TABLE, "a", np.array([[1.0, 2.0], [3.0, -0.0]]))
    made = grad(reads_values)
    expected = made(2.0)
    made.save(path)
    text = path.read_text()
    assert "POINT = 2.5\n" in text
    assert "np.float32(0.10000000149011612), None, True, 'text'" in text
    assert "SCALE = float('-inf')" in text
    assert "EMPTY = np.array([], dtype='float64').reshape((0, 3))" in text
    monkeypatch.setattr(sys.modules[__name__], "POINT", 7.0)
    assert run_apart({"f": (str(path), "d_reads_values", (2.0,))})["f"] == pytest.approx(expected)
    made.save(path)
    assert "POINT = 7.0\n" in path.read_text()


class Settings(typing.NamedTuple):
    rate: float


LARGE = np.ones(100_000)
NAMED = Settings(2.0)


def reads_a_large_array(x):
    return np.sum(LARGE) * x


def reads_a_named_tuple(x):
    return x * NAMED.rate * NAMED[0]


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (reads_a_large_array, "array of 100000 entries 'LARGE'"),
        (reads_a_named_tuple, "value 'NAMED'"),
    ],
)
def test_what_cannot_be_written_down_is_refused(f, message, tmp_path):
    assert isinstance(grad(f)(1.0), float)
    with pytest.raises(SrcgradError, match=message) as caught:
        grad(f).specialize(1.0).save(tmp_path / "saved.py")
    assert "Instead: pass it as an argument" in str(caught.value)
    assert not (tmp_path / "saved.py").exists()


def test_what_no_import_reaches_is_refused(tmp_path):
    class Local(typing.NamedTuple):
        a: float

    def f(x):
        return Local(x * 2)

    def loss(x):
        return f(x).a, f(x)

    with pytest.raises(SrcgradError, match="'Local', which no import reaches"):
        grad(loss, has_aux=True).specialize(1.0).save(tmp_path / "saved.py")


class Weights(typing.NamedTuple):
    w: np.ndarray
    b: float


@dataclasses.dataclass
class Layer:
    w: np.ndarray
    b: float


def total(p):
    return np.sum(p.w * p.b)


@pytest.mark.parametrize("cls", [Weights, Layer])
def test_classes_are_imported_from_where_they_are(cls, tmp_path):
    path = tmp_path / "saved.py"
    grad(total).specialize(cls(np.ones(2), 3.0)).save(path)
    assert f"from {__name__} import {cls.__name__}" in path.read_text()


def test_the_text_reads_like_a_module(tmp_path):
    def loss(w, X, y):
        p = 1 / (1 + np.exp(-X @ w))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    path = tmp_path / "saved.py"
    grad(loss).save(str(path))
    text = path.read_text()
    tree = ast.parse(text)
    assert text.startswith(
        "# The gradient of loss, generated by srcgrad for any real numbers and arrays.\n"
    )
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(n) for n in imports] == ["import numpy as np"]
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    assert functions[-1].name == "d_loss"
    lines = text.splitlines()
    for function in functions:
        assert lines[function.lineno - 3 : function.lineno - 1] == ["", ""]
        assert lines[function.lineno - 4] != ""
        assert ast.get_docstring(function) is None
        assert all(a.annotation is None for a in function.args.args)
        assert function.returns is None
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert max(map(len, lines)) <= 100


def test_a_value_and_gradient_can_be_saved(tmp_path):
    def f(x, scale=2.0):
        return scale * np.sin(x)

    path = tmp_path / "saved.py"
    value_and_grad(f).save(path)
    value, gradient = run_apart({"f": (str(path), "d_f", (0.5,))})["f"]
    assert (value, gradient) == pytest.approx((2 * np.sin(0.5), 2 * np.cos(0.5)))
