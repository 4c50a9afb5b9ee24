"""The language features the zoo must show, each with the question about a tree that proves it.

A feature whose presence depends on values (a loop that runs zero times, what is walked) has None.
"""

import ast
from collections.abc import Callable, Iterator
from typing import Any

Question = Callable[[ast.AST], bool]

LOOPS = (ast.For, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.DictComp, ast.GeneratorExp)
SEQUENCES = (ast.Tuple, ast.List)
DEFINITIONS = (ast.FunctionDef, ast.Lambda)
BITWISE = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift, ast.Invert)

# Methods that change the list, dict or array they are called on.
MUTATORS = frozenset(
    "append extend insert remove pop clear sort reverse update setdefault popitem fill put".split()
)


def found(tree: ast.AST, kind: Any, holds: Callable[[Any], object] = bool) -> Iterator[Any]:
    """The nodes of one kind that meet a condition, the root among them."""
    return (node for node in ast.walk(tree) if isinstance(node, kind) and holds(node))


def has(kind: Any, holds: Callable[[Any], object] = bool) -> Question:
    """Is there a node of this kind that meets this condition?"""
    return lambda tree: any(found(tree, kind, holds))


def inside(*kinds: Any) -> Question:
    """Is there a node of the last kind in one of the kind before it, and so on outwards?"""

    def ask(tree: ast.AST, depth: int = 0) -> bool:
        if depth == len(kinds):
            return True
        parts = ast.iter_child_nodes(tree) if depth else [tree]
        roots = (node for part in parts for node in found(part, kinds[depth]))
        return any(ask(root, depth + 1) for root in roots)

    return ask


def calls(name: str, arguments: tuple[int, ...] = (0, 1, 2, 3, 4)) -> Question:
    """Is a function or method of this name called, with one of these numbers of arguments?"""

    def holds(node: ast.Call) -> bool:
        called = getattr(node.func, "id", getattr(node.func, "attr", None))
        return called == name and len(node.args) + len(node.keywords) in arguments

    return has(ast.Call, holds)


def operator(*kinds: type[ast.AST]) -> Question:
    """Is one of these operators used, in an expression or an augmented assignment?"""
    return has((ast.BinOp, ast.UnaryOp, ast.AugAssign), lambda node: isinstance(node.op, kinds))


def is_elif(node: ast.If) -> bool:
    # The tree does not tell elif from an if in an else; the column does.
    return bool(
        len(node.orelse) == 1
        and isinstance(node.orelse[0], ast.If)
        and node.orelse[0].col_offset == node.col_offset
    )


def holds_sequence(target: ast.AST) -> bool:
    return isinstance(target, SEQUENCES) and any(
        isinstance(getattr(part, "value", part), SEQUENCES) for part in target.elts
    )


def has_docstring(tree: ast.AST) -> bool:
    return any(ast.get_docstring(node) for node in found(tree, ast.FunctionDef))


def returns(block: list[ast.stmt]) -> bool:
    return bool(block) and isinstance(block[-1], ast.Return)


def loaded(node: ast.expr) -> bool:
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


