"""Expressions: operators, displays, subscripts, conditions, names."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import gast
import numpy as np

from ..ir.graph import UNDEFINED, Value
from ..ir.types import PY_BOOL, Facts, join_all
from .branches import choose, truth
from .core import EXPRESSIONS, Lowerer, facts_of_symbol
from .mappings import spread
from .objects import attribute, look_up
from .sizes import decided, known_size
from .specials import (
    MISSING,
    call_special,
    check_containers,
    compared_own,
    operated,
    refuse_own,
    refuse_text,
    tested,
)
from .specials import class_of as class_of
from .symbols import (
    Closure,
    Conflict,
    Members,
    Outside,
    Record,
    Symbol,
    Walk,
    is_constant,
    is_object,
    kind_name,
    packable,
)

Handler = Callable[[Lowerer, Any], Symbol]


def expression(*kinds: type) -> Callable[[Handler], Handler]:
    """Register what to do with a kind of node."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            EXPRESSIONS[kind] = handler
        return handler

    return register


@expression(gast.Constant)
def _constant(low: Lowerer, node: Any) -> Symbol:
    return node.value


@expression(gast.Name)
def _name(low: Lowerer, node: Any) -> Symbol:
    return read(low, node.id)


def read(low: Lowerer, name: str) -> Symbol:
    """What a name stands for at this point."""
    frame = low.frame.owner(name)
    if frame is None:
        return look_up(low, low.frame.root, name)
    symbol = low.places.read(frame, name)
    if symbol is UNDEFINED:
        low.refuse(
            f"'{name}' is read here, but no path that leads here has bound it",
            cure=f"give '{name}' a value on every path",
        )
    if isinstance(symbol, Conflict):
        low.arg(symbol)
    if isinstance(symbol, Value):
        check_containers(low, symbol.facts)
    return low.memory.current(symbol)


@expression(gast.NamedExpr)
def _named(low: Lowerer, node: Any) -> Symbol:
    symbol = low.evaluate(node.value)
    bind(low, low.frame.base, node.target.id, symbol)
    return symbol


def bind(low: Lowerer, frame: Any, name: str, symbol: Symbol) -> None:
    """Bind a name where it belongs, and let a value that has no name yet be known by it."""
    owner = frame.owner(name) or frame
    if isinstance(symbol, Value) and symbol.hint is None:
        symbol.hint = name
    low.memory.made(symbol, name)
    low.places.bind(owner, name, symbol)


# --- operators ---------------------------------------------------------------------------------------

OPERATORS: dict[type, Callable[..., Any]] = {
    gast.Add: operator.add, gast.Sub: operator.sub, gast.Mult: operator.mul,
    gast.Div: operator.truediv, gast.FloorDiv: operator.floordiv, gast.Mod: operator.mod,
    gast.Pow: operator.pow, gast.MatMult: operator.matmul, gast.BitAnd: operator.and_,
    gast.BitOr: operator.or_, gast.BitXor: operator.xor, gast.LShift: operator.lshift,
    gast.RShift: operator.rshift, gast.UAdd: operator.pos, gast.USub: operator.neg,
    gast.Invert: operator.invert, gast.Eq: operator.eq, gast.NotEq: operator.ne,
    gast.Lt: operator.lt, gast.LtE: operator.le, gast.Gt: operator.gt, gast.GtE: operator.ge,
    gast.Is: operator.is_, gast.IsNot: operator.is_not,
}  # fmt: skip
_SPECIAL = {
    operator.add: "add", operator.sub: "sub", operator.mul: "mul", operator.truediv: "truediv",
    operator.floordiv: "floordiv", operator.mod: "mod", operator.pow: "pow",
    operator.matmul: "matmul", operator.neg: "neg", operator.pos: "pos", operator.and_: "and",
    operator.or_: "or", operator.xor: "xor", operator.lshift: "lshift", operator.rshift: "rshift",
    operator.invert: "invert",
}  # fmt: skip


