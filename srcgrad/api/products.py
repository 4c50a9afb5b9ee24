"""Products with derivatives: hvp, gauss_newton_product, elementwise_grad; no matrix is ever formed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import StructureError
from ..kinds import OPERATORS, Kind
from .derivative import Argnums, Transformed

if TYPE_CHECKING:
    from ..calls.lookup import Binder
    from ..ir.types import Facts


class Product(Transformed):
    """A function of the arguments of another and of a vector, shaped as some of them are."""

    def rebound(self, binder: Binder) -> Binder:
        return WithVector(binder, self.called)

    def inner(self, given: Mapping[str, Facts] | None) -> Mapping[str, Facts] | None:
        if given is None:
            return None
        names = self._all_programs().names
        vector = names[_end(self._all_programs().bind)]
        return {name: facts for name, facts in given.items() if name != vector}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from ..calls.conform import tangent_like
        from ..calls.lookup import picked

        programs = self._programs or self._all_programs()
        bound = list(programs.bind(*args, **kwargs))
        at = _end(programs.bind)
        vector = bound.pop(at)
        binder = programs.bind
        assert isinstance(binder, WithVector)
        wanted = picked(self.argnums, binder.binder, bound)
        fitted = tangent_like(vector, wanted, "the vector", "the vector")
        bound.insert(at, fitted)
        key = programs.key_of(tuple(bound))
        program = programs.get(key) or programs.made(key, tuple(bound))
        return program.run(*bound)


class WithVector:
    """Binds the arguments of a call, and a vector: the last one given by position, or by its name."""

    def __init__(self, binder: Binder, called: str) -> None:
        self.binder = binder
        self.called = called
        name = "v"
        while name in binder.__names__:
            name += "_"
        self.name = name
        self.__end__ = binder.__end__ + 1
        self.__star__ = binder.__star__
        names = binder.__names__
        self.__names__ = (*names[: binder.__end__], name, *names[binder.__end__ :])

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        if self.name in kwargs:
            vector = kwargs.pop(self.name)
        elif args:
            *args, vector = args  # type: ignore[assignment]
        else:
            raise StructureError(
                f"{self.called} is called without a vector",
                cure=f"give the vector last, after the arguments, or by its name: {self.name}=...",
            )
        bound = self.binder(*args, **kwargs)
        at = self.binder.__end__
        return (*bound[:at], vector, *bound[at:])


def _end(binder: Any) -> int:
    """Where the vector is among the parameters."""
    return int(binder.__end__) - 1


class HessianProduct(Product):
    """What `hvp` returns."""

    operator = "hessian product"
    called = "hvp"


class GaussNewtonProduct(Product):
    """What `gauss_newton_product` returns."""

    operator = "gauss_newton product"
    called = "gauss_newton_product"


class ElementwiseGradient(Transformed):
    """What `elementwise_grad` returns."""

    operator = "elementwise gradient"
    called = "elementwise_grad"


def hvp(function: Callable[..., Any], argnums: Argnums = 0) -> HessianProduct:
    """The product of the Hessian of a function of one number with a vector, which is given last.

    Forward over reverse mode: about the cost of two gradients, and no matrix. To multiply many vectors
    at one point, `linearize(grad(f), x)` does what does not depend on the vector only once.

    Parameters
    ----------
    function : callable
        Returns one number.
    argnums : int, str, or a sequence of these
        The arguments by which the Hessian is taken, as for `grad`. The vector is structured and shaped
        as that argument is, or as the tuple of these arguments; so is the product. It is called `v`
        where it is given by keyword.

    Raises
    ------
    UnsupportedSyntax, MissingRule, NotDifferentiable, NotScalar, StructureError
        At the first call: what stands in the way, and where.

    Examples
    --------
    >>> import numpy as np
    >>> def f(x):
    ...     return np.sum(x**3)
    >>> hvp(f)(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    return HessianProduct(function, argnums)


def gauss_newton_product(
    function: Callable[..., Any],
    loss: Callable[..., Any] | None = None,
    argnums: Argnums = 0,
) -> GaussNewtonProduct:
    """The product of the Gauss-Newton matrix of a model and a loss with a vector, which is given last.

    That is J' H J v, where J is the Jacobian of the model and H the Hessian of the loss at the model's
    result: positive semidefinite wherever the loss is convex (Schraudolph 2002, Neural Computation 14).

    Parameters
    ----------
    function : callable
        The model; it returns numbers, arrays or containers of them.
    loss : callable, optional
        Takes the model's result to one number. Left out, half the sum of squares: H is the identity.
    argnums : int, str, or a sequence of these
        The arguments by which the Jacobian is taken, as for `hvp`.

    Raises
    ------
    UnsupportedSyntax, MissingRule, NotDifferentiable, NotScalar, StructureError
        At the first call: what stands in the way, and where.

    Examples
    --------
    >>> import numpy as np
    >>> model = lambda w: np.array([w[0] * w[1], w[1]])
    >>> gauss_newton_product(model)(np.array([2.0, 3.0]), np.array([1.0, 0.0]))
    array([9., 6.])
    """
    return GaussNewtonProduct(function, argnums, loss=loss)


def elementwise_grad(function: Callable[..., Any], argnums: Argnums = 0) -> ElementwiseGradient:
    """The derivative of a function that is applied entry by entry, in each entry.

    It is the gradient of the sum of all entries of the result, so it says nothing of a function that
    mixes entries: for those there is `jacobian`.

    Raises
    ------
    UnsupportedSyntax, MissingRule, NotDifferentiable, StructureError
        At the first call: what stands in the way, and where.

    Examples
    --------
    >>> import numpy as np
    >>> elementwise_grad(np.tanh)(np.array([0.0, 100.0]))
    array([1., 0.])
    """
    return ElementwiseGradient(function, argnums)


OPERATORS[hvp] = Kind("hessian product")
OPERATORS[gauss_newton_product] = Kind(
    "gauss_newton product", ("function", "loss", "argnums"), {"argnums": 0, "loss": None}
)
OPERATORS[elementwise_grad] = Kind("elementwise gradient")
