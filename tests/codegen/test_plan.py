"""What becomes a statement, what folds into its reader, and what a loop's header and tape hold."""

import operator

import numpy as np
from graphs import Adjoint, derive, find, function_of, param, read, run, text_of

from srcgrad import runtime
from srcgrad.codegen.plan import LONGEST_FOLD, Plan
from srcgrad.ir.build import Builder
from srcgrad.ir.graph import FOR, WHILE, Loop, Primitive
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, PY_INT, Facts, array, facts_of
from srcgrad.ir.verify import verify
from srcgrad.optimize.passes import optimize
from srcgrad.pipeline import primal

X = array("float64", (3,))
NUMBERS = np.array([0.5, 1.5, 2.5])


def plan_of(b, params, result):
    return Plan(function_of(b, params, result))


# -- folding ----------------------------------------------------------------------------------------


def test_what_is_read_once_and_has_no_name_folds():
    b, x = Adjoint(), param("x", X)
    y = b(np.sin, x)
    z = b(np.exp, y)
    assert plan_of(b, [x], z).folded == {y, z}


def test_what_the_user_named_does_not():
    b, x = Adjoint(), param("x", X)
    y = b(np.sin, x, hint="y")
    assert y not in plan_of(b, [x], b(np.exp, y)).folded


def test_what_is_read_twice_does_not():
    b, x = Adjoint(), param("x", X)
    y = b(np.sin, x)
    plan = plan_of(b, [x], b(operator.mul, y, y))
    assert y not in plan.folded
    assert plan.uses[y] == 2


def test_what_must_run_does_not():
    b, x = Builder(), param("x", X)
    y = b.emit(Primitive("note", print, effect=True), [x])
    assert y not in plan_of(b, [x], y).folded


def test_what_only_an_inner_block_reads_does_not():
    b, x = Adjoint(), param("x", X)
    y = b(np.sin, x)  # in a loop it would be computed in each round
    inner = Adjoint()
    z = inner(np.exp, y)
    (stack,) = b.emit_for(3, [], inner.block((param("k", PY_INT),), (z,)))
    plan = plan_of(b, [x], stack)
    assert y not in plan.folded
    assert z in plan.folded


def test_an_update_is_a_statement_and_so_is_what_it_updates():
    b, x = Adjoint(), param("x", X)
    y = b(np.exp, x)
    z = b(runtime.index_add, y, 0, 1.0)
    assert not {y, z} & plan_of(b, [x], b(np.sum, z)).folded


def test_expressions_of_the_backward_sweep_do_not_grow_without_end():
    b, x = Adjoint(), param("x", X)
    y = x
    for _ in range(3 * LONGEST_FOLD):
        y = b(np.sin, y)
    function = function_of(b, [x], y)
    assert text_of(function).count(" = ") == 2
    np.testing.assert_array_equal(run(function, NUMBERS), interpret(function, [NUMBERS]))


def test_the_users_own_expressions_may_be_as_long_as_they_are():
    b, x = Adjoint(adjoint=False), param("x", X)
    y = x
    for _ in range(3 * LONGEST_FOLD):
        y = b(operator.add, y, 1.0)
    assert text_of(function_of(b, [x], y)).count(" = ") == 0


# -- headers ------------------------------------------------------------------------------------------


def header_of(function, kind=FOR):
    (op,) = find(function, kind)
    return Plan(function).headers[op]


def over(*sequences, count=None, reads=1, index_too=False, reverse=False):
    """A loop that reads an entry of each sequence in each round."""
    b = Adjoint()
    k, total, body = param("k", PY_INT), param("total", PY_FLOAT), Adjoint()
    new = total
    for sequence in sequences:
        for _ in range(reads):
            new = body(operator.add, new, body(operator.getitem, sequence, k, facts=PY_FLOAT))
    if index_too:
        new = body(operator.mul, new, k)
    lengths = [b(len, s) for s in sequences]
    if count is None:
        count = lengths[0] if len(lengths) == 1 else b(min, *lengths)
    (result,) = b.emit_for(count, [0.0], body.block((k, total), (new,)), reverse=reverse)
    params = list(dict.fromkeys(sequences))
    return function_of(b, params, result)


