"""The five verbs: which functions srcgrad knows, and the one-line derivative rule of each.

A row names a function and gives its formulas, plain NumPy lambdas over the cotangent `g`, the result
`y` and the function's own parameters, under NumPy's own names for them:

    elementwise(np.sin, lambda g, y, x: g * np.cos(x))
    linear(np.transpose, lambda g, y, a, axes=None: np.transpose(g, inverse(axes)))

Rows hold calculus only. Un-broadcasting is the transformation's business, and which parameters a call
may use is read off the formula: a parameter that the lambda does not name is refused.
"""

from __future__ import annotations

import linecache
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from ..errors import Location, MissingRule, SrcgradError, StructureError
from ..ir.graph import Primitive, Value, values_in
from ..ir.types import Facts
from . import facts

Formula = Callable[..., Any]
Infer = Callable[..., Facts]
Verb = Literal["elementwise", "linear", "bilinear", "zero", "custom"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: how one function is differentiated.

    `vjps[k]` gives the cotangent of argument k, or is None where nothing flows to it; `jvps[k]` the
    tangent of the result due to the tangent of argument k, called like the former with that tangent
    for `g`. The first `data` of `vjps` are the row's own; a place that the row does not speak of has a
    formula that refuses, so that nothing is dropped silently.
    """

    verb: Verb
    vjps: tuple[Formula | None, ...] = ()
    jvps: tuple[Formula | None, ...] = ()
    parameters: tuple[str, ...] | None = None  # names a call may use; None: not checked
    positional: int = 0  # how many of them a call may give by position
    data: int = 0  # for how many arguments the row has formulas
    defaults: Mapping[str, Any] = field(default_factory=dict)
    lists: bool = False  # whether an argument may be a list or tuple of values
    itself: bool = (
        False  # linear in all data arguments together: its tangent is it, of their tangents
    )
    checked: bool = False  # a user's row: what its formulas give is looked at


PRIMITIVES: dict[Any, Primitive] = {}
RULES: dict[Primitive, Rule] = {}
MADE: WeakValueDictionary[int, Primitive] = WeakValueDictionary()  # by the ids of their functions


def name_of(function: Callable[..., Any]) -> str:
    """The name of a primitive as texts and errors show it."""
    owner: Any = getattr(function, "__self__", None)
    if type(owner).__name__ == "ufunc":  # np.logaddexp.reduce
        return f"{name_of(owner)}.{getattr(function, '__name__', '?')}"
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", str(function))
    if module.partition(".")[0] == "numpy" or vars(np).get(str(name)) is function:
        home = "" if "._" in module else module.partition(".")[2]
        return f"np.{home}.{name}" if home else f"np.{name}"
    if module in ("builtins", "_operator", "operator") or module.startswith("srcgrad."):
        return str(name)
    return f"{module.lstrip('_')}.{name}" if module else str(name)


def _rule(
    functions: Any,
    verb: Verb,
    vjps: Sequence[Formula | None],
    jvps: Sequence[Formula | None],
    infer: Infer | None,
    lists: bool = False,
    itself: bool = False,
    checked: bool = False,
) -> None:
    # What `refused` gives names no parameters.
    given = next((v for v in (*vjps, *jvps) if v is not None and v.__code__.co_argcount), None)
    data = max(len(vjps), len(jvps))
    rule = Rule(
        verb, tuple(vjps), tuple(jvps), data=data, lists=lists, itself=itself, checked=checked
    )
    if given is not None:
        code, defaults = given.__code__, given.__defaults__ or ()
        names = parameters(given)
        count = code.co_argcount - 2
        by_name = dict(zip(names[count - len(defaults) : count], defaults, strict=True))
        by_name.update(given.__kwdefaults__ or {})
        variadic = code.co_flags & CO_VARARGS
        places = len(vjps) if variadic else count
        first = functions[0] if isinstance(functions, tuple) else functions
        rest = [
            refused(name_of(first), f"its argument {name!r}", "keep it constant")
            for name in names[data:places]
        ]
        rule = replace(
            rule,
            vjps=(*vjps, *rest),
            parameters=names,
            positional=places,
            defaults=by_name,
        )
    for function in functions if isinstance(functions, tuple) else (functions,):
        made = infer
        if made is None and verb == "elementwise":
            made = facts.elementwise(function)
        primitive = declare(function, infer=made)
        RULES[primitive] = rule


CO_VARARGS = 4  # inspect.CO_VARARGS, without the import


def parameters(formula: Formula) -> tuple[str, ...]:
    """The parameters of a formula after `g` and `y`: those of the function it belongs to."""
    code = formula.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    return tuple(code.co_varnames[2:count])


def declare(
    function: Callable[..., Any],
    *,
    infer: Infer | None = None,
    effect: bool = False,
    name: str | None = None,
) -> Primitive:
    """Make a primitive of a function, without a rule of its own."""
    primitive = Primitive(name or name_of(function), function, infer, effect)
    PRIMITIVES[function] = primitive
    return primitive


def made(function: Callable[..., Any], *, effect: bool = False) -> Primitive:
    """The primitive of a function or class that no table names: the same while any graph has it."""
    primitive = MADE.get(id(function))
    if primitive is None:
        primitive = MADE[id(function)] = Primitive(name_of(function), function, None, effect)
    return primitive


def elementwise(
    functions: Any,
    *formulas: Formula | None,
    infer: Infer | None = None,
    tangents: Sequence[Formula | None] | Literal["itself"] | None = None,
    lists: bool = False,
) -> None:
    """A function applied entry by entry, broadcasting: one formula per argument serves both modes.

    `tangents` are other formulas for forward mode, where a function also takes containers; "itself"
    is as for `custom`.
    """
    if tangents == "itself":
        _rule(functions, "elementwise", formulas, (), infer, lists, itself=True)
        return
    jvps = formulas if tangents is None else tangents
    _rule(functions, "elementwise", formulas, jvps, infer, lists)


def linear(
    functions: Any,
    transpose: Formula,
    *still: None,
    argnum: int = 0,
    infer: Infer | None = None,
    lists: bool = False,
) -> None:
    """A function linear in one argument (an array or a list of arrays): `transpose` is its adjoint.

    Each None after it stands for an argument that gives the result no more than a shape.
    """
    before: list[Formula | None] = [None] * argnum
    vjps = (*before, transpose, *still)
    _rule(functions, "linear", vjps, (), infer, lists)


def bilinear(functions: Any, *formulas: Formula | None, infer: Infer | None = None) -> None:
    """A function linear in each of several arguments: in each that has a formula."""
    _rule(functions, "bilinear", formulas, (), infer)


def zero(functions: Any, *, infer: Infer | None = None) -> None:
    """Functions through which nothing flows: piecewise constant, integer valued, or a stop."""
    _rule(functions, "zero", (), (), infer)


def custom(
    functions: Any,
    *,
    vjp: Formula | Sequence[Formula | None],
    jvp: Formula | Sequence[Formula | None] | Literal["itself"],
    infer: Infer | None = None,
    lists: bool = False,
) -> None:
    """Anything else: the cotangent of each argument, and the tangent that each one causes.

    "itself" says that the function is linear in all arguments that have a cotangent, taken together.
    """
    vjps = (vjp,) if callable(vjp) else tuple(vjp)
    if jvp == "itself":
        _rule(functions, "custom", vjps, (), infer, lists, itself=True)
        return
    jvps = (jvp,) if callable(jvp) else tuple(jvp)
    _rule(functions, "custom", vjps, jvps, infer, lists)


def refuse(primitive: str, what: str, cure: str) -> NoReturn:
    """Say that a rule does not cover a use of its function.

    Raises
    ------
    MissingRule
        Always.
    """
    raise MissingRule(f"{primitive} has no derivative rule for {what}", cure=cure)


def refused(primitive: str, what: str, cure: str) -> Formula:
    """A formula for an argument that has a derivative, but not here: it refuses.

    >>> refused("np.f", "its order", "pass a constant")(1.0, 2.0)
    Traceback (most recent call last):
    srcgrad.errors.MissingRule: np.f has no derivative rule for its order
      Instead: pass a constant
    """
    return lambda *args, **kwargs: refuse(primitive, what, cure)


def register(
    function: Callable[..., Any],
    formulas: Sequence[Formula | None],
    verb: str,
    tangents: Sequence[Formula | None] = (),
) -> None:
    """Give a user's function a rule; `srcgrad.register` says how.

    Raises
    ------
    SrcgradError
        There is no such verb, or it takes other formulas.
    """
    if verb not in VERBS:
        raise SrcgradError(f"there is no verb {verb!r}", cure="use one of " + ", ".join(VERBS))
    if not _is_hashable(function):
        name = getattr(function, "__name__", "f")
        raise SrcgradError(
            f"'{name}' is of type {type(function).__name__!r}, which no table can hold",
            cure=f"register a Python function that calls it: def c_{name}(x): return {name}(x)",
        )
    if tangents and verb != "custom":
        raise SrcgradError(
            f"{verb!r} takes no formulas for tangents: those for cotangents tell them",
            cure='leave jvp out, or use verb="custom"',
        )
    if tangents and len(tangents) != len(formulas):
        raise SrcgradError(
            f"jvp has {len(tangents)} formulas for tangents, where there are {len(formulas)} for "
            "cotangents",
            cure="give one per argument in both, None where nothing flows",
        )
    for formula in (*formulas, *tangents):
        if formula is not None and not hasattr(formula, "__code__"):
            raise SrcgradError(
                f"a formula is a Python function, and this is {type(formula).__name__!r}",
                cure="write lambda g, y, x: ...",
            )
        if formula is not None:
            code = formula.__code__
            if code.co_argcount < 3 and not code.co_flags & CO_VARARGS:
                raise StructureError(
                    f"a formula for {name_of(function)} takes {code.co_argcount} arguments",
                    where(formula),
                    cure="take g, y and the arguments of the function: lambda g, y, x: ...",
                )
    counts = {"linear": 1, "zero": 0}
    if counts.get(verb, len(formulas)) != len(formulas) or (verb == "linear" and None in formulas):
        wants = {"linear": "one formula", "zero": "no formulas"}[verb]
        raise SrcgradError(f"{verb!r} takes {wants}, not {len(formulas)}")
    infer = _entrywise if verb == "elementwise" and not isinstance(function, np.ufunc) else None
    jvps = formulas if verb == "elementwise" else tangents
    _rule(function, verb, formulas, jvps, infer, checked=True)  # type: ignore[arg-type]


def _is_hashable(function: Any) -> bool:
    try:
        hash(function)
    except TypeError:
        return False
    return True


def where(formula: Formula) -> Location:
    """Where a formula is defined."""
    code = formula.__code__
    text = linecache.getline(code.co_filename, code.co_firstlineno).rstrip("\n")
    column = len(text) - len(text.lstrip()) + 1
    return Location(code.co_filename, code.co_firstlineno, column, text, code.co_name)


def _entrywise(*args: Any, **kwargs: Any) -> Facts:
    """The shape that the arguments broadcast to; of the dtype nothing is known."""
    given = [facts.of(a) for a in args]
    kind: Any = "array" if any(f.kind == "array" for f in given) else "unknown"
    return Facts(kind, None, facts.broadcast([f.shape for f in given]))


VERBS = ("elementwise", "linear", "bilinear", "zero", "custom")


def find(function: Any) -> Primitive | None:
    """The primitive of a function, or None where srcgrad does not know it."""
    try:
        return PRIMITIVES.get(function)
    except TypeError:  # not hashable
        return None


def rule_of(primitive: Primitive) -> Rule:
    """The row of a primitive.

    Raises
    ------
    MissingRule
        Naming the function and the line that would register a rule.
    """
    rule = RULES.get(primitive)
    if primitive.function is operator.call:
        raise MissingRule(
            "what is differentiated is passed to a function that is only known when this one runs",
            cure="call the gradient, or specialize(*args), so that the kinds of its arguments are known",
        )
    if rule is None:
        raise MissingRule(
            f"srcgrad has no derivative rule for {primitive.name}",
            cure=f"register one, for instance  srcgrad.register({primitive.name}, "
            "lambda g, y, x: g * ...)  or keep what is differentiated out of this call",
        )
    return rule


def formulas(rule: Rule, count: int) -> tuple[Formula | None, ...]:
    """The cotangent formulas for a call with `count` arguments."""
    return (rule.vjps + (None,) * count)[:count]


def normalize_call(
    primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call in the form that formulas take: data first, keywords after.

    Raises
    ------
    MissingRule
        Where the call uses a parameter that the rule does not cover.
    """
    rule = RULES.get(primitive)
    if rule is None or rule.parameters is None:
        return tuple(args), dict(kwargs)
    names = rule.parameters
    data = min(rule.data or 1, len(names))
    kept = dict(kwargs)
    positional = list(args)
    while any(name in kept for name in names[len(positional) : data]):
        name = names[len(positional)]
        if name not in kept and name not in rule.defaults:
            break  # a required argument is missing: running the call says so
        positional.append(kept.pop(name, rule.defaults.get(name)))
    unknown = [k for k in kept if k not in names]
    if len(positional) > rule.positional or unknown:
        what = f"the argument {unknown[0]!r}" if unknown else f"{len(positional)} arguments"
        raise MissingRule(
            f"srcgrad has no derivative rule for {primitive.name} with {what}",
            cure=f"use only {', '.join(names)}" if names else "leave it out",
        )
    return tuple(positional), kept


def lists_to_convert(primitive: Primitive, args: Sequence[Any]) -> list[int]:
    """Which arguments of a NumPy function are lists or tuples of values and must be made arrays.

    `np.sum([x, y])` is `np.sum(np.array([x, y]))`, so that rows may take arrays for granted.
    """
    rule = RULES.get(primitive)
    if rule is None or rule.lists or not primitive.name.startswith("np."):
        return []
    return [
        k
        for k, (formula, arg) in enumerate(zip(rule.vjps[: rule.data], args, strict=False))
        if formula is not None
        and (
            arg.facts.kind in ("list", "tuple")
            if isinstance(arg, Value)
            else isinstance(arg, list | tuple) and bool(values_in(arg))
        )
    ]


# NumPy's names of Python's operators. Rules and the transformation speak in operators, so that generated
# code does; what a user calls by NumPy's name keeps it.
OPERATORS: dict[Any, Any] = {}


def operator_of(function: Any) -> Any:
    """The operator that a ufunc is the name of, or the function itself."""
    return OPERATORS.get(function, function)


def _operators() -> None:
    for ufunc, symbol in (
        (np.add, operator.add),
        (np.subtract, operator.sub),
        (np.multiply, operator.mul),
        (np.divide, operator.truediv),
        (np.floor_divide, operator.floordiv),
        (np.remainder, operator.mod),
        (np.power, operator.pow),
        (np.matmul, operator.matmul),
        (np.negative, operator.neg),
        (np.positive, operator.pos),
        (np.equal, operator.eq),
        (np.not_equal, operator.ne),
        (np.less, operator.lt),
        (np.less_equal, operator.le),
        (np.greater, operator.gt),
        (np.greater_equal, operator.ge),
        (np.bitwise_and, operator.and_),
        (np.bitwise_or, operator.or_),
        (np.bitwise_xor, operator.xor),
        (np.invert, operator.invert),
        (np.left_shift, operator.lshift),
        (np.right_shift, operator.rshift),
    ):
        OPERATORS[ufunc] = symbol


_operators()
