"""Makes a failing program small: drops statements and replaces expressions as long as it fails alike."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

from fuzz.programs import Program


def shrink(program: Program, fails: Callable[[Program], bool], most: int = 2000) -> Program:
    """The smallest program found that still fails; `fails` is asked at most so often."""
    asked = 0
    # Without what fills it, an empty array holds anything, and any two runs differ.
    filled = replace(program, text=program.text.replace("np.empty", "np.zeros"))
    if fails(filled):
        program = filled
    news = True
    while news:
        news = False
        for text in _smaller(program.text):
            if len(text) >= len(program.text):
                continue
            asked += 1
            if asked > most:
                return program
            candidate = replace(program, text=text)
            if fails(candidate):
                program, news = candidate, True
                break
        if not news:
            for argnums in _fewer(program.argnums):
                candidate = replace(program, argnums=argnums)
                if fails(candidate):
                    program, news = candidate, True
                    break
    return program


def _fewer(argnums: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if len(argnums) > 1:
        for k in range(len(argnums)):
            yield argnums[:k] + argnums[k + 1 :]


def _smaller(text: str) -> Iterator[str]:
    """Every text that is this one with one thing less, the biggest things first."""
    for edit in (_statements, _expressions):
        count = sum(1 for _ in edit(ast.parse(text)))
        for k in range(count):
            tree = ast.parse(text)
            for position, change in enumerate(edit(tree)):
                if position == k:
                    change()
                    break
            try:
                yield ast.unparse(ast.fix_missing_locations(tree)) + "\n"
            except (AttributeError, ValueError):
                continue


def _statements(tree: ast.Module) -> Iterator[Callable[[], None]]:
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            body = getattr(node, field, None)
            if not isinstance(body, list):
                continue
            for statement in body:
                if isinstance(statement, ast.FunctionDef) and statement.name == "f":
                    continue
                inner = getattr(statement, "body", None)
                if isinstance(inner, list) and not isinstance(statement, ast.FunctionDef):
                    yield lambda b=body, s=statement, i=inner: _put(b, s, i)
                    if getattr(statement, "orelse", None):
                        yield lambda b=body, s=statement: _put(b, s, s.orelse)
                yield lambda b=body, s=statement, n=node, f=field: _drop(b, s, n, f)


def _put(body: list[ast.stmt], statement: ast.stmt, new: list[ast.stmt]) -> None:
    k = body.index(statement)
    body[k : k + 1] = new


def _drop(body: list[ast.stmt], statement: ast.stmt, node: ast.AST, field: str) -> None:
    body.remove(statement)
    if not body and field == "body" and not isinstance(node, ast.Module):
        body.append(ast.Pass())


def _expressions(tree: ast.Module) -> Iterator[Callable[[], None]]:
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr) and isinstance(
                getattr(value, "ctx", ast.Load()), ast.Load
            ):
                for new in _instead(value):
                    yield lambda n=node, f=field, e=new: setattr(n, f, e)
            if isinstance(value, list):
                for k, item in enumerate(value):
                    if not isinstance(item, ast.expr):
                        continue
                    for new in _instead(item):
                        yield lambda v=value, i=k, e=new: v.__setitem__(i, e)
                    if len(value) > 1 and isinstance(node, ast.List | ast.Tuple):
                        yield lambda v=value, i=k: v.__delitem__(i)


def _instead(node: ast.expr) -> Iterator[ast.expr]:
    """What may stand for an expression: a part of it, or a number."""
    for child in ast.walk(node):
        if child is not node and isinstance(child, ast.expr) and not isinstance(child, ast.Starred):
            if isinstance(getattr(child, "ctx", ast.Load()), ast.Load):
                yield child
    if not isinstance(node, ast.Constant | ast.Name):
        yield ast.Constant(1.0)
