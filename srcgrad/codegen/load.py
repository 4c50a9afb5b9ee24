"""A module's text from a graph, a callable from the text: the only place that executes code."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from types import FunctionType
from typing import Any
from weakref import finalize

from ..autodiff.reverse import seed_position
from ..ir.graph import Capture, Function, Parameter
from .copies import settle
from .emit import Emitter, functions_of
from .names import shared_names
from .operations import References
from .unparse import BlankLine, Comment, unparse


@dataclass(frozen=True, slots=True)
class Generated:
    """A generated module: its text, and what must be in its namespace for it to run.

    `helpers` are imported from srcgrad's run time; `objects` no import reaches; `captures` are read
    from outside. All three by the names that they have in the text.
    """

    text: str
    name: str
    helpers: Mapping[str, Any]
    objects: Mapping[str, Any]
    captures: Mapping[str, Capture]


def generate(function: Function, header: Sequence[str] = ()) -> Generated:
    """Write a function, with the functions it calls, as a module.

    What it reads from outside stands in it by name; `load` fetches that, `save` writes it down.
    """
    functions = [settle(f) for f in functions_of(function)]
    shared = shared_names(function, functions[:-1])
    taken = {*shared.called.values(), *shared.outside.values()}
    references = References(taken.__contains__)
    emitters = [Emitter(f, references, shared) for f in functions]
    for emitter in emitters:
        taken |= {*emitter.names.names.values(), emitter.names.flag, emitter.names.unread}
    names = [*(shared.called[f.name] for f in functions[:-1]), function.name]
    definitions: list[ast.stmt] = [
        emitter.definition(name) for emitter, name in zip(emitters, names, strict=True)
    ]
    body: list[ast.stmt] = [Comment(line) for line in header]
    for line in sorted(references.imports, key=lambda text: (text.startswith("from"), text)):
        body += ast.parse(line).body
    if references.helpers:
        imported = [
            ast.alias(helper.__name__, None if name == helper.__name__ else name)
            for name, helper in sorted(references.helpers.items())
        ]
        if references.imports:
            body.append(BlankLine())
        body.append(ast.ImportFrom("srcgrad.runtime", imported, 0))
    module = ast.Module([*body, *definitions], [])
    return Generated(
        unparse(module),
        function.name,
        dict(references.helpers),
        dict(references.objects),
        dict(shared.captures),
    )


_counter: dict[str, int] = {}
_counting = Lock()


def stable_file_name(name: str) -> str:
    """A file name for generated source, the same in every run that generates in the same order."""
    with _counting:
        k = _counter[name] = _counter.get(name, 0) + 1
    return f"<srcgrad {name}>" if k == 1 else f"<srcgrad {name} {k}>"


def load(generated: Generated, function: Function) -> Callable[..., Any]:
    """Compile generated source and return its function, called with one value per parameter.

    The source stands in `linecache` under the name of its code, for as long as the function lives, so
    that tracebacks, debuggers and profilers show it. What it reads from outside is fetched anew before
    each call.
    """
    file = stable_file_name(generated.name)
    text = generated.text
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": "srcgrad.generated", **generated.objects}
    exec(compile(text, file, "exec", dont_inherit=True), namespace)
    main = namespace[generated.name]
    finalize(main.__code__, linecache.cache.pop, file, None).atexit = False
    if generated.captures:
        main = _reading(namespace, generated.name, generated.captures)
    return _adapted(main, function.signature)


def _reading(
    namespace: dict[str, Any], name: str, captures: Mapping[str, Capture]
) -> Callable[..., Any]:
    """The function `name` of a namespace, run with what `captures` read at the time of each call.

    A namespace that a call may be running in is never changed: where something has another value than
    at the last call, the functions get a new one. So threads do not meet, and nothing that a program
    reads from outside changes under it half way.
    """
    names, readers = list(captures), [c.read for c in captures.values()]
    functions = {
        k: f
        for k, f in namespace.items()
        if isinstance(f, FunctionType) and f.__globals__ is namespace
    }
    last: tuple[list[Any], Callable[..., Any]] = ([], namespace[name])

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal last
        now = [read() for read in readers]
        before, run = last
        if len(before) != len(now) or any(a is not b for a, b in zip(before, now, strict=True)):
            fresh = {**namespace, **dict(zip(names, now, strict=True))}
            for key, f in functions.items():
                fresh[key] = FunctionType(f.__code__, fresh, f.__name__, f.__defaults__)
                fresh[key].__kwdefaults__ = f.__kwdefaults__
            run = fresh[name]
            last = now, run
        return run(*args, **kwargs)

    return call


def _adapted(made: Callable[..., Any], signature: Sequence[Parameter]) -> Callable[..., Any]:
    """`made`, called with one value per parameter, whatever the kinds of its parameters are.

    The cotangent of the result keeps its default.
    """
    if all(p.kind.startswith("POSITIONAL") for p in signature):
        return made
    at = seed_position(signature)

    def call(*values: Any) -> Any:
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        given = iter(values)
        whole = len(values) == len(signature)
        for k, parameter in enumerate(signature):
            if k == at and not whole:
                continue
            value = next(given)
            if parameter.kind == "VAR_POSITIONAL":
                args += value
            elif parameter.kind == "VAR_KEYWORD":
                kwargs.update(value)
            elif parameter.kind == "KEYWORD_ONLY":
                kwargs[parameter.name] = value
            else:
                args.append(value)
        return made(*args, **kwargs)

    return call


def make_binder(
    name: str, signature: Sequence[Parameter], returned: Sequence[str]
) -> Callable[..., tuple[Any, ...]]:
    """A function of these parameters that returns the values of those named in `returned`.

    Python itself reports wrong counts and names, under the (qualified) name of the user's function.

    >>> parameters = [Parameter("w"), Parameter("b", has_default=True, default=0.5)]
    >>> make_binder("loss", parameters, ["w", "b"])(1.0)
    (1.0, 0.5)
    """
    defaults = {f"default_{k}": p.default for k, p in enumerate(signature)}
    parts: list[str] = []
    bare_star = True
    for k, p in enumerate(signature):
        if k and signature[k - 1].kind == "POSITIONAL_ONLY" and p.kind != "POSITIONAL_ONLY":
            parts.append("/")
        if p.kind == "KEYWORD_ONLY" and bare_star:
            parts.append("*")
        if p.kind in ("KEYWORD_ONLY", "VAR_POSITIONAL"):
            bare_star = False
        star = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(p.kind, "")
        parts.append(f"{star}{p.name}" + (f"=default_{k}" if p.has_default else ""))
    if signature and signature[-1].kind == "POSITIONAL_ONLY":
        parts.append("/")
    names = "".join(f"{name}, " for name in returned)
    text = f"def bind({', '.join(parts)}): return ({names})"
    namespace: dict[str, Any] = dict(defaults)
    exec(compile(text, f"<srcgrad parameters of {name}>", "exec", dont_inherit=True), namespace)
    made: FunctionType = namespace["bind"]
    made.__qualname__ = name  # what Python's own messages say
    return made
