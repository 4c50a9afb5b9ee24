"""The interface: grad, value_and_grad, vjp, with the names and meanings of JAX and autograd."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import runtime
from .errors import SrcgradError, StructureError
from .ir.types import Dim, Facts, facts_of

if TYPE_CHECKING:
    from .ir.graph import Function
    from .pipeline import Program

F = TypeVar("F", bound=Callable[..., Any])
Argnums = int | str | Sequence[int | str]


class Derivative:
    """A function that srcgrad generated from another: what `grad` and `value_and_grad` return.

    Call it like the function itself. `source` is the generated text for any numbers and arrays,
    `specialize(*args).source` the text that runs for these arguments.
    """

    __srcgrad_transform__ = True

    def __init__(
        self, function: Callable[..., Any], argnums: Argnums, *, value: bool, has_aux: bool
    ) -> None:
        if not callable(function):
            raise SrcgradError(
                f"grad differentiates a function, not {type(function).__name__!r}",
                cure="pass the function itself, not the result of calling it",
            )
        self.function = function
        self.argnums: Argnums = argnums if isinstance(argnums, int | str) else tuple(argnums)
        self.value = value
        self.has_aux = has_aux
        self._programs: dict[Any, tuple[Program, Callable[[Any], Any]]] = {}
        self._binder: Callable[..., tuple[Any, ...]] | None = None
        functools.update_wrapper(self, function, updated=())
        self.__wrapped__ = function

    # -- what it shows --------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The generated source for any numbers and arrays, as a module."""
        return self._program(None).generated.text

    @property
    def graph(self) -> Function:
        """The graph that the source was written from; it prints."""
        return self._program(None).graph

    def specialize(self, *args: Any, **kwargs: Any) -> Specialized:
        """The program that runs for arguments like these."""
        given = self._given(self._bind(args, kwargs))
        return Specialized(self._program(given))

    def save(self, path: str | Path) -> None:
        """Write the generated source as a module of its own, which needs NumPy alone.

        Raises
        ------
        SrcgradError
            If it reads a function or a value that no import reaches.
        """
        from .codegen.save import standalone

        program = self._program(None)
        Path(path).write_text(standalone(program.generated, program.graph))

    def __repr__(self) -> str:
        what = "value_and_grad" if self.value else "grad"
        name = getattr(self.function, "__name__", repr(self.function))
        return f"<{what} of {name} with respect to {self.argnums!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (self.function, self.argnums, self.value, self.has_aux))

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        bound = self.function.__get__(instance, owner)
        return Derivative(bound, self.argnums, value=self.value, has_aux=self.has_aux)

    # -- calling --------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        apply = _applier((args, kwargs))
        if apply is not None:
            return apply(self, args, kwargs)
        bound = self._bind(args, kwargs)
        given = self._given(bound)
        key = tuple(given.items())
        found = self._programs.get(key)
        if found is None or not found[0].is_current():
            program = self._program(given)
            found = self._programs[key] = (program, _finisher(given, self.argnums, program.graph))
        program, finish = found
        result = program.run(*bound)
        if self.value and self.has_aux:
            return result[0], finish(result[1])
        if self.value or self.has_aux:
            k = 1 if self.value else 0
            pair = list(result)
            pair[k] = finish(pair[k])
            return tuple(pair)
        return finish(result)

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """One value per parameter; wrong counts and names are reported as Python reports them."""
        if self._binder is None:
            from .pipeline import binder

            self._binder = binder(self.function)
        return self._binder(*args, **kwargs)

    def _given(self, bound: tuple[Any, ...]) -> dict[str, Facts]:
        symbols: dict[int, Dim] = {}
        names = self._binder.__names__  # type: ignore[union-attr]
        return {n: facts_of(v, symbols) for n, v in zip(names, bound, strict=True)}

    def _program(self, given: Mapping[str, Facts] | None) -> Program:
        from .pipeline import gradient_program

        return gradient_program(
            self.function, given, self.argnums, value=self.value, has_aux=self.has_aux
        )


