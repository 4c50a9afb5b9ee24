"""Tells whether a definition in a text is what a code object was compiled from.

The proof is to compile it again. `is_same` compares without positions: equal bytecode, names and
constants mean an equal program, however it is laid out now. Modification times prove nothing (a
checkout, a copy or a package manager sets them at will) and are not asked.

Bytecode may also differ although the text is right: test runners rewrite `assert`, profilers pad, a
docstring was corrected. `is_close` knows these. It compares what each instruction does *at which
columns* of the text. Text that differs by one name, number or operator fails it; without columns
(`-X no_debug_ranges`) everything does. So does code into which an import hook has put checks of its
own: these cannot be told from what is left of text that is gone.
"""

from __future__ import annotations

import ast
import copy
import dis
from collections.abc import Set
from types import CodeType
from typing import Any, NamedTuple

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

# Flags of a code: *args, **kwargs, generator, coroutine, asynchronous generator.
_KIND = 0x04 | 0x08 | 0x20 | 0x80 | 0x200
# What the compiler puts in or leaves out as the layout of the code demands.
_SILENT = {"CACHE", "EXTENDED_ARG", "JUMP_FORWARD", "NOP", "RESUME"}
_LOCALS = {
    "LOAD_FAST": ("read",),
    "STORE_FAST": ("write",),
    "LOAD_FAST_LOAD_FAST": ("read", "read"),
    "STORE_FAST_LOAD_FAST": ("write", "read"),
    "STORE_FAST_STORE_FAST": ("write", "write"),
}


class _Fact(NamedTuple):
    """One instruction: the text it stands for (line, column to line, column) and what it does.

    Or a code, whose place is () and whose operand says how it is called.
    """

    place: tuple[Any, ...]
    operation: str
    operand: str


def compiled(
    definition: Definition, class_name: str | None, imported: Set[str], code: CodeType
) -> CodeType | None:
    """The code of a definition, compiled with the free names and the future flags of `code`.

    `class_name` is the class around it, by which names like `__x` are mangled. `imported` are the
    names that its module imports: on these, a method call is compiled in another way. None if the
    definition does not compile among those names. Decorators, defaults and annotations are not part
    of a function's code and are left out, so that it is the only code inside each frame around it.
    """
    node = copy.copy(definition)
    node.args = _bare_arguments(node.args)
    statement: ast.stmt
    if isinstance(node, ast.Lambda):
        statement = ast.copy_location(ast.Expr(node), node)
    else:
        # They decide the first line of the code, so there stay as many, each a plain name.
        plain = [ast.Name("_", ast.Load()) for _ in node.decorator_list]
        node.decorator_list = list(map(ast.copy_location, plain, node.decorator_list))
        node.returns = None
        vars(node)["type_params"] = []  # of Python 3.12; not read before
        statement = node
    frames = [f"class {class_name}:"] if class_name else []
    frames += [f"def _({', '.join(code.co_freevars)}):"] if code.co_freevars else []
    around = "".join(" " * i + frame + "\n" for i, frame in enumerate([*frames, "pass"]))
    used = sorted(name for name in imported & names_in(code) if name.isidentifier())
    imports = "".join(f"import _ as {name}\n" for name in used)
    module = ast.parse(imports + around)
    innermost: Any = module
    for _ in frames:
        innermost = innermost.body[-1]
    innermost.body[-1] = statement
    flags = code.co_flags & annotations.compiler_flag  # as in: from __future__ import annotations
    try:
        found: CodeType = compile(module, code.co_filename, "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    for _ in range(len(frames) + 1):
        (found,) = _inner(found)
    return found


def _bare_arguments(arguments: ast.arguments) -> ast.arguments:
    """The same parameters without annotations, and with None for every default."""

    def bare(argument: ast.arg) -> ast.arg:
        return ast.copy_location(ast.arg(argument.arg), argument)

    none = ast.Constant(None, lineno=1, col_offset=0)
    return ast.arguments(
        posonlyargs=list(map(bare, arguments.posonlyargs)),
        args=list(map(bare, arguments.args)),
        vararg=arguments.vararg and bare(arguments.vararg),
        kwonlyargs=list(map(bare, arguments.kwonlyargs)),
        kw_defaults=[default and none for default in arguments.kw_defaults],
        kwarg=arguments.kwarg and bare(arguments.kwarg),
        defaults=[none for _ in arguments.defaults],
    )


def is_same(own: CodeType, code: CodeType) -> bool:
    """Whether two codes are one program: everything but the positions and the file is equal.

    Examples
    --------
    >>> double, twice, square = (lambda x: x + x), (lambda x:   (x + x)), (lambda x: x * x)
    >>> is_same(twice.__code__, double.__code__), is_same(square.__code__, double.__code__)
    (True, False)
    """
    return (
        own.co_code == code.co_code
        and own.co_exceptiontable == code.co_exceptiontable
        and _parameters(own) == _parameters(code)
        and own.co_names == code.co_names
        and own.co_varnames == code.co_varnames
        and own.co_freevars == code.co_freevars
        and own.co_cellvars == code.co_cellvars
        and list(map(_constant, own.co_consts)) == list(map(_constant, code.co_consts))
        and all(map(is_same, _inner(own), _inner(code)))
    )


def _parameters(code: CodeType) -> tuple[Any, ...]:
    """How a code is called: the kind of function, how many parameters of each kind, their names."""
    kind = code.co_flags & _KIND
    count = code.co_argcount + code.co_kwonlyargcount + (kind & 4) // 4 + (kind & 8) // 8
    names = code.co_varnames[:count]
    return kind, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, names


def _inner(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def _constant(value: object) -> str:
    """A constant as text that tells 1 from 1.0, True and -0.0 from 0.0, and orders sets."""
    if isinstance(value, CodeType):
        return f"<code {value.co_name}>"
    if isinstance(value, str):
        # A class inside holds its qualified name, in which stand the frames around the function.
        return repr(value.rpartition(".<locals>.")[2])
    if isinstance(value, tuple):
        return f"({', '.join(map(_constant, value))},)"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(_constant, value)))}}}"
    return repr(value)


