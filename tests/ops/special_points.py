"""What each rule gives at kinks, ties, zeros and poles: the conventions, as a table.

Each entry: a function, its arguments, and the cotangents of the arguments for a cotangent of ones. None
stands for an argument that is not asked about.
"""

import math
import operator

import numpy as np

from srcgrad import runtime

INF, NAN = math.inf, math.nan


def arr(*values):
    return np.array(values, dtype=float)


ZEROS = np.zeros((2, 2))

POINTS = (
    # the power is constant in its base where the exponent is 0, and in its exponent where the base is 0
    (operator.pow, (0.0, 2), (0.0, None)),
    (operator.pow, (0.0, 1), (1.0, None)),
    (operator.pow, (0.0, 0), (0.0, None)),
    (operator.pow, (0.0, 2.0), (0.0, 0.0)),
    (operator.pow, (0.0, 0.0), (0.0, 0.0)),
    (operator.pow, (-2.0, 3), (12.0, None)),
    (np.power, (arr(0, 0, 0, -1), arr(0, 1, 2, 2)), (arr(0, 1, 0, -2), None)),
    (np.power, (arr(0, 0, 0, 2), arr(0, 1, 2, 1)), (None, arr(0, 0, 0, 2 * math.log(2)))),
    (pow, (0.0, 0.0), (0.0, 0.0)),
    (math.pow, (0.0, 0.0), (0.0, 0.0)),
    (math.pow, (0.0, 2.0), (0.0, 0.0)),
    # a kink is flat
    (abs, (0.0,), (0.0,)),
    (np.abs, (arr(-2, 0, 3),), (arr(-1, 0, 1),)),
    (np.fabs, (arr(0),), (arr(0),)),
    (math.fabs, (0.0,), (0.0,)),
    (np.copysign, (arr(0, -1), arr(1, -1)), (arr(0, 1), None)),
    (math.copysign, (0.0, -1.0), (0.0, None)),
    # ties are shared
    (np.maximum, (arr(1, 2, 3), arr(2, 2, 2)), (arr(0, 0.5, 1), arr(1, 0.5, 0))),
    (np.minimum, (arr(1, 2, 3), arr(2, 2, 2)), (arr(1, 0.5, 0), arr(0, 0.5, 1))),
    (np.maximum, (arr(-1, 0, 1), 0), (arr(0, 0.5, 1), None)),
    (np.minimum, (arr(-1, 0, 1), 0.0), (arr(1, 0.5, 0), None)),
    (np.maximum, (arr(-1, 3), -INF), (arr(1, 1), None)),
    (np.maximum, (arr(INF, -INF), arr(INF, -INF)), (arr(0.5, 0.5), arr(0.5, 0.5))),
    (np.fmax, (arr(NAN, 1, 2), arr(1, NAN, 2)), (arr(0, 1, 0.5), arr(1, 0, 0.5))),
    (np.fmin, (arr(NAN, 1, 2), arr(1, NAN, 2)), (arr(0, 1, 0.5), arr(1, 0, 0.5))),
    (np.max, (arr(1, 3, 3, 2),), (arr(0, 0.5, 0.5, 0),)),
    (np.min, (arr(1, 1, 1, 2),), (arr(1, 1, 1, 0) / 3,)),
    (np.ptp, (arr(1, 3, 3, 1),), (arr(-0.5, 0.5, 0.5, -0.5),)),
    (np.median, (arr(2, 1, 2, 5),), (arr(0.5, 0, 0.5, 0),)),
    (np.sort, (arr(2, 2, 1),), (arr(1, 1, 1),)),
    # Python's own give one of their arguments, the first of equals
    (max, (2.0, 2.0), (1.0, 0.0)),
    (min, (2.0, 2.0), (1.0, 0.0)),
    (max, (2.0, NAN), (1.0, 0.0)),
    (max, (1.0, 3.0, 3.0), (0.0, 1.0, 0.0)),
    (max, ([1.0, 3.0, 3.0],), ([0.0, 1.0, 0.0],)),
    (max, (arr(1, 3, 3),), (arr(0, 1, 0),)),
    # bounds that are met let the cotangent through
    (np.clip, (arr(-1, 0, 0.5, 1, 2), 0.0, 1.0), (arr(0, 1, 1, 1, 0), 1.0, 1.0)),
    (
        np.clip,
        (arr(0, 1, 2), arr(3, 3, 3), arr(1, 1, 1)),
        (arr(0, 0, 0), arr(0, 0, 0), arr(1, 1, 1)),
    ),
    # a length is flat at the origin, a spread where all are equal
    (np.hypot, (arr(0, 3), arr(0, 4)), (arr(0, 0.6), arr(0, 0.8))),
    (math.hypot, (0.0, 0.0), (0.0, 0.0)),
    (math.dist, ([1.0, 2.0], [1.0, 2.0]), ([0.0, 0.0], [0.0, 0.0])),
    (np.linalg.norm, (arr(0, 0),), (arr(0, 0),)),
    (np.linalg.norm, (arr(0, 0), 1), (arr(0, 0), None)),
    (np.linalg.norm, (arr(0, 0), 3), (arr(0, 0), None)),
    (np.linalg.norm, (arr(2, -2, 1), INF), (arr(0.5, -0.5, 0), None)),
    (np.linalg.norm, (ZEROS,), (ZEROS,)),
    (np.linalg.norm, (ZEROS, "fro"), (ZEROS, None)),
    (np.linalg.norm, (ZEROS, INF), (ZEROS, None)),
    (np.std, (arr(2, 2, 2),), (arr(0, 0, 0),)),
    (np.var, (arr(2, 2, 2),), (arr(0, 0, 0),)),
    # products with zeros
    (np.prod, (arr(2, 0, 3),), (arr(0, 6, 0),)),
    (np.prod, (arr(2, 0, 0),), (arr(0, 0, 0),)),
    (np.prod, (arr(0),), (arr(1),)),
    (np.cumprod, (arr(2, 0, 3),), (arr(1, 8, 0),)),
    (np.cumprod, (arr(0, 0, 3),), (arr(1, 0, 0),)),
    (math.prod, ([2.0, 0.0, 3.0],), ([0.0, 6.0, 0.0],)),
    # what is smooth but divides by zero where written down carelessly
    (np.sinc, (arr(0, 1e-9),), (arr(0, -(math.pi**2) / 3 * 1e-9),)),
    (np.expm1, (arr(0),), (arr(1),)),
    (np.log1p, (arr(0),), (arr(1),)),
    (np.logaddexp, (arr(-1000, 0), arr(0, 0)), (arr(0, 0.5), arr(1, 0.5))),
    (np.logaddexp, (-INF, 0.0), (0.0, 1.0)),
    (np.logaddexp2, (-INF, 0.0), (0.0, 1.0)),
    (np.tanh, (arr(0, 400),), (arr(1, 0),)),
    (np.arctan2, (0.0, -1.0), (-1.0, 0.0)),
    (np.exp, (-INF,), (0.0,)),
    (np.reciprocal, (arr(INF),), (arr(0),)),
    (np.heaviside, (arr(-1, 0, 1), arr(0.5, 0.5, 0.5)), (None, arr(0, 1, 0))),
    # what is not a number is not counted
    (np.nansum, (arr(1, NAN, 2),), (arr(1, 0, 1),)),
    (np.nanmean, (arr(1, NAN, 2),), (arr(0.5, 0, 0.5),)),
    (np.nanmax, (arr(1, NAN, 2),), (arr(0, 0, 1),)),
    (np.nanmin, (arr(1, NAN, 2),), (arr(1, 0, 0),)),
    (np.nanvar, (arr(1, NAN, 3),), (arr(-1, 0, 1),)),
    (np.nanstd, (arr(1, NAN, 3),), (arr(-0.5, 0, 0.5),)),
    (np.nan_to_num, (arr(NAN, INF, 1),), (arr(0, 0, 1),)),
    (np.where, (np.array([True, False]), arr(1, NAN), arr(NAN, 2)), (None, arr(1, 0), arr(0, 1))),
    # tables: flat outside, the slope of the interval to the right on a place of the table
    (
        np.interp,
        (arr(-1, 0, 1, 2, 3), arr(0, 1, 2), arr(0, 1, 3)),
        (arr(0, 1, 2, 2, 0), None, None),
    ),
    # an index that occurs twice is added to twice; of what is written twice, the last stays
    (operator.getitem, (arr(1, 2, 3), [0, 0, 2]), (arr(2, 0, 1), None)),
    (np.take, (arr(1, 2, 3), [0, 0, 2]), (arr(2, 0, 1), None)),
    (runtime.setitem, (arr(1, 2, 3), [0, 0, 2], arr(5, 6, 7)), (arr(0, 1, 0), None, arr(0, 1, 1))),
    # equal eigenvalues do not turn into each other
    (np.linalg.eigvalsh, (np.eye(2),), (np.eye(2),)),
    (np.linalg.norm, (arr(0, 0), 2), (arr(0, 0), None)),
    # complex numbers: a size is flat at the origin, and its slope is the conjugate of the direction
    (abs, (0j,), (0j,)),
    (np.abs, (np.array([0, 3 + 4j]),), (np.array([0, 0.6 - 0.8j]),)),
    (np.linalg.norm, (np.array([0j, 0j]),), (np.array([0j, 0j]),)),
    (np.linalg.norm, (np.array([0j, 3j]), 1), (np.array([0, -1j]), None)),
    (np.linalg.norm, (np.array([0j, 0j]), 3), (np.array([0j, 0j]), None)),
    (np.linalg.norm, (np.array([2j, -2, 1]), INF), (np.array([-0.5j, -0.5, 0]), None)),
    (np.var, (np.array([2j, 2j]),), (np.array([0j, 0j]),)),
    (np.std, (np.array([2j, 2j]),), (np.array([0j, 0j]),)),
    (np.nanstd, (np.array([2j, NAN, 2j]),), (np.array([0j, 0j, 0j]),)),
    (np.prod, (np.array([2j, 0, 3]),), (np.array([0, 6j, 0]),)),
    (np.power, (np.array([0j, 0j, 2j]), np.array([0, 2, 2])), (np.array([0, 0, 4j]), None)),
    (np.max, (np.array([1j, 1j, -1]),), (np.array([0.5 + 0j, 0.5, 0]),)),
    (np.maximum, (np.array([1j, 2]), np.array([1j, 1])), (arr(0.5, 1), arr(0.5, 0))),
    (np.nan_to_num, (np.array([complex(NAN, 1), 2j]),), (np.array([0j, 1]),)),
    # matrices
    (np.linalg.det, (np.diag(arr(2, 3)),), (np.diag(arr(3, 2)),)),
)
