"""custom_vjp and custom_jvp of functions that are defined inside the one that is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..custom import Custom, custom_jvp, custom_vjp
from .core import BUILTINS, Lowerer
from .rules import Spec, call_ruled
from .symbols import Partial, Symbol


def _ruled(*args: Any) -> None:
    """Stands for a function with a rule that is defined inside the one that is read."""
    raise TypeError("this is never run")


def _maker(cls: type[Custom], names: tuple[str, ...], kind: str) -> Callable[..., Symbol]:
    def make(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
        order: tuple[str, ...] = ("function", "fwd", "bwd", "nondiff_argnums")
        if kind == "jvp":
            order = ("function", "nondiff_argnums", "jvp")
        given = {**dict(zip(order, args, strict=False)), **kwargs}
        if "function" not in given and not args:
            return Partial(cls, (), given)
        if not {"function", *names} <= given.keys() <= set(order):
            low.refuse(
                f"inside a function that is differentiated, {cls.__name__} takes the function and "
                "its rule in one call",
                cure=f"write {cls.__name__}(f, {', '.join(f'{n}=...' for n in names)}), or define "
                "it outside",
            )
        nondiff = given.get("nondiff_argnums", ())
        nondiff = nondiff if isinstance(nondiff, tuple | list) else (nondiff,)
        rules = tuple(given[n] for n in names)
        return Partial(_ruled, (given["function"], kind, rules, tuple(nondiff)), {})

    return make


def _call_ruled(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    function, kind, rules, nondiff, *rest = args
    code = getattr(function, "code", None)
    name = str(getattr(code, "name", None) or getattr(function, "__name__", "function"))
    itself = Partial(_ruled, (function, kind, rules, nondiff), {})
    return call_ruled(
        low, Spec(function, name, function, kind, rules, nondiff, itself), rest, kwargs
    )


BUILTINS[custom_vjp] = _maker(custom_vjp, ("fwd", "bwd"), "vjp")
BUILTINS[custom_jvp] = _maker(custom_jvp, ("jvp",), "jvp")
BUILTINS[_ruled] = _call_ruled
