"""Rules of the elementwise functions: NumPy's ufuncs and Python's operators."""

from __future__ import annotations

import operator

import numpy as np

from .registry import elementwise, zero

elementwise((operator.add, np.add), lambda g, z, x1, x2: g, lambda g, z, x1, x2: g)
elementwise((operator.sub, np.subtract), lambda g, z, x1, x2: g, lambda g, z, x1, x2: -g)
elementwise((operator.mul, np.multiply), lambda g, z, x1, x2: g * x2, lambda g, z, x1, x2: g * x1)
elementwise(
    (operator.truediv, np.divide),
    lambda g, z, x1, x2: g / x2,
    lambda g, z, x1, x2: -g * z / x2,
)
elementwise((operator.neg, np.negative), lambda g, y, x: -g)
elementwise(np.exp, lambda g, y, x: g * y)
elementwise(np.log, lambda g, y, x: g / x)
elementwise(np.sin, lambda g, y, x: g * np.cos(x))
elementwise(np.cos, lambda g, y, x: -g * np.sin(x))

zero((operator.lt, operator.gt, operator.le, operator.ge, operator.eq, operator.ne))
