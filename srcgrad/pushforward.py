"""jvp and linearize: values with their tangents, as generated NumPy source."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .derivative import road, shared_programs
from .errors import SrcgradError, StructureError
from .kinds import OPERATORS

if TYPE_CHECKING:
    from .lookup import Binder
    from .pipeline import Pair, Program


def jvp(
    function: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    has_aux: bool = False,
) -> Any:
    """The value of a function and its tangent: the derivative along `tangents`, in forward mode.

    Costs about as much as the function itself, whatever the number of its results.

    Parameters
    ----------
    function : callable
        Returns numbers, arrays or containers of them.
    primals : sequence
        The arguments.
    tangents : sequence
        One per argument, structured and shaped like it; None for an argument that stays constant, and in
        it for what has no derivative.
    has_aux : bool
        The function returns (result, auxiliary data), and the auxiliary data come third.

    Raises
    ------
    UnsupportedSyntax, MissingRule, NotDifferentiable, StructureError
        What stands in the way, and where.

    Examples
    --------
    >>> import numpy as np
    >>> jvp(lambda x, s: s * np.sin(x), (np.zeros(2), 3.0), (np.array([1.0, 10.0]), None))
    (array([0., 0.]), array([ 3., 30.]))
    """
    from .conform import tangent_of

    program, bound, dots = _tangent_program(function, primals, tangents, has_aux)
    y, y_dot, *aux = program.run(*bound, *dots)
    return (y, tangent_of(y, y_dot), *aux)


def _tangent_program(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool
) -> tuple[Program, tuple[Any, ...], list[Any]]:
    from .lookup import Programs, identity_of

    _check_call("jvp", function, primals, tangents)
    bind = _binder(function)
    bound, names = bind(*primals), bind.__names__
    given = per_parameter(tangents, names, bind.__star__)
    places, dots = _moving(names, bound, given)
    shared, key = shared_programs(), ("jvp", identity_of(function), has_aux, places)
    programs = shared.get(key)
    if programs is None:
        make = functools.partial(road().tangent_program, function, places=places, has_aux=has_aux)
        programs = Programs(bind, make)
        shared.put(key, programs)
    kind = programs.key_of(bound)
    return programs.get(kind) or programs.made(kind, bound), bound, dots


def _check_function(name: str, function: Any) -> None:
    if not callable(function):
        raise SrcgradError(
            f"{name} differentiates a function, not {type(function).__name__!r}",
            cure="pass the function itself, then its arguments",
        )


def _check_call(name: str, function: Any, primals: Any, tangents: Any) -> None:
    _check_function(name, function)
    for what, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple | list):
            raise StructureError(
                f"the {what} of {name} are a tuple, one per argument, not {type(given).__name__!r}",
                cure=f"for one argument, write ({what[:-1]},)",
            )
    if len(primals) != len(tangents):
        raise StructureError(
            f"{name} was given {len(primals)} primals and {len(tangents)} tangents",
            cure="give one tangent per argument, None for one that stays constant",
        )


@functools.lru_cache(maxsize=256)
def _binder_of(key: Any) -> Any:
    return road().binder(key.function)


class _Key:
    """A function as a key of the table of binders: itself, whatever `==` says."""

    def __init__(self, function: Callable[..., Any]) -> None:
        from .lookup import identity_of

        self.function = function
        self.identity = identity_of(function)

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.identity == other.identity


def _binder(function: Callable[..., Any]) -> Any:
    return _binder_of(_Key(function))


def per_parameter(given: Sequence[Any], names: Sequence[str], star: int | None) -> tuple[Any, ...]:
    """One tangent per parameter, of what was given for each positional argument.

    Parameters that were left to their defaults stay constant.
    """
    each = list(given) if star is None else [*given[:star], tuple(given[star:])]
    return (*each, *[None] * (len(names) - len(each)))


def _moving(
    names: Sequence[str], bound: Sequence[Any], given: Sequence[Any]
) -> tuple[tuple[int, ...], list[Any]]:
    """Which parameters have tangents, and these in the types of the arguments."""
    from .conform import tangent_like

    places, dots = [], []
    for k, (name, primal, dot) in enumerate(zip(names, bound, given, strict=True)):
        if dot is None or (isinstance(dot, tuple) and dot and all(d is None for d in dot)):
            continue
        fitted = tangent_like(dot, primal, name)
        if fitted is not None:
            places.append(k)
            dots.append(fitted)
    return tuple(places), dots


class Pushforward:
    """A function linearized at one point, to be applied to as many tangents as wanted."""

    def __init__(
        self, pair: Pair, saved: Any, output: Any, primals: tuple[Any, ...], binder: Binder
    ) -> None:
        self._pair = pair
        self._saved = saved
        self._output = output
        self._primals = primals  # one per parameter
        self._binder = binder
        self.source = pair.backward.generated.text

    def __call__(self, *tangents: Any) -> Any:
        """The tangent of the result along one tangent per argument, None for one that stays constant.

        Raises
        ------
        StructureError
            If a tangent has not the structure and the shapes of its argument.
        """
        from .conform import full_tangent, tangent_of

        names = self._binder.__names__
        given = per_parameter(tangents, names, self._binder.__star__)
        if len(given) > len(names):
            raise StructureError(
                f"{len(tangents)} tangents were given for {len(names)} arguments",
                cure="give one tangent per argument, None for one that stays constant",
            )
        dots = [full_tangent(t, x, n) for t, x, n in zip(given, self._primals, names, strict=True)]
        return tangent_of(self._output, self._pair.pull(self._saved, dots))

    def __repr__(self) -> str:
        return f"<pushforward of {self._pair.backward.generated.name.removesuffix('_linear')}>"


def linearize(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of a function and its pushforward, which takes tangents of arguments to the result.

    What does not depend on the tangents is computed once. So `linearize(grad(f), x)` is the gradient and
    a function that multiplies by the Hessian at x, as often as wanted, without running f again.

    With `has_aux`, the function returns (result, auxiliary data), and the auxiliary data come third.

    Raises
    ------
    UnsupportedSyntax, MissingRule, NotDifferentiable, StructureError
        What stands in the way, and where.

    Examples
    --------
    >>> import numpy as np
    >>> y, pushforward = linearize(lambda x: np.sin(x) * x, np.array([0.0, np.pi]))
    >>> pushforward(np.array([1.0, 1.0])).round(6)
    array([ 0.      , -3.141593])
    """
    from .lookup import Programs, identity_of

    _check_function("linearize", function)
    shared, key = shared_programs(), ("linearize", identity_of(function), has_aux)
    programs = shared.get(key)
    if programs is None:
        make = functools.partial(road().linear_programs, function, has_aux=has_aux)
        programs = Programs(road().binder(function), make)
        shared.put(key, programs)
    bound = programs.bind(*primals)
    kind = programs.key_of(bound)
    pair = programs.get(kind) or programs.made(kind, bound)
    result, saved = pair.forward.run(*bound)
    output = result[0] if has_aux else result
    pushforward = Pushforward(pair, saved, output, bound, programs.bind)
    return (output, pushforward, result[1]) if has_aux else (output, pushforward)


__all__ = ["Pushforward", "jvp", "linearize"]

OPERATORS.update({jvp: None, linearize: None})