@expression(gast.BinOp)
def _binary(low: Lowerer, node: Any) -> Symbol:
    _check_sets(low, node.left, node.right)
    left = low.evaluate(node.left)
    return apply_binary(low, OPERATORS[type(node.op)], left, low.evaluate(node.right))


def _check_sets(low: Lowerer, *nodes: Any) -> None:
    """Refuse to compute with a set that is written out, which is read as a tuple of its entries."""
    for node in nodes:
        if isinstance(node, gast.Set):
            low.refuse(
                "an operator of sets is not supported",
                node,
                cure="write out the set that it gives, or use 'in'",
            )


def apply_binary(low: Lowerer, function: Callable[..., Any], left: Symbol, right: Symbol) -> Symbol:
    """`left op right`; lists and tuples written in the source are joined at once."""
    special = _overloaded(low, function, left, right)
    if special is not MISSING:
        return special
    if function is operator.add and type(left) is type(right) and isinstance(left, list | tuple):
        return type(left)([*left, *right]) if type(left) in (list, tuple) else (*left, *right)
    if function is operator.mul:
        for sequence, times in ((left, right), (right, left)):
            if (
                type(sequence) in (list, tuple)
                and type(times) is int
                and len(sequence) * times < 65
            ):
                return sequence * times
    if function is operator.or_ and isinstance(left, type) and is_object(right):
        return left | right
    if function is operator.or_ and is_dict(left) and is_dict(right):
        return {**spread(low, left), **spread(low, right)}
    if isinstance(left, Members) or isinstance(right, Members):
        low.refuse(
            "an operator of sets is not supported",
            cure="write out the set that it gives, or use 'in'",
        )
    for side in (left, right):
        if is_object(side) or isinstance(side, Closure | Record):
            low.refuse(f"{kind_name(side)} cannot be computed with")
    left, right = as_operand(low, left, right), as_operand(low, right, left)
    return low.apply(function, left, right, facts=_joined_facts(function, left, right))


def as_operand(low: Lowerer, symbol: Symbol, other: Symbol) -> Symbol:
    """A list or tuple of values beside an array: an array, which is what NumPy makes of it."""
    if not isinstance(other, Value) or other.facts.kind != "array" or not packable(symbol):
        return symbol
    kind = symbol.facts.kind if isinstance(symbol, Value) else type(symbol).__name__
    if kind not in ("list", "tuple") or is_constant(symbol):
        return symbol
    return low.apply(np.array, symbol)


def is_dict(symbol: Symbol) -> bool:
    """Whether a symbol is a dict for certain."""
    if isinstance(symbol, Outside):
        return isinstance(symbol.value, dict)
    return isinstance(symbol, dict) or (isinstance(symbol, Value) and symbol.facts.kind == "dict")


def _overloaded(low: Lowerer, function: Any, left: Symbol, right: Symbol) -> Symbol:
    """The result of `__add__` and its like, where an operand's class defines them in Python."""
    special = _SPECIAL.get(function)
    if special is None:
        return MISSING
    return operated(low, left, right, f"__{special}__", f"__r{special}__")


def _joined_facts(function: Any, left: Symbol, right: Symbol) -> Facts | None:
    """What a list or tuple is known to hold after another has been joined to it."""
    if function is not operator.add or not packable(left) or not packable(right):
        return None
    a, b = facts_of_symbol(left), facts_of_symbol(right)
    if a.kind not in ("list", "tuple") or a.kind != b.kind:
        return None
    if a.items is not None and b.items is not None:
        return Facts(a.kind, items=a.items + b.items, cls=list if a.kind == "list" else tuple)
    return Facts(a.kind, element=element_of(a, b))


def element_of(*containers: Facts) -> Facts | None:
    """What is known of every entry of several lists or tuples."""
    parts = [c.items if c.items is not None else (c.element or Facts(),) for c in containers]
    return join_all(tuple(entry for part in parts for entry in part))