def is_close(definition: Definition, own: CodeType, code: CodeType) -> bool:
    """Whether `code` does what `own`, the code of `definition`, does at each place of the text.

    Rewritten asserts leave names that no source can hold, like `@py_assert1`; then only what is
    outside of the asserts is compared.
    """
    ours, theirs = _facts(own), _facts(code)
    if any(name.startswith("@") for name in names_in(code)):
        asserts = [_place(node) for node in ast.walk(definition) if isinstance(node, ast.Assert)]
        if not all(map(_is_rewritten, (_within(span, theirs) for span in asserts))):
            return False
        ours, theirs = _outside(asserts, ours), _outside(asserts, theirs)
    return ours == theirs and any(fact.place for fact in ours)


def _facts(code: CodeType) -> set[_Fact]:
    """What the instructions of a code and of those inside it do, and at which place of the text.

    A set, since the order of blocks and how often the end of a function is copied depend on the
    length of the code. For the same reason jumps have no targets here, only conditions. Reads and
    writes of locals that follow each other on a line are one fact: Python 3.13 fuses some of them,
    and of these only the first keeps its columns.
    """
    facts = {_Fact((), code.co_name, f"{code.co_firstlineno} {_parameters(code)}")}
    locals_at: tuple[Any, ...] = ()
    accesses: list[str] = []
    for one in dis.get_instructions(code):
        at = one.positions
        if at is None or at.col_offset is None or one.opname in _SILENT:
            continue
        place = (at.lineno, at.col_offset, at.end_lineno, at.end_col_offset)
        operation = one.opname
        for detail in ("FORWARD_", "BACKWARD_", "_CHECK"):
            operation = operation.replace(detail, "")
        fused = _LOCALS.get(operation)
        if accesses and (not fused or one.is_jump_target or locals_at[0] != at.lineno):
            facts.add(_Fact(locals_at, "locals", " ".join(accesses)))
            accesses = []
        if fused:
            locals_at = locals_at if accesses else place
            names = one.argval if isinstance(one.argval, tuple) else (one.argval,)
            accesses += map("{} {}".format, fused, names)
            continue
        operand: object = "" if one.opcode in dis.hasjrel else one.argval
        if one.opname == "KW_NAMES":  # an index, of which Python 3.11 knows nothing
            operand = code.co_consts[one.arg or 0]
        facts.add(_Fact(place, operation, _constant(operand)))
    return facts.union(*map(_facts, _inner(code)))


def names_in(code: CodeType) -> set[str]:
    """Every name that a code and those inside it use."""
    return {*code.co_names, *code.co_varnames, *code.co_freevars}.union(
        *map(names_in, _inner(code))
    )


def _place(node: ast.AST) -> tuple[Any, ...]:
    located: Any = node
    return located.lineno, located.col_offset, located.end_lineno, located.end_col_offset


def _is_rewritten(facts: set[_Fact]) -> bool:
    """Whether what is done at the place of an assert is what a test runner makes of one."""
    return not facts or any("@" in fact.operand for fact in facts)


def _within(span: tuple[Any, ...], facts: set[_Fact]) -> set[_Fact]:
    """The facts whose place is in a span."""
    return {f for f in facts if span[:2] <= f.place[:2] and f.place[2:] <= span[2:]}


def _outside(spans: list[tuple[Any, ...]], facts: set[_Fact]) -> set[_Fact]:
    """The facts whose place is in none of `spans`."""
    return facts.difference(*(_within(span, facts) for span in spans))
