"""What tools see of generated code (tracebacks, pdb, inspect, tracers), and that it stays the same."""

import inspect
import io
import linecache
import os
import pdb
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

from srcgrad import grad, value_and_grad, vjp

ROOT = Path(__file__).parents[1]


def loss(w, X, y):
    z = X @ w
    p = 1 / (1 + np.exp(-z))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


W, X, Y = np.array([0.3, -0.2]), np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.1]]), np.ones(3)


def error_of(call):
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


def test_wrong_shapes_are_reported_by_numpy_from_the_line_that_mirrors_the_users():
    expected = error_of(lambda: loss(np.ones(3), X, Y))
    error = error_of(lambda: grad(loss)(np.ones(3), X, Y))
    assert (type(error), str(error)) == (ValueError, str(expected))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    assert frame.filename.startswith("<srcgrad d_loss")
    assert frame.name == "d_loss"
    assert frame.line == "z = X @ w"
    text = "".join(traceback.format_exception(error))
    assert "    z = X @ w\n" in text
    assert 'File "<srcgrad d_loss' in text


def test_a_failing_line_of_the_backward_sweep_is_shown_too():
    def f(x, table):
        return np.sum(x * x) + table["a"] * 0.0

    made = grad(f)
    text = made.specialize(np.ones(2), {"a": 1.0}).source
    assert "# line" in text
    error = error_of(lambda: vjp(lambda x: x**2, np.ones(3))[1]._pair.backward.run((), 1.0))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    assert frame.filename.startswith("<srcgrad lambda__backward")
    assert frame.line


def test_errors_of_the_users_own_stay_what_they_are():
    def f(x):
        if x < 0:
            raise TypeError("x must be positive", x)
        if x > 5:
            raise ValueError(f"{x} is too large")
        return x**2

    for x in (-1.0, 7.0):
        expected, error = error_of(lambda: f(x)), error_of(lambda: grad(f)(x))  # noqa: B023
        assert (type(error), str(error)) == (type(expected), str(expected))
        line = traceback.extract_tb(error.__traceback__)[-1].line
        assert line.startswith("raise ")

    def g(x):
        assert np.all(x > 0), "x must be positive"
        return np.sum(x)

    with pytest.raises(AssertionError, match="x must be positive"):
        grad(g)(-np.ones(2))


def generated_function(made, *args):
    """The generated function that runs for these arguments, met on the way."""
    found = []

    def profile(frame, event, arg):
        if event == "call" and frame.f_code.co_filename.startswith("<srcgrad d_"):
            found.append(frame.f_code)

    sys.setprofile(profile)
    try:
        made(*args)
    finally:
        sys.setprofile(None)
    return found[-1]


def test_inspect_finds_the_source():
    code = generated_function(grad(loss), W, X, Y)
    text = grad(loss).specialize(W, X, Y).source
    assert inspect.getsource(code) == text[text.index("def d_loss") :]
    assert inspect.getsourcelines(code)[1] == text[: text.index("def d_loss")].count("\n") + 1
    assert inspect.getsourcefile(code) == code.co_filename


def test_the_source_survives_a_check_of_the_cache():
    code = generated_function(grad(loss), W, X, Y)
    linecache.checkcache()
    assert linecache.getline(code.co_filename, code.co_firstlineno).startswith("def d_loss")


def test_every_program_has_a_file_of_its_own():
    made = grad(lambda x: np.sum(x**2) * 3)
    arguments = [1.0, np.ones(2), np.ones((2, 2)), [1.0], np.float32(1)]
    codes = [generated_function(made, a) for a in arguments[:3]]
    codes += [generated_function(grad(lambda x: x * 7), 1.0) for _ in range(3)]
    files = [c.co_filename for c in codes]
    assert len(set(files)) == len(files)
    for code in codes:
        assert linecache.getline(code.co_filename, code.co_firstlineno).startswith("def d_lambda_")
    assert generated_function(made, 2.0) is codes[0]


