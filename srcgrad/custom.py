"""What users write to give a function a derivative of their own: custom_vjp, custom_jvp, grad_of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import MethodType
from typing import Any, ClassVar, TypeGuard

import numpy as np

from .errors import SrcgradError
from .kinds import rules_changed
from .runtime import zeros_like

__all__ = ["Custom", "custom_jvp", "custom_vjp", "grad_of", "is_custom"]

Nondiff = int | str | Sequence[int | str]


class Custom:
    """A function with a derivative rule of its own. Called, it is the function itself.

    `rules` are the functions that make up the rule, None or empty until they have been given.
    """

    __srcgrad_rule__ = True
    kind: ClassVar[str]
    takes: ClassVar[str]  # what gives the rule, for messages

    def __init__(
        self, function: Callable[..., Any], rules: tuple[Any, ...] | None, nondiff_argnums: Nondiff
    ) -> None:
        if not callable(function):
            raise SrcgradError(
                f"{type(self).__name__} takes a function, and this is an object of type "
                f"{type(function).__name__!r}",
                cure="pass the function itself, not the result of calling it",
            )
        given = [nondiff_argnums] if isinstance(nondiff_argnums, int | str) else nondiff_argnums
        self.function = function
        self.rules = rules
        self.nondiff_argnums = tuple(given)
        functools.update_wrapper(self, function, updated=())
        del self.__wrapped__  # type: ignore[attr-defined]  # who looks inside misses the rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __get__(self, owner: Any, cls: Any = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def __reduce__(self) -> str:
        return self.__qualname__  # type: ignore[attr-defined,no-any-return]  # as functions are

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {getattr(self, '__name__', self.function)}>"


def is_custom(function: object) -> TypeGuard[Custom]:
    """Whether a function has a derivative rule of its own."""
    return hasattr(type(function), "__srcgrad_rule__")


class custom_vjp(Custom):
    """A function whose derivative is given by a forward and a backward function.

    Where a function that is differentiated calls it, `fwd(*arguments)` is called instead, which returns
    (result, residuals), and the backward sweep calls `bwd(residuals, g)` with the cotangent of the
    result for a tuple of cotangents, one per argument, None for zero. Both are read as any other code
    is, so the generated source shows them where they are used, and are differentiated themselves for
    higher derivatives. Forward mode is the adjoint of `bwd`, which is linear in `g`; it is refused where
    `bwd` is not. Where nothing is differentiated, and in plain Python, it is the function itself.

    Parameters
    ----------
    function : callable
        Gets all arguments by position in `fwd`, as does a method `self`.
    fwd, bwd : callable
        The rule in one call; `f.defvjp(fwd, bwd)` gives it later.
    nondiff_argnums : int, str or a sequence of these
        Arguments that are not differentiated, such as functions and settings. `bwd` gets them first,
        before the residuals, and gives no cotangent for them.

    Examples
    --------
    >>> import numpy as np
    >>> import srcgrad
    >>> @srcgrad.custom_vjp
    ... def clipped(x, limit):
    ...     return x
    >>> def fwd(x, limit):
    ...     return x, limit
    >>> def bwd(limit, g):
    ...     return np.minimum(g, limit), None
    >>> clipped.defvjp(fwd, bwd)
    >>> srcgrad.grad(lambda x: clipped(x, 1.0) ** 2)(3.0)
    1.0
    """

    kind = "vjp"
    takes = "defvjp(fwd, bwd)"

    def __new__(cls, function: Any = None, *rule: Any, **options: Any) -> Any:
        if function is None:
            return lambda f: cls(f, **options)
        return super().__new__(cls)

    def __init__(
        self,
        function: Callable[..., Any],
        fwd: Callable[..., Any] | None = None,
        bwd: Callable[..., Any] | None = None,
        nondiff_argnums: Nondiff = (),
    ) -> None:
        super().__init__(function, None, nondiff_argnums)
        if fwd is not None or bwd is not None:
            self.defvjp(fwd, bwd)

    def defvjp(self, fwd: Any, bwd: Any) -> None:
        """Give the rule: what is called on the way forward, and on the way back."""
        if not callable(fwd) or not callable(bwd):
            raise SrcgradError("a rule is two functions, fwd and bwd", cure="give both")
        self.rules = (fwd, bwd)
        rules_changed()


class custom_jvp(Custom):
    """A function whose derivative is given by a function of primals and tangents.

    The rule `f_jvp(primals, tangents)` gets two tuples, with one entry per argument, and returns the
    result and its tangent, which is linear in the tangents. Reverse mode is the adjoint of the tangent.
    The rule is read as any other code is, and differentiated itself for higher derivatives. Where
    nothing is differentiated, and in plain Python, it is the function itself.

    Parameters
    ----------
    function : callable
    nondiff_argnums : int, str or a sequence of these
        Arguments that are not differentiated. The rule gets them first: f_jvp(*nondiff, primals,
        tangents).
    jvp : callable
        The rule in one call; `@f.defjvp` or `f.defjvps` gives it later.

    Examples
    --------
    >>> import numpy as np
    >>> import srcgrad
    >>> @srcgrad.custom_jvp
    ... def softplus(x):
    ...     return np.logaddexp(0.0, x)
    >>> @softplus.defjvp
    ... def softplus_jvp(primals, tangents):
    ...     (x,), (x_dot,) = primals, tangents
    ...     y = softplus(x)
    ...     return y, (1 - np.exp(-y)) * x_dot
    >>> srcgrad.grad(softplus)(0.0), srcgrad.grad(srcgrad.grad(softplus))(0.0)
    (0.5, 0.25)
    """

    kind = "jvp"
    takes = "defjvp(rule)"

    def __new__(cls, function: Any = None, *rule: Any, **options: Any) -> Any:
        if function is None:
            return lambda f: cls(f, **options)
        return super().__new__(cls)

    def __init__(
        self,
        function: Callable[..., Any],
        nondiff_argnums: Nondiff = (),
        jvp: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(function, None, nondiff_argnums)
        if jvp is not None:
            self.defjvp(jvp)

    def defjvp(self, jvp: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule. Returns it, so that it may be used as a decorator."""
        if not callable(jvp):
            raise SrcgradError("a rule is a function of primals and tangents", cure="pass one")
        self.kind = "jvp"  # type: ignore[misc]
        self.rules = (jvp,)
        rules_changed()
        return jvp

    def defjvps(self, *formulas: Callable[..., Any] | None) -> None:
        """Give the tangent that each argument causes: `lambda x_dot, y, *arguments: ...`, or None."""
        if not all(f is None or callable(f) for f in formulas):
            raise SrcgradError("defjvps takes one function per argument, or None")
        self.kind = "jvps"  # type: ignore[misc]
        self.rules = formulas
        rules_changed()


@contextmanager
def grad_of(x: Any) -> Iterator[Any]:
    """The cotangent of `x`, to be looked at or changed in the backward sweep.

    The block runs in the backward sweep, where the cotangent of `x` is complete as far as the uses of
    `x` after the block go. It may read other names of the function, and rebind its own; what it leaves
    in its own is the cotangent from there on. In plain Python, and where nothing is differentiated, the
    block changes nothing: it runs with zeros like `x`, or not at all. Forward mode leaves it out.

    Examples
    --------
    >>> import numpy as np
    >>> import srcgrad
    >>> def loss(x):
    ...     h = x**3
    ...     with srcgrad.grad_of(h) as d_h:
    ...         d_h = np.clip(d_h, -1, 1)
    ...     return 10 * h
    >>> srcgrad.grad(loss)(1.0)
    3.0
    """
    yield np.zeros_like(x) if isinstance(x, np.ndarray) else zeros_like(x)


grad_of.__srcgrad_grad_of__ = True  # type: ignore[attr-defined]
