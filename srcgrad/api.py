"""The interface: grad, value_and_grad, vjp, with the names and meanings of JAX and autograd."""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from .errors import SrcgradError, StructureError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from .ir.graph import Function
    from .ir.types import Facts
    from .lookup import Programs, Recent
    from .pipeline import Pair, Program

Argnums = int | str | Sequence[int | str]


@functools.cache
def _road() -> ModuleType:
    """The pipeline, imported when it is first needed."""
    from . import nested, pipeline

    nested.install({grad: False, value_and_grad: True}, refused=[vjp])
    return pipeline


@functools.cache
def _shared() -> Recent[Any]:
    """The programs of the functions that were differentiated last: `grad(f)(x)` made twice is one."""
    from .lookup import Recent

    return Recent(64)


class Derivative:
    """A function that srcgrad generated from another: what `grad` and `value_and_grad` return.

    Call it like the function itself. `source` is the generated text for any numbers and arrays,
    `specialize(*args).source` the text that runs for these arguments.
    """

    __srcgrad_transform__ = True

    def __init__(
        self, function: Callable[..., Any], argnums: Argnums, *, value: bool, has_aux: bool
    ) -> None:
        if not callable(function) and not isinstance(function, staticmethod | classmethod):
            raise SrcgradError(
                f"grad takes a function, and this is an object of type {type(function).__name__!r}",
                cure="pass the function itself, not the result of calling it",
            )
        self.function = function
        self.argnums = _normal(argnums)
        self.value = value
        self.has_aux = has_aux
        self._programs: Programs[Program] | None = None
        self._binder: Callable[..., tuple[Any, ...]] | None = None
        self._bound: Recent[Derivative] | None = None
        self._home: tuple[Any, str] | None = None  # the object and the name that give it, if bound
        self._in_class: str | None = None
        functools.update_wrapper(self, function, updated=())
        self.__wrapped__ = function

    # -- what it shows --------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The generated source for any numbers and arrays, as a module."""
        return self._all_programs().general(None).generated.text

    @property
    def graph(self) -> Function:
        """The graph that the source was written from; it prints."""
        return self._all_programs().general(None).graph

    def specialize(self, *args: Any, **kwargs: Any) -> Specialized:
        """The program that runs for arguments like these."""
        given = self._given(self._bind(args, kwargs))
        return Specialized(self, self._all_programs().general(given), given)

    def save(self, path: str | Path) -> None:
        """Write the generated source as a module of its own, which needs NumPy alone.

        Classes of yours that it makes instances of, and functions that it calls without reading them,
        are imported from where they are.

        Raises
        ------
        SrcgradError
            If it reads a function or a value that no import reaches.
        """
        from pathlib import Path

        from .codegen.save import standalone

        program = self._all_programs().general(None)
        Path(path).write_text(standalone(program.generated, program.graph), encoding="utf-8")

    def __repr__(self) -> str:
        what = "value_and_grad" if self.value else "grad"
        name = getattr(self.function, "__name__", repr(self.function))
        return f"<{what} of {name} with respect to {self.argnums!r}>"

    # -- as a method, pickled, copied -----------------------------------------------------------

    def __set_name__(self, owner: type, name: str) -> None:
        self._in_class = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        get = getattr(type(self.function), "__get__", None)
        if get is None:
            return self
        from .lookup import ByIdentity, Recent

        if self._bound is None:
            self._bound = Recent(64)
        key = (ByIdentity(instance), owner)
        bound = self._bound.get(key)
        if bound is None:
            function, argnums = get(self.function, instance, owner), self.argnums
            if function is self.function and self._in_class is not None:
                argnums = _after_self(argnums)
            bound = Derivative(function, argnums, value=self.value, has_aux=self.has_aux)
            if self._in_class is not None:
                bound._home = (owner if instance is None else instance, self._in_class)
            self._bound.put(key, bound)
        return bound

    def __reduce__(self) -> Any:
        if self._home is not None:
            return getattr, self._home
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in getattr(self, "__qualname__", "").split("."):
            found = getattr(found, part, None)
        if found is self:
            return self.__qualname__
        return _restore, (self.function, self.argnums, self.value, self.has_aux)

    # -- calling --------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound = self._bind(args, kwargs)
        programs = self._programs or self._all_programs()
        key = programs.key_of(bound)
        program = programs.get(key)
        if program is None:
            apply = _applier(bound)
            if apply is not None:
                return apply(self, args, kwargs)
            program = programs.made(key, bound)
        return program.run(*bound)

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """One value per parameter; wrong counts and names are reported as Python reports them."""
        if self._binder is None:
            self._binder = _road().binder(self.function)
        return self._binder(*args, **kwargs)

    def _given(self, bound: tuple[Any, ...]) -> dict[str, Facts]:
        return self._all_programs().facts(bound)

    def _all_programs(self) -> Programs[Program]:
        if self._programs is None:
            self._programs = _programs_of(self)
        return self._programs


