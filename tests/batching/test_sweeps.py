"""The backward sweep of a joint function, batched over the cotangent alone: what Jacobians are made of."""

import contextlib
import io

import numpy as np
import pytest
from kernels.registry import all_kernels

from batching.examples import COUNT, same, stacked
from srcgrad.autodiff.reverse import Wanted, joint, seed_position
from srcgrad.autodiff.vmap import batch_ops, batched_facts
from srcgrad.calls.conform import is_differentiable
from srcgrad.ir.build import facts_of_arg
from srcgrad.ir.graph import Value
from srcgrad.ir.interpret import Runner
from srcgrad.ir.types import facts_of
from srcgrad.ops import facts as inference
from srcgrad.pipeline import binder, primal
from srcgrad.testing.trees import random_like

KERNELS = {name: k for name, k in all_kernels().items() if k.refused is None}

# Of these, what the sweep computes has a number of axes, or lists a length, that only a run knows.
BY_EXAMPLE = ("conv_layer", "jacobi_eigenvalues", "momentum", "rnn")


def is_numbers(facts):
    """Whether facts are those of numbers and arrays that can move, in containers or by themselves."""
    if facts.kind in ("tuple", "list", "dict"):
        return facts.items is not None and all(map(is_numbers, facts.items))
    return is_differentiable(facts) and inference.as_array(facts).dims is not None


def first_axes(facts):
    return 0 if facts.items is None else tuple(map(first_axes, facts.items))


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_one_sweep_for_several_cotangents(name):
    kernel = KERNELS[name]
    bound = binder(kernel.function)(*kernel.args)
    names = binder(kernel.function).__names__
    graph = primal(kernel.function, {n: facts_of(v) for n, v in zip(names, bound, strict=True)})
    if not is_numbers(facts_of_arg(graph.result)):
        pytest.skip("what it returns has no form that is known before it runs")
    wanted = [Wanted(k) for k, p in enumerate(graph.params) if is_differentiable(p.facts)]
    both = joint(graph, wanted)
    at = seed_position(both.signature)
    g = both.params[at]
    begin = next(k for k, op in enumerate(both.body.ops) if op.adjoint)
    environment = {c.value: c.read() for c in both.captures}
    full = list(bound)
    full.insert(at, None)
    environment.update(zip(both.params, full, strict=True))
    runner = Runner({**both.callees})
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        runner.run(both.body.ops[:begin], environment)
        result, gradients = both.result
        value = runner.get(result, environment)
        rng = np.random.default_rng(len(name))
        given = [random_like(value, rng) for _ in range(COUNT)]
        backward = both.body.ops[begin:]
        expected = []
        for each in given:
            inner = Runner({**both.callees})
            around = {**environment, g: each}
            inner.run(backward, around)
            expected.append(inner.get(gradients, around))
        whole = Value("g", batched_facts(g.facts, first_axes(g.facts), COUNT))
        ops, results = batch_ops(backward, gradients, {g: whole}, lambda builder: COUNT, COUNT)
        environment[whole] = stacked(given)
        runner.run(ops, environment)
    found = tuple(runner.get(r, environment) for r in results)
    assert same(found, stacked(expected), rtol=1e-8)
    loops = sum(op.primitive.name == "for_" for op in backward)
    by_example = sum(op.primitive.name == "for_" for op in ops) > loops
    assert not by_example or name in BY_EXAMPLE
