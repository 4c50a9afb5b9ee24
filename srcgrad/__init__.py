"""srcgrad differentiates NumPy programs ahead of time: source in, the source of the gradient out."""

from .api import grad, register, value_and_grad, vjp
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
from .runtime import stop_gradient

__version__ = "0.1.0"

__all__ = [
    "MissingRule",
    "NotDifferentiable",
    "NotScalar",
    "SourceNotFound",
    "SrcgradError",
    "StructureError",
    "UnknownAlias",
    "UnsupportedSyntax",
    "__version__",
    "grad",
    "register",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