class Specialized:
    """One generated program, for arguments of one kind."""

    def __init__(
        self, derivative: Derivative, program: Program, given: Mapping[str, Facts]
    ) -> None:
        self._derivative = derivative
        self._program = program
        self._given = given
        self.source = program.generated.text
        self.graph = program.graph

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program.

        Raises
        ------
        StructureError
            For arguments that another program is generated for.
        """
        bound = self._derivative._bind(args, kwargs)
        given = self._derivative._given(bound)
        for name, facts in given.items():
            if facts != self._given[name]:
                raise StructureError(
                    f"this program is for {name}: {self._given[name]}, not for {name}: {facts}",
                    cure="call the derivative itself, which finds the program to run",
                )
        return self._program.run(*bound)

    def __repr__(self) -> str:
        return f"<generated {self._program.generated.name}>"


def _programs_of(derivative: Derivative) -> Programs[Program]:
    from .lookup import Programs, identity_of

    road, shared, f = _road(), _shared(), derivative.function
    options = {"value": derivative.value, "has_aux": derivative.has_aux}
    key = (identity_of(f), derivative.argnums, *options.values())
    programs: Programs[Program] | None = shared.get(key)
    if programs is None:
        derivative._binder = binder = derivative._binder or road.binder(f)
        make = functools.partial(road.gradient_program, f, argnums=derivative.argnums, **options)
        programs = Programs(binder.__names__, make)
        shared.put(key, programs)
    return programs


def _normal(argnums: Any) -> int | str | tuple[int | str, ...]:
    """`argnums` as plain numbers and names."""
    if isinstance(argnums, str):
        return argnums
    if isinstance(argnums, tuple | list | range):
        return tuple(a for each in argnums for a in [_normal(each)] if not isinstance(a, tuple))
    if not isinstance(argnums, bool) and hasattr(argnums, "__index__"):
        return operator.index(argnums)
    raise SrcgradError(
        f"argnums is {argnums!r}",
        cure="give the number or the name of an argument, or a tuple of these",
    )


def _after_self(argnums: Argnums) -> Argnums:
    """The arguments of a method, for the function it is, which takes the object, too."""
    if isinstance(argnums, str) or (isinstance(argnums, int) and argnums < 0):
        return argnums
    return argnums + 1 if isinstance(argnums, int) else tuple(map(_after_self, argnums))  # type: ignore[misc]


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

    def __init__(self, pair: Pair, saved: Any, output: Any) -> None:
        self._pair = pair
        self._saved = saved
        self._output = output
        self.source = pair.backward.generated.text

    def __call__(self, cotangent: Any) -> tuple[Any, ...]:
        """The cotangents of all arguments, one each; None for what has no derivative.

        Raises
        ------
        StructureError
            If the cotangent has not the structure and shapes of the function's result.
        """
        from .conform import cotangent_like

        return self._pair.pull(self._saved, cotangent_like(cotangent, self._output))

    def __repr__(self) -> str:
        return f"<pullback of {self._pair.backward.generated.name.removesuffix('_backward')}>"


def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of a function and its pullback, which takes cotangents of the result to arguments.

    With `has_aux`, the function returns (result, auxiliary data); the value is the result alone, and
    the auxiliary data come third.

    Raises
    ------
    UnsupportedSyntax, MissingRule, StructureError
        What stands in the way, and where.

    Examples
    --------
    >>> import numpy as np
    >>> y, pullback = vjp(lambda x, s: s * np.sin(x), np.zeros(2), 3.0)
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 30.]), 0.0)
    """
    from .lookup import Programs, identity_of

    if not callable(function):
        raise SrcgradError(
            f"vjp differentiates a function, not {type(function).__name__!r}",
            cure="pass the function itself, then its arguments",
        )
    road, shared, key = _road(), _shared(), ("vjp", identity_of(function), has_aux)
    found = shared.get(key)
    if found is None:
        make = functools.partial(road.pullback_programs, function, has_aux=has_aux)
        bind = road.binder(function)
        found = bind, Programs(bind.__names__, make)
        shared.put(key, found)
    bind, programs = found
    bound = bind(*primals)
    kind = programs.key_of(bound)
    pair = programs.get(kind) or programs.made(kind, bound)
    result, saved = pair.forward.run(*bound)
    if has_aux:
        return result[0], Pullback(pair, saved, result[0]), result[1]
    return result, Pullback(pair, saved, result)


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
