"""Every program of the zoo is fit to be differentiated, and together they cover the language."""

import ast
import copy
import inspect
import math
import textwrap
import types
import warnings
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from zoo.features import FEATURES, writes
from zoo.numeric import directional, identical, random_like, slope_jump
from zoo.registry import Program, all_programs

PROGRAMS = all_programs()


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> Program:
    return PROGRAMS[request.param]


def syntax_tree(program: Program) -> ast.FunctionDef | None:
    """The program's `def`, without the decorators that register it, or None if it has none."""
    function = inspect.unwrap(program.function)
    if not isinstance(function, types.FunctionType) or function.__name__ == "<lambda>":
        return None
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    tree.decorator_list = []
    return tree


TREES = {name: tree for name, p in PROGRAMS.items() if (tree := syntax_tree(p)) is not None}


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest) -> ast.FunctionDef:
    return TREES[request.param]


@pytest.fixture(autouse=True)
def strict_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_gives_a_finite_number_and_leaves_its_arguments(program, capsys):
    before = copy.deepcopy(program.args)
    first = program.function(*program.args)
    printed = capsys.readouterr().out
    assert identical(program.args, before)

    loss = first[0] if program.has_aux else first
    assert isinstance(loss, float | np.floating)
    assert math.isfinite(loss)

    assert identical(program.function(*program.args), first)
    assert capsys.readouterr().out == printed
    assert bool(printed) == ("prints" in program.tags)


def test_is_smooth_where_it_is_differentiated(program):
    assert program.argnums
    f, args = program.loss, program.args
    scale = max(1.0, abs(f(*args)))
    derivatives = []
    for argnum in program.argnums:
        direction = random_like(args[argnum], np.random.default_rng(argnum))
        coarse, fine = (directional(f, args, argnum, direction, eps) for eps in (1e-4, 1e-5))
        # The finer difference loses about 1e-16 / 1e-5 of the value to rounding.
        assert coarse == pytest.approx(fine, rel=1e-4, abs=1e-9 * scale)
        # Central differences see nothing of a kink that lies just at the point: |x| at zero.
        wide, narrow = (slope_jump(f, args, argnum, direction, eps) for eps in (1e-4, 1e-5))
        assert abs(narrow) <= 0.5 * abs(wide) + 1e-8 * scale
        derivatives.append(fine)
    assert any(derivatives) != ("zero" in program.tags)


def test_writes_into_nothing(tree):
    assert [ast.unparse(node) for node in writes(tree)] == []


@pytest.mark.parametrize("name", TREES)
def test_shows_what_its_tags_say(name):
    questions = {tag: FEATURES.get(tag) for tag in PROGRAMS[name].tags}
    untrue = [tag for tag, ask in questions.items() if ask is not None and not ask(TREES[name])]
    assert untrue == []


def test_covers_the_language():
    count = Counter(tag for program in PROGRAMS.values() for tag in program.tags)
    assert {tag: count[tag] for tag in FEATURES if count[tag] < 2} == {}
    assert len(PROGRAMS) >= 180
