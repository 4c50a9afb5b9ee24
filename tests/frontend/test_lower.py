"""Every program of the zoo: its graph gives what the program gives, and nothing else happens."""

import pytest
from frontend.reading import agrees, read
from zoo.registry import all_programs

PROGRAMS = all_programs()

# Programs whose arguments are something else than numbers, arrays and lists of them: read before any
# call, they are refused or read as if they were given arrays.
NEED_ARGUMENTS = {
    "over_keys_and_values",
    "function_chosen_by_name",
    "math_hypot",
    "dict_comprehension",
    "unzipped",
    "dict_from_two_lists",
    "prints_only_the_branch_taken",
    "configurable_network",
    "basis_expansion",
    "comprehensions_over_arrays",
    "loss_and_named_terms",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_of_the_zoo(name):
    program = PROGRAMS[name]
    agrees(program.function, *program.args, generic=name not in NEED_ARGUMENTS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_reading_twice_gives_the_same_text(name):
    program = PROGRAMS[name]
    first = str(read(program.function, *program.args))
    assert str(read(program.function, *program.args)) == first


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_op_knows_its_line(name):
    program = PROGRAMS[name]
    if not hasattr(program.function, "__code__"):
        return
    from srcgrad.ir.graph import walk

    graph = read(program.function, *program.args)
    for function in (graph, *graph.callees.values()):
        for op in walk(function.body):
            where = op.location
            assert where is not None, op.primitive
            assert where.statement and where.statement_line <= where.line
            assert "\n" not in where.statement
