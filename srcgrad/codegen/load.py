"""A module's text from a graph, a callable from the text: the only place that executes code."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..ir.graph import Capture, Function, Parameter
from .emit import Emitter, functions_of
from .names import capture_name
from .operations import References
from .unparse import BlankLine, Comment, unparse


@dataclass(frozen=True, slots=True)
class Generated:
    """A generated module: its text, and what must be in its namespace for it to run.

    `helpers` are imported from srcgrad's run time; `objects` no import reaches.
    """

    text: str
    name: str
    helpers: Mapping[str, Any]
    objects: Mapping[str, Any]


def generate(function: Function, header: Sequence[str] = ()) -> Generated:
    """Write a function, with the functions it calls, as a module.

    What it reads from outside stands in it by name; `load` fetches that, `save` writes it down.
    """
    functions = functions_of(function)
    taken = {p.name for f in functions for p in f.signature}
    taken |= {f.name for f in functions}
    taken |= {capture_name(c.name) for f in functions for c in f.captures}
    references = References(taken.__contains__)
    definitions: list[ast.stmt] = [Emitter(f, references).definition() for f in functions]
    body: list[ast.stmt] = [Comment(line) for line in header]
    for line in sorted(references.imports, key=lambda text: (text.startswith("from"), text)):
        body += ast.parse(line).body
    if references.helpers:
        names = [ast.alias(name) for name in sorted(references.helpers)]
        if references.imports:
            body.append(BlankLine())
        body.append(ast.ImportFrom("srcgrad.runtime", names, 0))
    module = ast.Module([*body, *definitions], [])
    return Generated(
        unparse(module), function.name, dict(references.helpers), dict(references.objects)
    )


_counter: dict[str, int] = {}


def stable_file_name(name: str) -> str:
    """A file name for generated source, the same in every run that generates in the same order."""
    k = _counter.get(name, 0)
    _counter[name] = k + 1
    return f"<srcgrad {name}>" if k == 0 else f"<srcgrad {name} {k + 1}>"


def load(generated: Generated, function: Function) -> Callable[..., Any]:
    """Compile generated source and return its function, called with one value per parameter.

    The source stands in `linecache` under the name of its code, so that tracebacks, debuggers and
    profilers show it. What it reads from outside is fetched anew before each call.
    """
    file = stable_file_name(generated.name)
    text = generated.text
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": "srcgrad.generated", **generated.objects}
    exec(compile(text, file, "exec", dont_inherit=True), namespace)
    run = _positional(namespace[generated.name], function.signature)
    captures = captures_of(function)
    if not captures:
        return run

    def call(*args: Any) -> Any:
        for capture in captures:
            namespace[capture_name(capture.name)] = capture.read()
        return run(*args)

    return call


def captures_of(function: Function) -> list[Capture]:
    """What a function and those it calls read from outside, each once."""
    return list({c.name: c for f in functions_of(function) for c in f.captures}.values())


def _positional(made: Callable[..., Any], signature: Sequence[Parameter]) -> Callable[..., Any]:
    """`made`, called with one value per parameter, whatever the kinds of its parameters are."""
    if all(p.kind.startswith("POSITIONAL") for p in signature):
        return made
    names = [p.name for p in signature]

    def call(*values: Any) -> Any:
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for name, parameter, value in zip(names, signature, values, strict=False):
            if parameter.kind == "VAR_POSITIONAL":
                args += value
            elif parameter.kind == "VAR_KEYWORD":
                kwargs.update(value)
            elif parameter.kind == "KEYWORD_ONLY":
                kwargs[name] = value
            else:
                args.append(value)
        return made(*args, **kwargs)

    return call


def make_binder(name: str, signature: Sequence[Parameter]) -> Callable[..., tuple[Any, ...]]:
    """A function of these parameters that returns their values as a tuple.

    Python itself reports wrong counts and names, under the name of the user's function.

    >>> bind = make_binder("loss", [Parameter("w"), Parameter("b", has_default=True, default=0.5)])
    >>> bind(1.0)
    (1.0, 0.5)
    """
    defaults = {f"default_{k}": p.default for k, p in enumerate(signature)}
    parts: list[str] = []
    bare_star = True
    for k, p in enumerate(signature):
        if p.kind == "KEYWORD_ONLY" and bare_star:
            parts.append("*")
        if p.kind in ("KEYWORD_ONLY", "VAR_POSITIONAL"):
            bare_star = False
        if k and signature[k - 1].kind == "POSITIONAL_ONLY" and p.kind != "POSITIONAL_ONLY":
            parts.append("/")
        star = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(p.kind, "")
        parts.append(f"{star}{p.name}" + (f"=default_{k}" if p.has_default else ""))
    if signature and signature[-1].kind == "POSITIONAL_ONLY":
        parts.append("/")
    names = "".join(f"{p.name}, " for p in signature)
    name = name if name.isidentifier() else "function"
    text = f"def {name}({', '.join(parts)}): return ({names})"
    namespace: dict[str, Any] = dict(defaults)
    exec(compile(text, f"<srcgrad parameters of {name}>", "exec", dont_inherit=True), namespace)
    made: Callable[..., tuple[Any, ...]] = namespace[name]
    return made
