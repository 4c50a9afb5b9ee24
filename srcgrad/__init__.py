"""srcgrad differentiates NumPy programs ahead of time: source in, the source of the gradient out."""

from .api.matrices import divergence, hessian, jacfwd, jacobian, jacrev
from .api.products import elementwise_grad, gauss_newton_product, hvp
from .api.pushforward import jvp, linearize
from .api.reverse import grad, register, value_and_grad, vjp
from .api.sparse import sparse_hessian, sparse_jacobian
from .api.vmapping import vmap
from .custom import custom_jvp, custom_vjp, grad_of
from .errors import (
    MissingRule,
    NotDifferentiable,
    NotScalar,
    SourceNotFound,
    SrcgradError,
    StructureError,
    UnknownAlias,
    UnsupportedSyntax,
)
from .implicit import custom_root, fixed_point
from .runtime import stop_gradient
from .runtime.checkpoints import checkpoint, checkpointed
from .tensor import (
    Tensor,
    TensorError,
    arange,
    dot,
    enable_grad,
    eye,
    full,
    is_grad_enabled,
    linspace,
    manual_seed,
    no_grad,
    ones,
    ones_like,
    rand,
    randn,
    tensor,
    zeros,
    zeros_like,
)

__version__ = "0.1.0"

__all__ = [
    "MissingRule",
    "NotDifferentiable",
    "NotScalar",
    "SourceNotFound",
    "SrcgradError",
    "StructureError",
    "Tensor",
    "TensorError",
    "UnknownAlias",
    "UnsupportedSyntax",
    "__version__",
    "arange",
    "checkpoint",
    "checkpointed",
    "custom_jvp",
    "custom_root",
    "custom_vjp",
    "divergence",
    "dot",
    "elementwise_grad",
    "enable_grad",
    "eye",
    "fixed_point",
    "full",
    "gauss_newton_product",
    "grad",
    "grad_of",
    "hessian",
    "hvp",
    "is_grad_enabled",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "linspace",
    "manual_seed",
    "no_grad",
    "ones",
    "ones_like",
    "rand",
    "randn",
    "register",
    "sparse_hessian",
    "sparse_jacobian",
    "stop_gradient",
    "tensor",
    "value_and_grad",
    "vjp",
    "vmap",
    "zeros",
    "zeros_like",
]