def test_pdb_steps_through_generated_lines():
    def f(x):
        y = x * 2
        return np.sin(y) * y

    made = grad(f)
    code = generated_function(made, 0.5)
    output = io.StringIO()
    commands = io.StringIO("continue\nnext\nnext\nprint('y is', y)\nlist\ncontinue\n")
    debugger = pdb.Pdb(stdin=commands, stdout=output, nosigint=True, readrc=False)
    debugger.use_rawinput = False
    assert debugger.set_break(code.co_filename, code.co_firstlineno + 1) is None
    value = debugger.runcall(made, 0.5)
    debugger.clear_all_breaks()
    assert value == pytest.approx(2 * np.sin(1.0) + 2 * np.cos(1.0))
    shown = output.getvalue()
    assert f"> {code.co_filename}(" in shown
    assert "-> y = x * 2" in shown
    assert "def d_f(x, g=1.0):" in shown


def test_tracers_see_every_line():
    """As coverage and profilers do: by the names of files and the numbers of lines."""
    made = grad(loss)
    code = generated_function(made, W, X, Y)
    seen = set()

    def trace(frame, event, arg):
        if event == "line" and frame.f_code is code:
            seen.add(frame.f_lineno)
        return trace

    sys.settrace(trace)
    try:
        made(W, X, Y)
    finally:
        sys.settrace(None)
    lines = made.specialize(W, X, Y).source.splitlines()
    body = {k for k, line in enumerate(lines, 1) if line.startswith("    ") and "#" not in line}
    assert seen == body


# -- always the same ---------------------------------------------------------------------------------

SOURCES = """
import contextlib, io, sys
sys.path[:0] = {paths!r}
from zoo.registry import all_programs
from srcgrad import grad, vjp
for name, program in sorted(all_programs().items())[::{step}]:
    made = grad(program.function, program.argnums, has_aux=program.has_aux)
    special = made.specialize(*program.args)
    print(special.source, special._program.run.__name__)
    try:
        print(made.source)
        print(made.graph)
    except Exception as error:
        print(type(error).__name__)
"""


def sources(seed, step=9, **environ):
    code = SOURCES.format(paths=[str(ROOT), str(ROOT / "tests")], step=step)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": str(seed), **environ},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_text_does_not_depend_on_the_hash_seed():
    first, second, third = (sources(seed) for seed in (0, 1, 4242))
    assert first == second == third
    assert first.count("def d_") > 40


def test_the_text_does_not_depend_on_what_was_generated_before():
    def f(x, n):
        total = 0.0
        for k in range(n):
            total = total + np.sin(x * k)
        return total

    text = grad(f).specialize(0.5, 3).source
    for _ in range(3):
        value_and_grad(lambda x: x**2)(2.0)
        assert grad(f).specialize(0.5, 3).source == text
        assert grad(lambda *args: f(*args)).specialize(0.5, 3).source.count("def ") == 1


# -- switches ------------------------------------------------------------------------------------------


def run_with(code, **environ):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT / "tests",
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **environ},
    )


ONE = "import numpy as np; from srcgrad import grad; print(grad(np.tanh)(0.0))"


def test_dump_writes_every_graph_and_the_source(tmp_path):
    folder = tmp_path / "new" / "folder"
    done = run_with(ONE, SRCGRAD_DUMP=str(folder))
    assert done.stdout == "1.0\n", done.stderr
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "d_tanh.00.start.txt"
    assert "d_tanh.py" in names
    assert len(names) > 5
    first = (folder / "d_tanh.00.start.txt").read_text()
    assert first.startswith("def d_tanh(x: float, g: float):")
    assert "np.tanh(x)" in (folder / "d_tanh.py").read_text()


def test_check_verifies_after_each_pass():
    broken = (
        "import numpy as np; from dataclasses import replace; from srcgrad import grad\n"
        "from srcgrad.ir.graph import Value\n"
        "from srcgrad.optimize import passes\n"
        "def lose(f): return replace(f, body=replace(f.body, ops=()))\n"
        "passes.PASSES = (('lose', lose), *passes.PASSES)\n"
        "print(grad(np.tanh)(0.0))"
    )
    done = run_with(broken, SRCGRAD_CHECK="1")
    assert done.returncode != 0
    assert "verify" in done.stderr
    assert run_with(ONE, SRCGRAD_CHECK="1").stdout == "1.0\n"
    misspelt = run_with(ONE, SRCGRAD_CHECK="maybe")
    assert "SRCGRAD_CHECK is 'maybe'" in misspelt.stderr


def test_the_zoo_passes_every_check():
    checked = sources(0, step=4, SRCGRAD_CHECK="1")
    assert checked == sources(0, step=4)
