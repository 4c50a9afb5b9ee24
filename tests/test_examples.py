"""The examples, run cell by cell as a notebook runs them: what each cell shows is what it says."""

import ast
import contextlib
import io
import linecache
from pathlib import Path
from typing import NamedTuple

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
OUT = "# Out: "
MORE = "#      "

# What the published chapter shows, output by output.
CHAPTER = """\
tensor([0., 1., 2., 3.], requires_grad=True)
tensor(28., grad_fn=<MulBackward0>)
tensor([ 0.,  4.,  8., 12.])
tensor([True, True, True, True])
tensor([0., 1., 2., 3.], requires_grad=True)
tensor(6., grad_fn=<SumBackward0>)
tensor([1., 1., 1., 1.])
tensor([0., 2., 4., 6.])
tensor([0., 1., 2., 3.], requires_grad=True)
tensor([0., 1., 4., 9.], grad_fn=<MulBackward0>)
tensor([0., 1., 4., 9.])
tensor([ 0.,  1.,  8., 27.], grad_fn=<MulBackward0>)
tensor([0., 1., 4., 9.])
""".splitlines()


class Cell(NamedTuple):
    """The code of one cell, the line it begins at, and what its comments say it shows."""

    line: int
    code: str
    expected: str


def cells_of(path):
    """The code cells of a file in which `# %%` opens a cell and `# %% [markdown]` one of text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = [k for k, line in enumerate(lines) if line.startswith("# %%")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        if "[markdown]" in lines[start]:
            continue
        body = lines[start + 1 : end]
        first = next((k for k, line in enumerate(body) if line.startswith(OUT)), len(body))
        shown = [line[len(MORE) :] for line in body[first:] if line]
        yield Cell(start + 1, "\n".join(body[:first]), "\n".join(shown))


def run(cell, path, namespace):
    """What a notebook prints and shows for a cell, which it keeps as a file of its own."""
    file = f"<{path.name}, line {cell.line}>"
    linecache.cache[file] = (len(cell.code), None, cell.code.splitlines(keepends=True), file)
    tree = ast.parse(cell.code, file)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, file, "exec"), namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), file, "eval"), namespace)
            if value is not None:
                print(repr(value))
    return printed.getvalue().rstrip("\n")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_cell_shows_what_it_says(path):
    namespace = {"__name__": "__main__"}
    cells = list(cells_of(path))
    assert any(cell.expected for cell in cells)
    for cell in cells:
        shown = run(cell, path, namespace)
        assert shown == cell.expected, f"{path.name}, line {cell.line}"


def test_the_chapter_is_whole_twice():
    """Both parts of the chapter's example show all that the published chapter shows, in its order."""
    expected = [
        cell.expected for cell in cells_of(EXAMPLES / "autodiff_chapter.py") if cell.expected
    ]
    assert expected == [*CHAPTER, *CHAPTER, CHAPTER[-1]]


def test_a_wrong_output_is_noticed(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("# %%\nprint('a')\n1 + 1\n# Out: a\n#      3\n")
    (cell,) = cells_of(path)
    assert cell.expected == "a\n3"
    assert run(cell, path, {}) == "a\n2"