FEATURES: dict[str, Question | None] = {
    # Assignment.
    "assign_tuple": has(ast.Assign, lambda n: any(isinstance(t, SEQUENCES) for t in n.targets)),
    "assign_starred": has(ast.Starred, lambda n: not loaded(n)),
    "assign_nested": has(ast.Assign, lambda n: any(map(holds_sequence, n.targets))),
    "assign_chained": has(ast.Assign, lambda n: len(n.targets) > 1),
    "assign_augmented": has(ast.AugAssign),
    "assign_annotated": has(ast.AnnAssign),
    "walrus": has(ast.NamedExpr),
    "swap": has(ast.Assign, lambda n: isinstance(n.targets[0], ast.Tuple)),
    "shadowed": None,
    "arg_redefined": None,
    "unused_arg": None,
    "rebound_type": None,
    # Expressions.
    "op_arith": operator(ast.Add, ast.Sub, ast.Mult, ast.Div),
    "op_floordiv_mod": lambda t: operator(ast.FloorDiv, ast.Mod)(t) or calls("divmod")(t),
    "op_power": operator(ast.Pow),
    "op_matmul": operator(ast.MatMult),
    "op_bitwise": operator(*BITWISE),
    "op_unary": has(ast.UnaryOp),
    "compare_chained": has(ast.Compare, lambda n: len(n.ops) > 1),
    "bool_ops": has(ast.BoolOp),
    "short_circuit": has(ast.BoolOp),
    "cond_expr": has(ast.IfExp),
    "in": has((ast.In, ast.NotIn)),
    "is_none": has((ast.Is, ast.IsNot)),
    "int_float_mix": None,
    # Branches.
    "if": has(ast.If),
    "elif": has(ast.If, is_elif),
    "if_nested": inside(ast.If, ast.If),
    "early_return": inside((ast.If, *LOOPS), ast.Return),
    "return_both": has(ast.If, lambda n: returns(n.body) and returns(n.orelse)),
    "fallthrough": has(ast.If, lambda n: not n.orelse),
    "maybe_defined": None,
    "branch_never_taken": has(ast.If),
    "constant_return": has(ast.Return, lambda n: isinstance(n.value, ast.Constant)),
    # Loops.
    "for_range1": calls("range", (1,)),
    "for_range2": calls("range", (2,)),
    "for_range3": calls("range", (3,)),
    "for_negative_step": calls("range", (3,)),
    "for_variable_bounds": None,
    "zero_trips": None,
    "for_array": None,
    "for_rows": None,
    "for_list": None,
    "for_tuple": None,
    "zip": calls("zip"),
    "enumerate": calls("enumerate"),
    "enumerate_start": calls("enumerate", (2,)),
    "reversed": calls("reversed"),
    "dict_items": calls("items"),
    "dict_keys": None,
    "dict_values": calls("values"),
    "nested_loop_targets": has((ast.For, ast.comprehension), lambda n: holds_sequence(n.target)),
    "while": has(ast.While),
    "break": has(ast.Break),
    "continue": has(ast.Continue),
    "for_else": has(ast.For, lambda n: n.orelse),
    "while_else": has(ast.While, lambda n: n.orelse),
    "return_in_loop": inside(LOOPS, ast.Return),
    "return_in_nested_loops": inside(LOOPS, LOOPS, ast.Return),
    "nested_loops": inside(LOOPS, LOOPS),
    "nested_loops_3": inside(LOOPS, LOOPS, LOOPS),
    "loop_in_branch_in_loop": inside(LOOPS, ast.If, LOOPS),
    "first_defined_in_loop": None,
    "untouched": has(LOOPS),
    "loop_index_scales": None,
    "tolerance": None,
    # Containers and comprehensions.
    "list_literal": has(ast.List, loaded),
    "tuple_literal": has(ast.Tuple, loaded),
    "dict_literal": has(ast.Dict),
    "list_comp": has(ast.ListComp),
    "dict_comp": has(ast.DictComp),
    "generator": has(ast.GeneratorExp),
    "filtered_comp": has(ast.comprehension, lambda n: n.ifs),
    "nested_comp": lambda t: (
        inside(COMPREHENSIONS, COMPREHENSIONS)(t)
        or has(COMPREHENSIONS, lambda n: len(n.generators) > 1)(t)
    ),
    "list_concat": None,
    "nested_args": None,
    "namedtuple": None,
    # Functions.
    "call": None,
    "nested_function": inside(ast.FunctionDef, ast.FunctionDef),
    "lambda": has(ast.Lambda),
    "closure": inside(ast.FunctionDef, DEFINITIONS),
    "closure_over_loop_name": has(DEFINITIONS),
    "closure_rebound": inside(ast.FunctionDef, DEFINITIONS),
    "default_arg": has(ast.arguments, lambda n: n.defaults or any(n.kw_defaults)),
    "kwonly": has(ast.arguments, lambda n: n.kwonlyargs),
    "varargs": has(ast.arguments, lambda n: n.vararg),
    "kwargs": has(ast.arguments, lambda n: n.kwarg),
    "star_call": has(
        ast.Call,
        lambda n: (
            any(isinstance(a, ast.Starred) for a in n.args)
            or any(k.arg is None for k in n.keywords)
        ),
    ),
    "call_keyword": has(ast.keyword),
    "recursion": None,
    "mutual_recursion": None,
    "higher_order": None,
    "bound_method": None,
    "callable_object": None,
    "partial": calls("partial"),
    "operator_function": None,
    "math_function": None,
    "ufunc": None,
    "wrapped": None,
    "global_float": None,
    "global_array": None,
    # The rest.
    "fstring": has(ast.JoinedStr),
    "print": calls("print"),
    "assert": has(ast.Assert),
    "docstring": has_docstring,
    "annotations": has((ast.arg, ast.AnnAssign), lambda n: n.annotation),
    "errstate": calls("errstate"),
    "mask_where": None,
    "math": None,
    "builtins": None,
    "numpy": None,
    "aux": has(ast.Return, lambda n: isinstance(n.value, ast.Tuple)),
}


def writes(tree: ast.AST) -> Iterator[ast.AST]:
    """Where a program writes into an array, a container or an object."""
    yield from found(tree, (ast.Subscript, ast.Attribute), lambda n: not loaded(n))
    for call in found(tree, ast.Call, lambda n: getattr(n.func, "attr", None) in MUTATORS):
        # np.sort(x) gives a new array, where x.sort() writes into x.
        if getattr(call.func.value, "id", None) != "np":
            yield call