LIST = Facts("list", element=PY_FLOAT)


def test_a_sequence_that_is_walked_stands_in_the_header():
    xs = param("xs", LIST)
    header = header_of(over(xs))
    assert [s for s, _ in header.sequences] == [xs]
    assert not header.index_used


def test_an_index_that_is_read_besides_is_kept():
    header = header_of(over(param("xs", LIST), index_too=True))
    assert header.index_used and len(header.sequences) == 1


def test_a_sequence_that_is_read_twice_in_a_round_is_subscripted():
    header = header_of(over(param("xs", LIST), reads=2))
    assert header.index_used and not header.sequences


def test_a_sequence_that_does_not_bound_the_rounds_is_subscripted():
    header = header_of(over(param("xs", LIST), count=2))
    assert header.index_used and not header.sequences


def test_sequences_that_bound_the_rounds_together_are_zipped():
    xs, ys = param("xs", LIST), param("ys", LIST)
    assert [s for s, _ in header_of(over(xs, ys)).sequences] == [xs, ys]


def test_but_not_backwards_where_they_may_differ_in_length():
    header = header_of(over(param("xs", LIST), param("ys", LIST), reverse=True))
    assert header.index_used and not header.sequences


def test_however_a_loop_is_headed_it_does_the_same():
    xs, ys = param("xs", LIST), param("ys", LIST)
    for changes in ({}, {"index_too": True}, {"reads": 2}, {"count": 2}, {"reverse": True}):
        for sequences in ((xs,), (xs, ys), (xs, xs)):
            function = over(*sequences, **changes)
            args = [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5, 6.5]][: len(function.params)]
            assert run(function, *args) == interpret(function, args)


# -- tapes --------------------------------------------------------------------------------------------


def taped(*, reverse=True, read_again=False, counted="same", in_order=False, elsewhere=False):
    """A loop that stacks two values, and one that reads them back."""
    b, x, n = Adjoint(), param("x", PY_FLOAT), param("n", PY_INT)
    k, p, body = param("k", PY_INT), param("p", PY_FLOAT), Adjoint()
    y, z = body(np.sin, p), body(np.exp, p)
    final, first, second = b.emit_for(n, [x], body.block((k, p), (y, y, z)), reverse=in_order)
    count = {"same": n, "stack": b(len, first), "other": 2}[counted]
    j, total, back = param("j", PY_INT), param("total", PY_FLOAT), Adjoint()
    one = back(operator.getitem, first, j, facts=PY_FLOAT)
    two = back(operator.getitem, second, j, facts=PY_FLOAT)
    if elsewhere:
        two = back(operator.mul, two, back(len, second))
    new = back(operator.add, back(operator.mul, total, one), two)
    (result,) = b.emit_for(count, [1.0], back.block((j, total), (new,)), reverse=reverse)
    results = (result, final, first) if read_again else (result, final)
    function = function_of(b, [x, n], results)
    np.testing.assert_equal(run(function, 0.7, 3), interpret(function, [0.7, 3]))
    return Plan(function)


def test_stacks_that_one_reversed_loop_reads_are_its_tape():
    for counted in ("same", "stack"):
        plan = taped(counted=counted)
        (tape,) = plan.tapes.values()
        assert len(tape.stacks) == 2
        assert set(plan.taped) == set(tape.stacks)


def test_a_stack_that_is_read_elsewhere_is_no_part_of_it():
    (tape,) = taped(read_again=True).tapes.values()
    assert len(tape.stacks) == 1
    (tape,) = taped(elsewhere=True).tapes.values()
    assert len(tape.stacks) == 1


def test_a_loop_of_other_rounds_has_no_tape():
    assert not taped(counted="other").tapes


