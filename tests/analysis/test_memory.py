"""What may share memory is known to, whatever function it went through."""

import copy
import operator
from dataclasses import is_dataclass

import numpy as np
import pytest
from graphs import Adjoint, function_of, param, primitive, read
from ops.cases import CASES, Case

from srcgrad import runtime
from srcgrad.analysis.memory import OUTSIDE, Memory
from srcgrad.ir.build import Builder
from srcgrad.ir.graph import CALL, Block, Function, Op, Value, map_values, values_in
from srcgrad.ir.types import PY_FLOAT, Facts, array, facts_of
from srcgrad.ops import registry
from zoo.numeric import tree_leaves

X = array("float64", (3,))


def arrays_in(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, np.ndarray)]


def sharing(case):
    """The arguments that the result shares memory with, and those that it is taken to."""
    given: dict[Value, object] = {}

    def values(part):
        if isinstance(part, list | tuple):
            return type(part)(*map(values, part)) if hasattr(part, "_fields") else type(part)(map(values, part))
        if isinstance(part, dict):
            return {k: values(v) for k, v in part.items()}
        if isinstance(part, np.ndarray) or is_dataclass(part):
            found = Value("x", facts_of(part))
            given[found] = copy.deepcopy(part)
            return found
        return part

    made = registry.find(case.function)
    args, kwargs = registry.normalize_call(made, values(case.args), values(case.kwargs))
    b = Builder()
    result = b.emit(made, args, kwargs)
    memory = Memory(function_of(b, list(given), result, donated=frozenset(given)))
    args, kwargs = map_values(given.__getitem__, (args, dict(kwargs)))
    parts = arrays_in(made.function(*args, **kwargs))
    shared = {
        v
        for v, x in given.items()
        if any(np.shares_memory(y, part) for y in arrays_in(x) for part in parts)
    }
    return shared, memory.all(result)


EXTRA = [
    Case(np.diff, (np.ones(3), 0)),
    Case(np.linalg.matrix_power, (np.eye(2), 1)),
    Case(np.nan_to_num, (np.ones(3),), {"copy": False}),
    Case(np.array, (np.ones(3),), {"copy": None}),
    Case(np.einsum, ("ij->ji", np.ones((2, 3)))),
    Case(np.einsum, ("ii->i", np.ones((2, 2)))),
    Case(np.real, (np.ones(3),)),
    Case(np.squeeze, (np.ones((1, 3)),)),
    Case(np.split, (np.ones(4), 2)),
    Case(runtime.diff_adjoint, (np.ones(3), 0)),
]


def test_no_result_shares_memory_that_is_not_known_to():
    unknown = []
    for case in CASES + EXTRA:
        if registry.find(case.function) is None or not arrays_in(case.args):
            continue
        try:
            really, memory = sharing(case)
        except Exception as error:  # a row may refuse an extra parameter
            if case not in EXTRA:
                raise AssertionError(str(case)) from error
            continue
        if OUTSIDE not in memory and not really <= memory:
            unknown.append(str(case))
    assert unknown == []
