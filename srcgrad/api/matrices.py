"""Matrices of derivatives: jacobian, jacrev, jacfwd, hessian, and the divergence of a field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kinds import OPERATORS, Kind
from .derivative import Argnums, Transformed


class Jacobian(Transformed):
    """What `jacobian`, `jacrev` and `jacfwd` return."""

    operator = "jacobian"

    @property
    def called(self) -> str:
        return {None: "jacobian", "reverse": "jacrev", "forward": "jacfwd"}[self.options["mode"]]


class Hessian(Transformed):
    """What `hessian` returns."""

    operator = "hessian"


class Divergence(Transformed):
    """What `divergence` returns."""

    operator = "divergence"


def jacobian(function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Jacobian:
    """The matrix of the derivatives of all results of a function by all entries of its arguments.

    It is computed in one sweep that is batched over the rows, in reverse mode, or over the columns, in
    forward mode, whichever are fewer; what depends on neither is computed once.

    Parameters
    ----------
    function : callable
        Returns numbers, arrays or containers of them.
    argnums : int, str, or a sequence of these
        The arguments to differentiate with respect to, as for `grad`. For a result of shape s and an
        argument of shape t, the Jacobian has the shape s + t. It is structured as the result is, and
        in each place of it as the argument is, or as the tuple of the arguments; None stands for what
        has no derivative.
    has_aux : bool
        The function returns (result, auxiliary data), and so does the Jacobian.

    Raises
    ------
    UnsupportedSyntax, MissingRule, NotDifferentiable, StructureError
        At the first call: what stands in the way, and where.

    Examples
    --------
    >>> import numpy as np
    >>> jacobian(lambda x: np.array([x[0] * x[1], x[1] ** 2, x[0]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 6.],
           [1., 0.]])
    """
    return Jacobian(function, argnums, mode=None, has_aux=has_aux)


def jacrev(function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Jacobian:
    """`jacobian` row by row, in reverse mode: for fewer results than arguments.

    Examples
    --------
    >>> import numpy as np
    >>> jacrev(lambda x: np.array([np.sum(x), np.prod(x)]))(np.array([2.0, 3.0, 4.0]))
    array([[ 1.,  1.,  1.],
           [12.,  8.,  6.]])
    """
    return Jacobian(function, argnums, mode="reverse", has_aux=has_aux)


def jacfwd(function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Jacobian:
    """`jacobian` column by column, in forward mode: for fewer arguments than results.

    Examples
    --------
    >>> import numpy as np
    >>> jacfwd(lambda t: np.array([np.cos(t), np.sin(t)]))(0.0)
    array([-0.,  1.])
    """
    return Jacobian(function, argnums, mode="forward", has_aux=has_aux)


def hessian(function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Hessian:
    """The matrix of the second derivatives of a function of one number, forward over reverse.

    All columns are computed in one batched sweep over the gradient. For an argument of shape t, the
    Hessian has the shape t + t; for several arguments it is a tuple of tuples, for a container a
    container of containers.

    Raises
    ------
    UnsupportedSyntax, MissingRule, NotDifferentiable, NotScalar, StructureError
        At the first call: what stands in the way, and where.

    Examples
    --------
    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    return Hessian(function, argnums, has_aux=has_aux)


def divergence(function: Callable[..., Any], argnums: Argnums = 0) -> Divergence:
    """The divergence of a field: the sum of the derivatives of each result by the entry of its place.

    Raises
    ------
    UnsupportedSyntax, MissingRule, NotDifferentiable, StructureError
        At the first call: what stands in the way, and where.

    Examples
    --------
    >>> import numpy as np
    >>> divergence(lambda x: np.array([x[0] ** 2, x[0] * x[1]]))(np.array([2.0, 3.0]))
    np.float64(6.0)
    """
    return Divergence(function, argnums)


for _function, _mode in ((jacobian, None), (jacrev, "reverse"), (jacfwd, "forward")):
    _fixed = {"argnums": 0, "mode": _mode, "has_aux": False}
    OPERATORS[_function] = Kind("jacobian", ("function", "argnums", "has_aux"), _fixed)
OPERATORS[hessian] = Kind(
    "hessian", ("function", "argnums", "has_aux"), {"argnums": 0, "has_aux": False}
)
OPERATORS[divergence] = Kind("divergence")
