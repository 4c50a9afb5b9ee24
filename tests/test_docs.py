"""The pages of the docs keep their word: every Python block runs, and prints what stands below it.

A `python` block that is followed by a `text` block prints that text, or raises the error that it shows.
Each block is a file of its own, so lines count from its top. `SRCGRAD_UPDATE=1` writes the texts anew.
"""

import contextlib
import io
import linecache
import math
import os
import re
import sys
import traceback
import types
from pathlib import Path

import numpy as np
import pytest

import srcgrad
from srcgrad.codegen import load

DOCS = Path(__file__).parents[1] / "docs"
UPDATE = os.environ.get("SRCGRAD_UPDATE")
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.M | re.S)


class Page:
    """A page: its Python blocks, each with the text that is said to come of it, if any."""

    def __init__(self, name):
        self.path = DOCS / name
        self.text = self.path.read_text(encoding="utf-8")
        found = list(BLOCK.finditer(self.text))
        follows = zip(found, [*found[1:], None], strict=True)
        self.blocks = [
            (code, shown if shown is not None and shown[1] == "text" else None)
            for code, shown in follows
            if code[1] == "python"
        ]

    def update(self, outputs):
        """Write the page with what its blocks gave in place of what it said they give."""
        parts, end = [], 0
        for (_, shown), output in zip(self.blocks, outputs, strict=True):
            if shown is not None:
                parts += [self.text[end : shown.start(2)], output]
                end = shown.end(2)
        self.path.write_text("".join(parts) + self.text[end:], encoding="utf-8")


def as_a_file(text, name, names):
    """Run a text as the file `name`, whose lines can be found; what it prints, or how it fails."""
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(text, name, "exec"), names)
        except Exception as error:
            shown = traceback.format_exception_only(error)
            if not isinstance(error, srcgrad.SrcgradError):
                shown = [*frames(error, name), *shown]
            print("".join(shown), end="")
    text = printed.getvalue()
    return text and text.rstrip("\n") + "\n"


def frames(error, name):
    """The traceback of an error that is not srcgrad's own, but of the file and generated code alone.

    Without the marks below the lines, which differ between versions of Python.
    """
    yield "Traceback (most recent call last):\n"
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == name or frame.filename.startswith("<srcgrad"):
            yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}\n'
            yield f"    {frame.line}\n"


def fresh_names(monkeypatch, **given):
    """The names of a new module, which can be imported under its name."""
    module = types.ModuleType("model")
    monkeypatch.setitem(sys.modules, "model", module)
    monkeypatch.setattr(load, "_counter", {})
    vars(module).update(given)
    return vars(module)


IMPORTED = {"np": np, "math": math, **{name: getattr(srcgrad, name) for name in srcgrad.__all__}}


def check(page, outputs):
    if UPDATE:
        page.update(outputs)
        return
    for (code, shown), output in zip(page.blocks, outputs, strict=True):
        wanted = "" if shown is None else shown[2]
        line = page.text.count("\n", 0, code.start()) + 1
        assert output == wanted, f"{page.path.name}, line {line}"


def test_errors(monkeypatch):
    page = Page("errors.md")
    mistakes = [shown for _, shown in page.blocks if shown is not None]
    assert len(mistakes) == len(page.blocks) >= 20
    outputs = [
        as_a_file(code[2], "model.py", fresh_names(monkeypatch, **IMPORTED))
        for code, _ in page.blocks
    ]
    check(page, outputs)
    assert all(re.search(r"^[A-Za-z.]+: ", output, re.M) for output in outputs)


PAGES = ["tutorial.md", "how_it_works.md", "operators.md", "rules.md", "memory.md"]


@pytest.mark.parametrize("name", PAGES)
def test_pages(name, monkeypatch, tmp_path):
    page = Page(name)
    monkeypatch.chdir(tmp_path)
    names = fresh_names(monkeypatch)
    outputs = [
        as_a_file(code[2], f"<{name} {k}>", names) for k, (code, _) in enumerate(page.blocks, 1)
    ]
    check(page, outputs)


ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|", re.M)
KINKS = ROW.findall((DOCS / "kinks.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("function", "at", "gradient"), KINKS)
def test_kinks(function, at, gradient, monkeypatch):
    text = f"def f(x):\n    return {function}\n"
    names = fresh_names(monkeypatch, **IMPORTED)
    assert as_a_file(text, "kinks.py", names) == ""
    x, wanted = eval(at, vars(np).copy()), eval(gradient, vars(np).copy())
    with np.errstate(all="ignore"):
        got = srcgrad.grad(names["f"])(x)
    np.testing.assert_array_equal(got, wanted)
    assert np.shape(got) == np.shape(x)


def test_links_lead_somewhere():
    for path in DOCS.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        prose = re.sub(r"^```.*?^```|`[^`]*`", "", text, flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#]+)\)", prose):
            assert target.startswith("https://") or (DOCS / target).exists(), (path.name, target)


def test_every_page_is_in_the_index():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for path in DOCS.glob("*.md"):
        assert path.name == "index.md" or f"]({path.name})" in index
