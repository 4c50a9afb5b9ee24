"""The README keeps its word: its example prints what it shows, CI runs its commands.

`SRCGRAD_UPDATE=1` writes anew what the example prints.
"""

import os
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """The fenced blocks of the README in `language`, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def test_the_examples_print_the_source_that_is_shown(tmp_path, capsys):
    found, text = blocks("python"), README
    assert len(found) == 4
    for k, (example, shown) in enumerate(zip(found[::2], found[1::2], strict=True)):
        path = tmp_path / f"example_{k}.py"
        path.write_text(example, encoding="utf-8")
        runpy.run_path(str(path))
        printed = capsys.readouterr().out.rstrip("\n") + "\n"
        if os.environ.get("SRCGRAD_UPDATE"):
            old, new = (f"{example}```\n\nprints\n\n```python\n{t}```\n" for t in (shown, printed))
            assert old in text
            text = text.replace(old, new)
        else:
            assert printed == shown
    if os.environ.get("SRCGRAD_UPDATE"):
        (ROOT / "README.md").write_text(text, encoding="utf-8")


def test_there_are_two_commands_of_one_line():
    commands = blocks("sh")
    assert len(commands) == 2
    for command in commands:
        assert command.count("\n") == 1
        assert command.startswith("python -m venv .venv && . .venv/bin/activate && pip install ")
    assert "srcgrad demo" in commands[0]
    assert ".[test]" in commands[1]


@pytest.mark.parametrize("which", [0, 1])
def test_ci_installs_and_runs_as_the_readme_says(which):
    *_, install, command = blocks("sh")[which].strip().split(" && ")
    steps = [line.strip() for line in (ROOT / ".ci" / "run").read_text().splitlines()]
    assert command in steps
    assert install.replace("pip install", "pip install --quiet") in steps
    assert steps.index(install.replace("pip install", "pip install --quiet")) < steps.index(command)


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    for target in targets:
        assert target.startswith("https://") or (ROOT / target).exists(), target
