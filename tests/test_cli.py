"""The command line, and the demo: a fit to real data by generated source, checked against SciPy."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from srcgrad import demo
from srcgrad.cli import main
from srcgrad.errors import SrcgradError

ROOT = Path(__file__).parents[1]


def section(text, heading):
    """What the demo prints below `heading`, up to the next heading."""
    _, _, rest = text.partition(f"\n{heading}")
    assert rest, f"no section {heading!r} in:\n{text}"
    lines = rest.split("\n")[2:]
    rules = [i for i, line in enumerate(lines) if re.fullmatch("-{5,}", line)]
    return "\n".join(lines[: rules[0] - 1] if rules else lines)


@pytest.fixture(scope="module")
def printed():
    """What `srcgrad demo --check` prints."""
    command = [sys.executable, "-c", "from srcgrad.cli import main; main(['demo', '--check'])"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def losses(printed):
    rows = re.findall(r"^ *(\d+)  (\d\.\d{8})$", section(printed, "Gradient descent"), re.M)
    return {int(step): float(value) for step, value in rows}


def test_demo_names_its_data_and_their_licence(printed):
    assert "569 tumours (212 malignant), 30 measurements" in printed
    assert "455 rows to fit, 114 held back" in printed
    assert "10.24432/C5DW2B" in printed
    assert "CC BY 4.0" in printed


def test_demo_shows_the_loss_that_it_fits(printed):
    namespace = {"np": np}
    exec(section(printed, "The loss, as written"), namespace)
    table = demo.load()
    args = (np.linspace(-1, 1, 30), 0.3, table.X, table.y, demo.PENALTY)
    assert namespace["loss"](*args) == demo.loss(*args)


def test_the_printed_gradient_stands_alone_and_is_right(printed):
    namespace = {}
    exec(section(printed, "Its gradient by w and b"), namespace)
    (d_loss,) = (
        value
        for name, value in namespace.items()
        if name.startswith("d_") and callable(value) and value.__module__ is not np.__name__
    )
    table = demo.load()
    args = (np.linspace(-1, 1, 30), 0.3, table.X, table.y, demo.PENALTY)
    d_w, d_b = d_loss(*args)

    # By hand: the derivative of the log-loss is probability minus class.
    w, b, X, y, penalty = args
    residual = (1 / (1 + np.exp(-(X @ w + b))) - y) / len(y)
    np.testing.assert_allclose(d_w, X.T @ residual + 2 * penalty * w, rtol=1e-10)
    np.testing.assert_allclose(d_b, residual.sum(), rtol=1e-10)


def test_the_loss_decreases(printed):
    by_step = losses(printed)
    assert list(by_step) == list(range(0, demo.STEPS + 1, 10))
    values = list(by_step.values())
    assert values[0] == pytest.approx(np.log(2), abs=1e-8)
    assert all(later <= earlier for earlier, later in pairwise(values))
    assert values[-1] < 0.1


def test_held_back_rows_are_classified(printed):
    result = section(printed, "Result")
    right, of = map(int, re.search(r"rightly: (\d+) of (\d+)", result).groups())
    assert of == 114
    assert right / of >= 0.95


def test_the_fit_agrees_with_scipy(printed):
    result = section(printed, "Result")
    best = float(re.search(r"\(L-BFGS-B\): (\S+)", result)[1])
    difference = float(re.search(r"difference from it: (\S+)", result)[1])
    assert abs(difference) < 1e-6
    assert losses(printed)[demo.STEPS] - best == pytest.approx(difference, abs=2e-8)


def test_demo_without_check_runs_in_this_process(capsys):
    assert main(["demo"]) == 0
    printed = capsys.readouterr().out
    assert "scipy" not in printed.lower()
    assert "seconds: " in section(printed, "Result")


def test_check_without_scipy_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(SrcgradError, match="pip install scipy"):
        demo.scipy_optimum(None, np.zeros((1, 1)), np.zeros(1))


def test_an_error_of_srcgrad_is_printed_without_a_traceback(monkeypatch, capsys):
    def fail(*, check):
        raise SrcgradError("no such thing", cure="another thing")

    monkeypatch.setattr(demo, "run", fail)
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "srcgrad: no such thing\n  Instead: another thing\n"


def test_no_command_prints_the_help(capsys):
    assert main([]) == 0
    assert "demo" in capsys.readouterr().out


def test_an_unknown_command_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["no-such-command"])
    assert leaving.value.code == 2
    assert "no-such-command" in capsys.readouterr().err


def test_version_is_the_one_of_the_project(capsys):
    try:
        metadata.version("srcgrad")
    except metadata.PackageNotFoundError:
        pytest.skip("srcgrad is on the path but not installed")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"srcgrad {project['version']}\n"