@expression(gast.UnaryOp)
def _unary(low: Lowerer, node: Any) -> Symbol:
    operand = low.evaluate(node.operand)
    if isinstance(node.op, gast.Not):
        return negated(low, operand)
    special = call_special(low, operand, f"__{_SPECIAL[OPERATORS[type(node.op)]]}__")
    if special is not MISSING:
        return special
    return low.apply(OPERATORS[type(node.op)], operand)


def negated(low: Lowerer, symbol: Symbol) -> Symbol:
    """`not symbol`."""
    symbol = tested(low, symbol)
    known = truth(low, symbol)
    return low.apply(operator.not_, symbol) if known is None else not known


# --- comparisons and conditions ----------------------------------------------------------------------


@expression(gast.Compare)
def _compare(low: Lowerer, node: Any) -> Symbol:
    """A comparison; in a chain, what comes after a false one is not computed."""
    of_sets = [n for n in node.ops if not isinstance(n, gast.In | gast.NotIn)]
    _check_sets(low, *((node.left, *node.comparators) if of_sets else ()))

    def chain(left: Symbol, k: int) -> Symbol:
        right = low.evaluate(node.comparators[k])
        result = compared(low, node.ops[k], left, right)
        if k + 1 == len(node.ops):
            return result
        return choose(low, result, lambda: chain(right, k + 1), lambda: _falsy(result))

    return chain(low.evaluate(node.left), 0)


def compared(low: Lowerer, op: Any, left: Symbol, right: Symbol) -> Symbol:
    """One comparison."""
    if isinstance(op, gast.In):
        return contains(low, right, left)
    if isinstance(op, gast.NotIn):
        return negated(low, contains(low, right, left))
    if isinstance(op, gast.Is | gast.IsNot):
        known = identical(left, right)
        if known is not None:
            return known == isinstance(op, gast.Is)
    if isinstance(op, gast.Eq | gast.NotEq):
        if is_object(left) or is_object(right):
            known = identical(left, right)
            if known is not None:
                return known == isinstance(op, gast.Eq)
    if isinstance(left, Members) or isinstance(right, Members):
        low.refuse(
            "an operator of sets is not supported",
            cure="write out the set that it gives, or use 'in'",
        )
    function = OPERATORS[type(op)]
    special = compared_own(low, function, left, right)
    if special is not MISSING:
        return special
    a, b = known_size(low.sizes, left), known_size(low.sizes, right)
    if a is not None and b is not None:
        answer = decided(function, a, b)
        if answer is not None:
            return answer
    return low.apply(function, left, right)


def identical(left: Symbol, right: Symbol) -> bool | None:
    """Whether two symbols are one object, where that is known."""
    singletons = (None, True, False, Ellipsis)
    for a, b in ((left, right), (right, left)):
        if any(a is s for s in singletons) or is_object(a):
            if isinstance(b, Value):
                if b.facts.kind in ("opaque", "undefined", "none"):
                    return None
                if isinstance(a, bool) and b.facts.kind in ("bool", "unknown"):
                    return None
                if is_object(a) and b.facts.kind == "function":
                    return None
                return False
            if isinstance(b, Outside):
                return bool(a is b.value)
            return a is b
    if isinstance(left, Value) or isinstance(right, Value):
        return True if left is right else None
    if isinstance(left, Outside) and isinstance(right, Outside):
        return left.value is right.value
    if is_constant(left) and is_constant(right):
        return bool(left is right)
    return left is right


def contains(low: Lowerer, container: Symbol, item: Symbol) -> Symbol:
    """`item in container`."""
    if isinstance(container, Walk) and container.kind == "keys":
        container = container.parts[0]
    special = call_special(low, container, "__contains__", item)
    if special is not MISSING:
        return truth_value(low, special)
    refuse_own(low, "'in'", [container, item])
    if isinstance(item, str | int | float | type(None)) or is_object(item):
        if isinstance(container, dict):
            return item in container
        facts = container.facts if isinstance(container, Value) else None
        if facts is not None and facts.kind == "dict" and facts.keys is not None:
            return item in facts.keys
        if isinstance(container, list | tuple | set) and is_constant(container):
            return item in container
    return low.apply(operator.contains, container, item)


