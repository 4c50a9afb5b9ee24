"""Small graphs for the tests of the stages: read from functions, differentiated, run both ways."""

import numpy as np

from srcgrad.autodiff.reverse import Wanted, gradient
from srcgrad.codegen.load import generate, load
from srcgrad.ir.build import Builder
from srcgrad.ir.graph import CONTROL, Function, Parameter, Value, walk
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import UNKNOWN, facts_of
from srcgrad.ir.verify import verify
from srcgrad.ops import registry
from srcgrad.pipeline import primal


def primitive(function):
    """The primitive of a function."""
    found = registry.find(function)
    assert found is not None, function
    return found


class Adjoint(Builder):
    """A builder of adjoint ops that takes functions for primitives: `b(np.sin, x)`."""

    def __init__(self, adjoint=True):
        super().__init__(adjoint=adjoint)

    def __call__(self, function, *args, hint=None, facts=None, **kwargs):
        return self.emit(primitive(function), args, kwargs, hint=hint, facts=facts)


def param(hint, facts=UNKNOWN):
    """A parameter, or any other value that no op makes."""
    return Value(hint, facts)


def function_of(builder, params, result, **kwargs):
    """The function that a builder's ops make, verified."""
    signature = tuple(Parameter(p.hint) for p in params)
    return verify(Function("f", signature, builder.block(params, (result,)), **kwargs))


def read(function, *args):
    """The graph of a function, specialised to these arguments; before any call if there are none."""
    if not args:
        return verify(primal(function, None))
    symbols = {}
    names = function.__code__.co_varnames
    given = {n: facts_of(v, symbols) for n, v in zip(names, args, strict=False)}
    return verify(primal(function, given))


def derive(function, *args, argnums=0, value=False):
    """The gradient of a function, not yet optimised."""
    single = isinstance(argnums, int)
    wanted = [Wanted(k) for k in ([argnums] if single else argnums)]
    graph = function if isinstance(function, Function) else read(function, *args)
    return verify(gradient(graph, wanted, single=single, value=value))


def seeded(function, *args):
    """What a gradient's graph gives for the cotangent that it takes by default, which is one."""
    return interpret(function, [*args, function.signature[-1].default])


def text_of(function):
    """The generated source, without imports and heading."""
    text = generate(function).text
    return text[text.index(f"def {function.name}(") :]


def run(function, *args):
    """What the generated source gives."""
    return load(generate(function), function)(*args)


def names_of(function, *, adjoint=None):
    """The primitives of a function's ops, blocks included, in order."""
    return [
        op.primitive.name for op in walk(function.body) if adjoint is None or op.adjoint is adjoint
    ]


def find(function, *primitives):
    """The ops of a function that have one of these primitives, or call one of these functions."""
    return [
        op
        for op in walk(function.body)
        if op.primitive in primitives or op.primitive.function in primitives
    ]


def plain_ops(function):
    """The ops of a function that hold no blocks."""
    return [op for op in walk(function.body) if op.primitive not in CONTROL]


def central_difference(function, args, argnum=0, eps=1e-6):
    """The gradient of a function of numbers and arrays, from its values alone."""
    x = np.array(args[argnum], dtype=float)
    out = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        for sign in (1, -1):
            moved = x.copy()
            moved[index] += sign * eps
            given = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
            given[argnum] = moved if x.ndim else float(moved)
            out[index] += sign * function(*given) / (2 * eps)
    return out
