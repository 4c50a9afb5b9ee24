"""Second derivatives of each row, by the four compositions of the two modes."""

import numpy as np
import pytest
from ops.cases import CASES

from forward.test_second_order import Composed
from srcgrad.ir.graph import Block, Function, Parameter
from srcgrad.ops import registry
from srcgrad.testing.graphs import Graph
from srcgrad.testing.rules import slope
from srcgrad.testing.trees import flat, leaves, moved, moves, random_like


def entries(case):
    every = [leaf for arg in case.args for leaf in leaves(arg)]
    return sum(leaf.size for leaf in every if isinstance(leaf, np.ndarray))


def chosen():
    """Of each row, the case of a few entries that says most: more than one, if there is one."""
    best = {}
    for case in CASES:
        primitive = registry.PRIMITIVES[case.function]
        rule = registry.RULES[primitive]
        if rule.verb == "zero" or case.check.get("order", 2) < 2 or case.check.get("refused"):
            continue
        formulas = registry.formulas(rule, len(case.args))
        if not any(f is not None and moves(a) for f, a in zip(formulas, case.args, strict=True)):
            continue
        rank = abs(entries(case) - 9)
        if primitive not in best or rank < best[primitive][0]:
            best[primitive] = rank, case
    return [case for _, case in best.values()]


ROWS = chosen()


def of_row(case):
    """The call of a row as a graph, moved in all arguments that have a formula."""
    primitive = registry.PRIMITIVES[case.function]
    rule = registry.rule_of(primitive)
    args, kwargs = registry.normalize_call(primitive, case.args, case.kwargs)
    formulas = registry.formulas(rule, len(args))
    moving = case.check.get("argnums")
    if moving is None:
        moving = [
            k for k, f in enumerate(formulas[: rule.data]) if f is not None and moves(args[k])
        ]
    graph = Graph("exact", primitive.function, args, kwargs, moving)
    params = tuple(graph.params)
    values = [graph.params[p] for p in params]
    rng = np.random.default_rng(0)
    project = case.check.get("project") or (lambda v: v)
    taken = {id(args[k]) for k in moving} | {id(x) for k in moving for x in leaves(args[k])}
    places = [k for k, x in enumerate(values) if moves(x) and id(x) in taken]
    for k, p in enumerate(params):
        p.hint = f"x_{k}"
    signature = tuple(Parameter(str(p.hint)) for p in params)
    function = Function("row", signature, Block(params, tuple(graph.builder.ops), (graph.result,)))
    v = [project(random_like(values[k], rng)) for k in places]
    y = primitive.function(*args, **kwargs)
    return Composed(function, values, places, v, random_like(y, rng))


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_compositions_agree(case):
    composed = of_row(case)
    found = dict(composed.results())
    wanted = found["forward over forward"]
    for how, value in found.items():
        assert abs(value - wanted) <= 1e-7 * (1 + abs(wanted)), (how, found)


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_they_are_second_derivatives(case):
    composed = of_row(case)
    once, table = composed.moved(composed.graph)
    found = dict(composed.results())["forward over forward"]

    def first(step):
        here = dict(table)
        for place, v in zip(composed.places, composed.v, strict=True):
            param = composed.graph.params[place]
            here[param] = moved(table[param], v, step)
        y_dot = composed.run(once, here)
        return np.atleast_1d(flat(composed.w) @ flat(y_dot))

    np.testing.assert_allclose(found, slope(first)[0], rtol=1e-5, atol=1e-5)