def truth_value(low: Lowerer, symbol: Symbol) -> Symbol:
    """`bool(symbol)`."""
    symbol = tested(low, symbol)
    known = truth(low, symbol)
    return low.apply(bool, symbol, facts=PY_BOOL) if known is None else known


def _falsy(symbol: Symbol) -> Symbol:
    """What a false operand of `and` gives: itself, which of a truth value is False."""
    if isinstance(symbol, Value) and symbol.facts.kind == "bool" and symbol.facts.dtype is None:
        return False
    return symbol


@expression(gast.BoolOp)
def _boolean(low: Lowerer, node: Any) -> Symbol:
    """`and` and `or` give the operand that decides, and compute no further one."""
    is_and = isinstance(node.op, gast.And)

    def chain(k: int) -> Symbol:
        first = low.evaluate(node.values[k])
        if k + 1 == len(node.values):
            return first
        if is_and:
            return choose(low, first, lambda: chain(k + 1), lambda: _falsy(first))
        return choose(low, first, lambda: _truthy(first), lambda: chain(k + 1))

    return chain(0)


def _truthy(symbol: Symbol) -> Symbol:
    if isinstance(symbol, Value) and symbol.facts.kind == "bool" and symbol.facts.dtype is None:
        return True
    return symbol


@expression(gast.IfExp)
def _conditional(low: Lowerer, node: Any) -> Symbol:
    condition = low.evaluate(node.test)
    return choose(
        low, condition, lambda: low.evaluate(node.body), lambda: low.evaluate(node.orelse)
    )


# --- attributes, functions, text ---------------------------------------------------------------------


@expression(gast.Attribute)
def _attribute_of(low: Lowerer, node: Any) -> Symbol:
    return attribute(low, low.evaluate(node.value), mangled(low, node.attr))


def mangled(low: Lowerer, name: str) -> str:
    """The attribute that `__name` means inside a class."""
    function = low.frame.root.function
    if not name.startswith("__") or name.endswith("__") or function is None:
        return name
    around = function.__qualname__.split(".")[:-1]
    return f"_{around[-1].lstrip('_')}{name}" if around and around[-1] != "<locals>" else name


@expression(gast.Lambda)
def function_value(low: Lowerer, node: Any) -> Symbol:
    """A lambda, or the function that a nested def makes before it is decorated."""
    code = low.frame.base.code.inner(node)
    defaults = {p.name: low.evaluate(p.default) for p in code.parameters if p.default is not None}
    return Closure(code, low.frame, defaults)


@expression(gast.JoinedStr)
def _fstring(low: Lowerer, node: Any) -> Symbol:
    """An f-string, as `"...{}...".format(...)`."""
    template, given = _template(low, node)
    given = [low.memory.current(g) for g in given]
    refuse_text(low, given)
    if is_constant(given) and not any(isinstance(g, Record) for g in given):
        return template.format(*given)
    return low.call(attribute(low, template, "format"), given, {})


def _template(low: Lowerer, node: Any) -> tuple[str, list[Symbol]]:
    """The text of an f-string with fields for its values, and those values in their order."""
    text, given = "", []
    for part in node.values:
        if isinstance(part, gast.Constant):
            text += part.value.replace("{", "{{").replace("}", "}}")
            continue
        given.append(low.evaluate(part.value))
        text += "{" + ("" if part.conversion == -1 else "!" + chr(part.conversion))
        if part.format_spec is not None:
            spec, inner = _template(low, part.format_spec)
            text += ":" + spec
            given += inner
        text += "}"
    return text, given
