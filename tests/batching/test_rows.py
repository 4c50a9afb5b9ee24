"""Every row of the batching tables against a loop over the examples, at every case of its function."""

import numpy as np
import pytest
from ops.cases import CASES

from batching.examples import COUNT, Checked, example, same, stacked
from srcgrad import runtime
from srcgrad.autodiff.vmap import batch_ops, batched_facts
from srcgrad.errors import MissingRule
from srcgrad.ir.build import Builder
from srcgrad.ir.graph import Value, map_values
from srcgrad.ir.types import facts_of
from srcgrad.ops import registry, trace
from srcgrad.ops.batch_verbs import BATCHING, Batching
from srcgrad.testing.trees import entries, leaves, rebuilt

FORMLESS = (
    np.where, np.tril_indices_from, np.triu_indices_from, str, repr, type, format,
    runtime.tolist, runtime.basis, sorted,
)  # fmt: skip


def moving(arg):
    """Whether an argument can differ from example to example."""
    found = leaves(arg)
    return bool(found) and all(
        isinstance(x, float | np.ndarray | np.generic) and np.asarray(x).dtype.kind in "fiub"
        for x in found
    )


def choices(args):
    """Which arguments to batch: each alone, then all together."""
    places = [k for k, a in enumerate(args) if moving(a)]
    return [(k,) for k in places] + ([tuple(places)] if len(places) > 1 else [])


class Call:
    """One call as a graph of one op, its numbers and arrays as values."""

    def __init__(self, case, batched, symbolic):
        self.values = {}
        self.table = {}
        self.symbols = {} if symbolic else None
        self.batched = batched
        self.examples = [
            [example(a, k) if j in batched else a for j, a in enumerate(case.args)]
            for k in range(COUNT)
        ]
        args = [self.argument(a, k in batched, k) for k, a in enumerate(case.args)]
        builder = Builder()
        given = map_values(lambda v: trace.Tracer(v, builder), args)
        self.result = trace.emit(registry.PRIMITIVES[case.function], given, dict(case.kwargs)).value
        self.ops = builder.ops

    def argument(self, arg, batched, k, path=()):
        parts = entries(arg)
        if parts is not None and not hasattr(arg, "__dataclass_fields__"):
            return rebuilt(arg, [self.argument(v, batched, k, (*path, key)) for key, v in parts])
        if not batched and not isinstance(arg, np.ndarray):
            return arg
        facts = facts_of(arg, self.symbols)
        value = Value(None, facts)
        if batched:
            axes = 0 if parts is None else (0,) * len(facts.items)
            whole = Value(None, batched_facts(facts, axes, COUNT))
            self.table[value] = whole
            self.values[whole] = stacked([at(e[k], path) for e in self.examples])
        else:
            self.values[value] = arg
        return value

    def run(self):
        ops, (result,) = batch_ops(
            self.ops, [self.result], self.table, lambda builder: COUNT, COUNT
        )
        sizes = {next(iter(d.terms))[0]: n for n, d in (self.symbols or {}).items()}
        runner = Checked({}, sizes)
        environment = dict(self.values)
        runner.run(ops, environment)
        return ops, runner.get(result, environment)


def at(tree, path):
    for key in path:
        tree = tree[key] if not hasattr(tree, "__dataclass_fields__") else getattr(tree, key)
    return tree


def runs():
    for case in CASES:
        for batched in choices(case.args):
            yield pytest.param(case, batched, id=f"{case}-{batched}")


@pytest.mark.parametrize(("case", "batched"), list(runs()))
def test_row(case, batched):
    with np.errstate(all="ignore"):
        for symbolic in (False, True):
            call = Call(case, batched, symbolic)
            try:
                wanted = [case.function(*e, **case.kwargs) for e in call.examples]
            except Exception:
                pytest.skip("the perturbed call fails")
            try:
                wanted = stacked(wanted)
            except ValueError:
                pytest.skip("the examples give different shapes")
            try:
                _, given = call.run()
            except MissingRule:  # of what is no number, or has no form that is known
                assert case.function in FORMLESS
                return
            if case.function not in (np.empty_like, id):  # whatever these hold
                assert same(given, wanted), (given, wanted)


# No row without a case


def rows_without_a_case(rows, cases):
    """The functions of rows that no case reaches without a loop over the examples."""
    left = dict.fromkeys(rows)
    for case in cases:
        primitive = registry.PRIMITIVES.get(case.function)
        if primitive not in left:
            continue
        for batched in choices(case.args):
            call = Call(case, batched, symbolic=False)
            try:
                ops, _ = call.run()
            except Exception:  # what is wrong with it, `test_row` says
                continue
            if not any(op.primitive.name == "for_" for op in ops):
                del left[primitive]
                break
    return sorted(primitive.name for primitive in left)


def test_each_row_has_a_case():
    with np.errstate(all="ignore"):
        assert rows_without_a_case(BATCHING, CASES) == []


def test_a_row_without_a_case_is_found():
    without = [case for case in CASES if case.function is not np.matmul]
    rows = [registry.PRIMITIVES[f] for f in (np.matmul, np.sort)]
    assert rows_without_a_case(rows, without) == ["np.matmul"]


def test_a_wrong_row_is_found(monkeypatch):
    wrong = Batching(lambda a, axis=None, **more: np.sum(a.whole, axis=0))
    monkeypatch.setitem(BATCHING, registry.PRIMITIVES[np.sum], wrong)
    case = next(c for c in CASES if c.function is np.sum and np.shape(c.args[0]) == (3,))
    with pytest.raises(AssertionError):
        test_row(case, (0,))