def test_a_loop_in_the_same_direction_has_no_tape():
    assert not taped(reverse=False).tapes
    assert not taped(in_order=True).tapes


def test_a_loop_that_may_stop_early_is_read_by_the_length_of_its_tape():
    def f(x):
        y = x
        for _ in range(10):
            y = y * np.sin(y) * 3.0
            if y < 0.5:
                break
        return y

    made = optimize(derive(f, 0.9))
    (tape,) = Plan(made).tapes.values()
    assert "while tape:" in text_of(made)
    assert run(made, 0.9) == interpret(made, [0.9, 1.0])


def test_a_tape_is_written_as_soon_as_its_values_are_known():
    def f(x, n):
        for _ in range(n):
            y = np.sin(x)
            x = np.exp(y) * x
        return x

    made = optimize(derive(f, 0.5, 2))
    plan = Plan(made)
    (appends,) = plan.appends.values()
    forward = Loop(next(op for op in find(made, FOR) if not op.adjoint))
    before = {r for op in forward.body.ops[: appends.position] for r in op.results}
    every = {*before, *forward.body.params}
    assert {v for v in appends.entries if v not in plan.folded} <= every
    assert run(made, 0.5, 2) == interpret(made, [0.5, 2, 1.0])


def test_a_while_loop_may_have_a_tape():
    def f(x):
        while x < 50.0:
            x = x * x
        return x

    made = optimize(derive(f, 1.5))
    plan = Plan(made)
    (maker,) = plan.tapes
    assert maker.primitive is WHILE
    (name,) = [h for h in plan.headers.values() if h.tape is not None]
    assert plan.kept_as()[name.pops[0]] is plan.tapes[maker].loop.blocks[-1].params[1]


# -- tuples -------------------------------------------------------------------------------------------


def test_an_element_that_is_only_taken_apart_names_its_entries_alone():
    def f(pairs, x):
        for w, b in pairs:
            x = np.tanh(w * x + b)
        return x

    pair = Facts("tuple", items=(PY_FLOAT, PY_FLOAT))
    given = {"pairs": Facts("list", element=pair), "x": PY_FLOAT}
    graph = verify(primal(f, given))
    plan = Plan(graph)
    (parts,) = plan.parts.values()
    assert [p.hint for p in parts] == ["w", "b"]
    assert "for w, b in pairs:" in text_of(graph)


def test_an_element_that_is_read_as_a_whole_too_keeps_its_name():
    b, pairs = Adjoint(), param("pairs", Facts("list", element=facts_of((1.0, 2.0))))
    k, body = param("k", PY_INT), Adjoint()
    pair = body(operator.getitem, pairs, k, facts=facts_of((1.0, 2.0)))
    one, two = body(operator.getitem, pair, 0), body(operator.getitem, pair, 1)
    sums = body(operator.add, one, two)
    made = b.emit_for(b(len, pairs), [], body.block((k,), (pair, sums)))
    function = function_of(b, [pairs], made)
    assert not Plan(function).parts
    assert run(function, [(1.0, 2.0)]) == interpret(function, [[(1.0, 2.0)]])


def test_one_entry_alone_is_subscripted():
    b, pairs = Adjoint(), param("pairs", Facts("list", element=facts_of((1.0, 2.0))))
    pair = b(operator.getitem, pairs, 0, facts=facts_of((1.0, 2.0)))
    one = b(operator.getitem, pair, 1)
    function = function_of(b, [pairs], one)
    assert not Plan(function).parts
    assert text_of(function).endswith("return pairs[0][1]\n")


def test_every_value_has_one_home():
    def f(x, n):
        total = 0.0
        for k in range(n):
            if x > k:
                total = total + x
        return total

    graph = read(f, 1.0, 3)
    plan = Plan(graph)
    for value, op in plan.definition.items():
        assert op in plan.home[value].ops
    for block, (owner, outer) in plan.enclosing.items():
        assert block in owner.blocks and owner in outer.ops
