"""The interface: grad, value_and_grad, vjp, with the names and meanings of JAX and autograd."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

from ..errors import SrcgradError
from ..kinds import OPERATORS, Kind, rules_changed
from .derivative import (
    Argnums,
    Derivative,
    binder_of,
    parameters_given,
    road,
    shared_programs,
)

if TYPE_CHECKING:
    from ..pipeline import Pair

__all__ = ["Argnums", "Derivative", "Pullback", "grad", "register", "value_and_grad", "vjp"]


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
    *,
    holomorphic: bool = False,
) -> Derivative: ...
@overload
def grad(
    function: None = None,
    argnums: Argnums = 0,
    has_aux: bool = False,
    backend: str = "numpy",
    *,
    holomorphic: bool = False,
) -> Callable[[Callable[..., Any]], Derivative]: ...
def grad(
    function: Callable[..., Any] | None = None,
    argnums: Argnums = 0,
    has_aux: bool = False,
    backend: str = "numpy",
    *,
    holomorphic: bool = False,
) -> Any:
    """The gradient of a function that returns one number, as generated NumPy source.

    Parameters
    ----------
    function : callable
        Anything that srcgrad can find the source of, or a NumPy function. Left out, `grad` is a
        decorator: `@grad`, `@grad(argnums=(0, 1))`.
    argnums : int, str, or a sequence of these
        The arguments to differentiate with respect to, by position or name; of a method, `self` is
        not counted. One gives the gradient alone, a sequence a tuple of gradients. Each is
        structured, shaped and typed as its argument, with None for what has no derivative in it.
    has_aux : bool
        The function returns (loss, auxiliary data), and the result is (gradient, auxiliary data).
    holomorphic : bool
        The function is holomorphic and returns a complex number; the result is its derivative. Without,
        a gradient with respect to complex numbers follows JAX: the conjugate of the direction in which
        the real result grows.

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
    return _derivative(
        function, argnums, backend, value=False, has_aux=has_aux, holomorphic=holomorphic
    )


@overload
def value_and_grad(
    function: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    backend: str = "numpy",
    *,
    holomorphic: bool = False,
) -> Derivative: ...
@overload
def value_and_grad(
    function: None = None,
    argnums: Argnums = 0,
    has_aux: bool = False,
    backend: str = "numpy",
    *,
    holomorphic: bool = False,
) -> Callable[[Callable[..., Any]], Derivative]: ...
def value_and_grad(
    function: Callable[..., Any] | None = None,
    argnums: Argnums = 0,
    has_aux: bool = False,
    backend: str = "numpy",
    *,
    holomorphic: bool = False,
) -> Any:
    """Like `grad`, with the value of the function beside: (value, gradient).

    With `has_aux`, ((value, auxiliary data), gradient).

    Examples
    --------
    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """
    return _derivative(
        function, argnums, backend, value=True, has_aux=has_aux, holomorphic=holomorphic
    )


class Pullback:
    """The backward program of one call of a function, to be called as often as wanted."""

    def __init__(self, pair: Pair, saved: Any, output: Any, count: int, star: int | None) -> None:
        self._pair = pair
        self._saved = saved
        self._output = output
        self._count = count  # how many arguments were given, and where *args are among them
        self._star = star
        self.source = pair.backward.generated.text

    def __call__(self, cotangent: Any) -> tuple[Any, ...]:
        """The cotangents of the arguments that were given, one each; None for what has no derivative.

        Raises
        ------
        StructureError
            If the cotangent has not the structure and shapes of the function's result.
        """
        from ..calls.conform import cotangent_like

        each = self._pair.pull(self._saved, cotangent_like(cotangent, self._output))
        star = self._star
        if star is not None:
            each = (*each[:star], *(each[star] or (None,) * (self._count - star)))
        return each[: self._count]

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
    from ..calls.lookup import Programs, identity_of

    if not callable(function):
        raise SrcgradError(
            f"vjp differentiates a function, not {type(function).__name__!r}",
            cure="pass the function itself, then its arguments",
        )
    bind = binder_of(function)
    passed = parameters_given(len(primals), bind.__star__)
    shared, key = shared_programs(), ("vjp", identity_of(function), passed, has_aux)
    programs = shared.get(key)
    if programs is None:
        options = {"passed": passed, "has_aux": has_aux}
        make = functools.partial(road().pullback_programs, function, **options)
        programs = Programs(bind, make)
        shared.put(key, programs)
    bound = programs.bind(*primals)
    kind = programs.key_of(bound)
    pair = programs.get(kind) or programs.made(kind, bound)
    result, saved = pair.forward.run(*bound)
    output = result[0] if has_aux else result
    pullback = Pullback(pair, saved, output, len(primals), programs.bind.__star__)
    return (output, pullback, result[1]) if has_aux else (output, pullback)


def register(
    function: Callable[..., Any],
    *formulas: Callable[..., Any] | None,
    verb: str = "elementwise",
    jvp: Callable[..., Any] | Sequence[Callable[..., Any] | None] | None = None,
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
    jvp : callable or a sequence of these and None
        Of "custom", one formula per argument for forward mode: the tangent of the result which that
        of the argument causes, from it and `y` and the arguments. Left out, forward mode is the
        adjoint of the formulas for cotangents, which are linear in `g`.

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
    from ..ops import registry

    tangents = () if jvp is None else (jvp,) if callable(jvp) else tuple(jvp)
    registry.register(function, formulas, verb, tangents)
    rules_changed()


_PARAMETERS = ("function", "argnums", "has_aux", "backend", "holomorphic")
for _function, _value in ((grad, False), (value_and_grad, True)):
    _fixed = {"argnums": 0, "value": _value, "has_aux": False, "holomorphic": False}
    OPERATORS[_function] = Kind("gradient", _PARAMETERS, _fixed, ("backend",))
OPERATORS[vjp] = None
