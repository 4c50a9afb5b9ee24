"""Generated source as a module of its own, which needs NumPy alone."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np

from ..errors import SrcgradError
from ..ir.graph import Function
from .load import Generated, captures_of
from .names import capture_name

LARGEST_LITERAL = 1000  # entries of a captured array that are still written out


def standalone(generated: Generated, function: Function) -> str:
    """The text with srcgrad's helpers written out, and the values that it reads from outside.

    Raises
    ------
    SrcgradError
        If the text needs an object that cannot be written down.
    """
    if generated.objects:
        name = next(iter(generated.objects))
        raise SrcgradError(
            f"{generated.name} calls {name!r}, which no import reaches, so it cannot be saved",
            function.location,
            cure="define it at the top level of an importable module",
        )
    text = re.sub(r"^from srcgrad\.runtime import .*\n\n?", "", generated.text, flags=re.MULTILINE)
    parts = [
        f"{capture_name(c.name)} = {_literal(c.name, c.read(), function)}\n"
        for c in captures_of(function)
    ]
    parts += [_source(helper) for helper in _with_callees(generated.helpers.values())]
    if not parts:
        return text
    end = _end_of_imports(text)
    head, rest = text[:end], text[end:]
    if "import numpy as np" not in head and any("np." in p for p in parts):
        head += "import numpy as np\n"
    sections = (head.strip("\n"), "\n\n".join(parts).strip("\n"), rest.lstrip("\n"))
    return "\n\n\n".join(sections)


def _end_of_imports(text: str) -> int:
    """Where the first definition begins."""
    found = re.search(r"^def ", text, flags=re.MULTILINE)
    return found.start() if found else len(text)


def _with_callees(helpers: Any) -> list[Any]:
    """Helpers with the helpers that they call."""
    from .. import runtime

    known: dict[str, Any] = {}

    def visit(helper: Any) -> None:
        if helper.__name__ not in known:
            known[helper.__name__] = helper
            for name in helper.__code__.co_names:
                inner = getattr(runtime, name, None)
                if inspect.isfunction(inner) and inner.__module__ == runtime.__name__:
                    visit(inner)

    for helper in helpers:
        visit(helper)
    return [known[name] for name in sorted(known)]


def _source(helper: Any) -> str:
    """A helper's source without its docstring and annotations of types it does not import."""
    text = inspect.getsource(helper)
    text = re.sub(r'^    """.*?"""\n', "", text, count=1, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(: Any|: type\[Exception\]| -> \w+)(?=[,)=:\s])", "", text)


def _literal(name: str, value: Any, function: Function) -> str:
    if isinstance(value, bool | int | float | complex | str | None):
        return repr(value) if not isinstance(value, np.generic) else repr(value.item())
    small = isinstance(value, np.ndarray) and value.size <= LARGEST_LITERAL
    if small and value.dtype.kind in "biufc":
        return f"np.array({value.tolist()!r}, dtype={value.dtype.name!r})"
    if isinstance(value, list | tuple):
        inner = ", ".join(_literal(name, v, function) for v in value)
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    raise SrcgradError(
        f"the value of {name!r}, which {function.name} reads from outside, cannot be written down",
        function.location,
        cure="pass it as an argument",
    )