class Specialized:
    """One generated program, for arguments of one kind."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.source = program.generated.text
        self.graph = program.graph

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._program.run(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<generated {self._program.generated.name}>"


def _applier(value: Any) -> Callable[..., Any] | None:
    """How a type of argument has derivatives applied to it, if one of the arguments has such a type.

    A Tensor has: it wants the value now, and the gradient when `backward()` is called.
    """
    apply: Callable[..., Any] | None = getattr(type(value), "__srcgrad_apply__", None)
    if apply is not None:
        return apply
    parts: Iterable[Any] = ()
    if isinstance(value, tuple | list):
        parts = value
    elif isinstance(value, dict):
        parts = value.values()
    elif hasattr(type(value), "__dataclass_fields__"):
        parts = [getattr(value, name) for name in value.__dataclass_fields__]
    return next((apply for part in parts if (apply := _applier(part)) is not None), None)


def _restore(
    function: Callable[..., Any], argnums: Argnums, value: bool, has_aux: bool
) -> Derivative:
    return Derivative(function, argnums, value=value, has_aux=has_aux)


def _finisher(
    given: Mapping[str, Facts], argnums: Argnums, graph: Function
) -> Callable[[Any], Any]:
    """What makes Python floats of the gradients of Python floats."""
    from .pipeline import wanted_facts

    facts = wanted_facts(graph, given, argnums)
    if isinstance(argnums, int | str):
        return _converter(facts[0])
    converters = [_converter(f) for f in facts]
    if all(c is _as_is for c in converters):
        return _as_is
    return lambda gradients: tuple(c(g) for c, g in zip(converters, gradients, strict=True))


def _as_is(gradient: Any) -> Any:
    return gradient


def _converter(facts: Facts) -> Callable[[Any], Any]:
    if facts.kind == "float" and facts.dtype is None:
        return float
    if facts.items is None or facts.kind == "object":
        return _as_is
    inner = [_converter(f) for f in facts.items]
    if all(c is _as_is for c in inner):
        return _as_is
    if facts.kind == "dict":
        keys = facts.keys or ()
        return lambda g: {k: c(g[k]) for k, c in zip(keys, inner, strict=True)}
    if facts.kind == "list":
        return lambda g: [c(x) for c, x in zip(inner, g, strict=True)]
    if facts.cls is not None and hasattr(facts.cls, "_fields"):
        return lambda g: facts.cls(*(c(x) for c, x in zip(inner, g, strict=True)))  # type: ignore
    return lambda g: tuple(c(x) for c, x in zip(inner, g, strict=True))


def _derivative(
    function: Callable[..., Any] | None, argnums: Argnums, backend: str, **options: bool
) -> Any:
    if backend != "numpy":
        raise SrcgradError(f"there is no backend {backend!r}", cure='use backend="numpy"')
    if function is None:
        return lambda f: Derivative(f, argnums, **options)
    return Derivative(function, argnums, **options)


@overload
def grad(
    function: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    backend: str = "numpy",
) -> Derivative: ...
@overload
def grad(
    function: None = None, argnums: Argnums = 0, has_aux: bool = False, backend: str = "numpy"
) -> Callable[[Callable[..., Any]], Derivative]: ...
def grad(
    function: Callable[..., Any] | None = None,
    argnums: Argnums = 0,
    has_aux: bool = False,
    backend: str = "numpy",
) -> Any:
    """The gradient of a function that returns one number, as generated NumPy source.

    Parameters
    ----------
    function : callable
        Anything that srcgrad can find the source of, or a NumPy function. Left out, `grad` is a
        decorator: `@grad`, `@grad(argnums=(0, 1))`.
    argnums : int, str, or a sequence of these
        The arguments to differentiate with respect to, by position or name. One gives the gradient
        alone, a sequence a tuple of gradients. Each is structured, shaped and typed as its argument.
    has_aux : bool
        The function returns (loss, auxiliary data), and the result is (gradient, auxiliary data).

    Raises
    ------
    UnsupportedSyntax, MissingRule, NotDifferentiable, NotScalar
        At the first call, or when the source is asked for: what stands in the way, and where.

    Examples
    --------
    >>> import numpy as np
    >>> def energy(x):
    ...     return np.sum(x**2)
    >>> grad(energy)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return _derivative(function, argnums, backend, value=False, has_aux=has_aux)


