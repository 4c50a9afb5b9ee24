"""Which graph transform each operator is, by name."""

from __future__ import annotations

from collections.abc import Callable

from ..ir.graph import Function
from .gradients import (
    elementwise_gradient_of,
    gauss_newton_product_of,
    hessian_product_of,
    plain_gradient_of,
)
from .jacobians import divergence_of, hessian_of, jacobian_of

Transform = Callable[..., Function]

TRANSFORMS: dict[str, Transform] = {
    "gradient": plain_gradient_of,
    "hessian product": hessian_product_of,
    "gauss_newton product": gauss_newton_product_of,
    "elementwise gradient": elementwise_gradient_of,
    "jacobian": jacobian_of,
    "hessian": hessian_of,
    "divergence": divergence_of,
}

# Operators whose result is called with a vector after the arguments.
VECTOR_LAST = frozenset({"hessian product", "gauss_newton product"})
# Operators that are taken of one number.
OF_ONE_NUMBER = frozenset({"gradient", "hessian product", "hessian"})
# Operators of which the result looks like the arguments that it is asked for.
LIKE_ARGUMENTS = frozenset({"hessian product", "gauss_newton product", "elementwise gradient"})