@overload
def value_and_grad(
    function: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    backend: str = "numpy",
) -> Derivative: ...
@overload
def value_and_grad(
    function: None = None, argnums: Argnums = 0, has_aux: bool = False, backend: str = "numpy"
) -> Callable[[Callable[..., Any]], Derivative]: ...
def value_and_grad(
    function: Callable[..., Any] | None = None,
    argnums: Argnums = 0,
    has_aux: bool = False,
    backend: str = "numpy",
) -> Any:
    """Like `grad`, with the value of the function beside: (value, gradient).

    With `has_aux`, ((value, auxiliary data), gradient).

    Examples
    --------
    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """
    return _derivative(function, argnums, backend, value=True, has_aux=has_aux)


class Pullback:
    """The backward program of one call of a function, to be called as often as wanted."""

    def __init__(self, program: Program, saved: Any, result: Any, places: Sequence[int | None]):
        self._program = program
        self._saved = saved
        self._result = result
        self._places = places
        self.source = program.generated.text

    def __call__(self, cotangent: Any) -> tuple[Any, ...]:
        """The cotangents of all arguments, one each; None for what has no derivative.

        Raises
        ------
        StructureError
            If the cotangent has not the structure and shapes of the function's result.
        """
        runtime.check_like(cotangent, self._result, StructureError)
        given = self._program.run(self._saved, cotangent)
        return tuple(None if k is None else given[k] for k in self._places)

    def __repr__(self) -> str:
        return f"<pullback of {self._program.generated.name.removesuffix('_backward')}>"


def vjp(function: Callable[..., Any], *primals: Any) -> tuple[Any, Pullback]:
    """The value of a function and its pullback, which takes cotangents of the result to arguments.

    Examples
    --------
    >>> import numpy as np
    >>> y, pullback = vjp(lambda x, s: s * np.sin(x), np.zeros(2), 3.0)
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 30.]), 0.0)
    """
    from .pipeline import pullback_of

    forward, backward, places = pullback_of(function, primals)
    result, saved = forward.run(*primals)
    return result, Pullback(backward, saved, result, places)


def register(
    function: Callable[..., Any], *formulas: Callable[..., Any] | None, verb: str = "elementwise"
) -> None:
    """Give a function of your own, of SciPy or of C a derivative rule.

    Parameters
    ----------
    function : callable
        Called as it is by generated code; its source is not read.
    formulas : callable or None
        One per argument, the cotangent of that argument: `lambda g, y, *arguments: ...` from the
        cotangent `g` of the result `y`, in NumPy functions that have rules themselves; None where
        nothing flows. The arguments go by the names that the function gives them.
    verb : str
        "elementwise": applied entry by entry, broadcasting, which the formulas need not undo.
        "linear": linear in the first argument, with one formula, its adjoint. "bilinear": linear in
        two. "zero": nothing flows, no formulas. "custom": anything else; each formula gives the
        shape of its argument.

    Raises
    ------
    SrcgradError
        If there is no such verb, or it takes another number of formulas.

    Examples
    --------
    >>> import numpy as np
    >>> def softplus(x):
    ...     return np.logaddexp(0.0, x)
    >>> register(softplus, lambda g, y, x: g * (1 - np.exp(-y)))
    >>> grad(softplus)(0.0)
    0.5
    """
    from .ops import registry

    registry.register(function, formulas, verb)
