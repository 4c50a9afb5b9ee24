"""Python's builtins that are worked out while reading, as far as what they are given is known."""

from __future__ import annotations

import collections
import functools
import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.graph import Value
from ..ir.types import PY_BOOL, PY_INT, Facts
from ..ops.facts import getitem
from .branches import Outcome, choose, truth
from .calls import call_primitive
from .core import BUILTINS, Lowerer, primitive_of
from .displays import item
from .expressions import apply_binary, truth_value
from .late import of_call
from .loops import LoopReader, counted
from .mappings import spread
from .specials import MISSING, as_number, call_special, iterated, listed
from .symbols import (
    Outside,
    Parent,
    Partial,
    Record,
    Symbol,
    Walk,
    children,
    is_constant,
    packable,
)
from .walks import ONCE, RANGE, Iteration, entries, walk
from .writes import write_attribute

Arguments = list[Symbol]
Keywords = dict[str, Symbol]
Handler = Callable[[Lowerer, Arguments, Keywords], Symbol]
_MISSING: Any = object()


def builtin(*functions: Any) -> Callable[[Handler], Handler]:
    """Register what a call of a builtin does."""

    def register(handler: Handler) -> Handler:
        for function in functions:
            BUILTINS[function] = handler
        return handler

    return register


def emit(low: Lowerer, function: Any, args: Arguments, kwargs: Keywords, **more: Any) -> Symbol:
    """Leave a call to run time."""
    return low.emit(primitive_of(function), args, kwargs, **more)


@builtin(super)
def _parent(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    """`super()` in a method: its object, as its class's parents see it."""
    frame = low.frame.base
    function = frame.function
    names = function.__code__.co_freevars if function is not None else ()
    if args or function is None or "__class__" not in names or not frame.code.parameters:
        low.refuse("'super' is supported without arguments, in a method", cure="name the class")
    cell = (function.__closure__ or ())[names.index("__class__")]
    return Parent(cell.cell_contents, low.places.read(frame, frame.code.parameters[0].name))


# --- walking -----------------------------------------------------------------------------------------


@builtin(range)
def _range_of(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    known = is_constant(args) and all(type(a) is int for a in args)
    facts = Facts("range", known=(range(*args),)) if known and args else RANGE
    return emit(low, range, args, kwargs, facts=facts)


@builtin(zip)
def _zipped(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    once = [id(a) for a in args if isinstance(a, Walk) and a.kind in ONCE]
    if len(set(once)) < len(once):
        low.refuse(
            "zip() takes its entries from one iterator several times",
            cure="write zip(x[::2], x[1::2])",
        )
    return Walk("zip", tuple(args), kwargs.get("strict", False))


@builtin(enumerate)
def _enumerated(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    given = [*args, *kwargs.values()]
    return Walk("enumerate", (given[0],), given[1] if len(given) > 1 else 0)


@builtin(itertools.count)
def _numbers(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    given = {**dict(zip(("start", "step"), args, strict=False)), **kwargs}
    return Walk("count", (given.get("start", 0), given.get("step", 1)))


@builtin(reversed)
def _backwards(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    return Walk("reversed", tuple(args))


@builtin(len)
def _length(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    (symbol,) = args
    special = call_special(low, symbol, "__len__")
    if special is not MISSING:
        return special
    if isinstance(symbol, Walk):
        found = walk(low, symbol)
        return found.length if found.length is not None else found.count()
    parts = children(symbol)
    if parts is not None and not isinstance(symbol, Record | slice):
        return len(parts)
    if isinstance(symbol, Value):
        facts = symbol.facts
        if facts.kind in ("list", "tuple", "dict") and facts.items is not None:
            return len(facts.items)
        if facts.kind == "range" and facts.known:
            return len(facts.known[0])
        return emit(low, len, args, kwargs, facts=PY_INT)
    return emit(low, len, args, kwargs)


def _sequence(kind: Any) -> Handler:
    def make(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
        if not args:
            return kind()
        symbol = iterated(low, args[0])
        if isinstance(symbol, dict):
            return kind(symbol)
        if isinstance(symbol, list | tuple | str):
            return kind(symbol)
        if isinstance(symbol, Walk):
            known = entries(low, symbol)
            if known is not None:
                return kind(known)
            return _list_of(low, walk(low, symbol), kind)
        name = kind.__name__
        if isinstance(symbol, Value):
            facts = symbol.facts
            if facts.kind == name and kind is tuple:
                return symbol
            if facts.kind == name:  # the same entries, in a list of its own
                return emit(low, kind, args, kwargs, facts=facts)
            if facts.kind == "dict" and facts.keys is not None:
                return kind(facts.keys)
            made = Facts(name, items=facts.items, element=facts.element, cls=kind)
            if facts.kind == "range" and facts.known and len(facts.known[0]) <= 64:
                return kind(facts.known[0])
            if facts.kind not in ("list", "tuple"):
                row = walk(low, symbol) if facts.is_numeric else None
                element = _entry_facts(symbol) if row is not None else None
                made = Facts(
                    name, element=PY_INT if facts.kind == "range" else element or Facts("opaque")
                )
            return emit(low, kind, args, kwargs, facts=made)
        return emit(low, kind, args, kwargs, facts=Facts(name, element=Facts("opaque")))

    return make


def _entry_facts(value: Value) -> Facts:
    return getitem(value.facts, PY_INT)


def _list_of(low: Lowerer, iteration: Iteration, kind: Any) -> Symbol:
    """A list of what is walked over, made by a loop."""

    def body(index: Symbol) -> Outcome:
        reader.entry = iteration.entry(index)
        return Outcome()

    reader = LoopReader(low, low.node, body, set())
    reader.stacks = True
    reader.read(iteration.count())
    counted(reader.stack, iteration)
    return reader.stack if kind is list else BUILTINS[kind](low, [reader.stack], {})


BUILTINS[list] = _sequence(list)
BUILTINS[tuple] = _sequence(tuple)


@builtin(iter)
def _iterator(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    if len(args) != 1:
        return emit(low, iter, args, kwargs)
    known = isinstance(args[0], Walk) and args[0].kind in ONCE
    return args[0] if known else Walk("lazy", (args[0],), of_call(low))


@builtin(next)
def _next(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    if isinstance(args[0], Outside):
        return emit(low, next, args, kwargs)
    low.refuse(
        "'next()' is not supported: how far an iterator has got is not followed",
        cure="make a list of it, and take its entries by their places: xs[0]",
    )


@builtin(np.ndenumerate)
def _places_and_entries(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    (given,) = args
    owner = low.call(np.asarray, [given], {}) if isinstance(given, list | tuple) else given
    shape = low.call(np.shape, [owner], {})
    return Walk("ndenumerate", (owner, low.call(np.ndindex, [shape], {})))


@builtin(map)
def _mapped(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    function, *sources = args
    iteration = walk(low, sources[0] if len(sources) == 1 else Walk("zip", tuple(sources)))

    def entry(index: Symbol) -> Symbol:
        given = iteration.entry(index)
        return low.call(function, list(given) if len(sources) > 1 else [given], {})

    new = Iteration(iteration.length, iteration.count, entry, iteration.unroll, iteration.indexed)
    unrolled = new.unrolled(low)
    made = [entry(k) for k in range(new.length or 0)] if unrolled else _list_of(low, new, list)
    return Walk("lazy", (made,), of_call(low, *args))


@builtin(functools.reduce)
def _reduced(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    function, source, *initial = args
    known = entries(low, source)
    if known is None:
        low.refuse("functools.reduce over a sequence of unknown length", cure="write a for loop")
    rest = [*initial, *known]
    if not rest:
        low.refuse("reduce() of empty iterable with no initial value")
    result = rest[0]
    for symbol in rest[1:]:
        result = low.call(function, [result, symbol], {})
    return result


def _decides(function: Any) -> Handler:
    """any() and all() of what is spelled out stop at the first entry that decides."""

    def make(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
        symbol = listed(low, args[0])
        if isinstance(symbol, Walk):
            symbol = BUILTINS[list](low, [symbol], {})
        if not isinstance(symbol, list | tuple):
            return emit(low, function, args, kwargs, facts=PY_BOOL)

        def chain(k: int) -> Symbol:
            if k == len(symbol):
                return function is all
            known = truth(low, symbol[k])
            if known is not None:
                return chain(k + 1) if known == (function is all) else function is any
            if function is any:
                return choose(low, symbol[k], lambda: True, lambda: chain(k + 1))
            return choose(low, symbol[k], lambda: chain(k + 1), lambda: False)

        return chain(0)

    return make


BUILTINS[any] = _decides(any)
BUILTINS[all] = _decides(all)


def _over_entries(function: Any) -> Handler:
    """sum(), min(), max(), sorted(): of what is walked over, as a list."""

    def make(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
        if len(args) == 1 or (args and function is not min and function is not max):
            args = [listed(low, args[0]), *args[1:]]
        if args and isinstance(args[0], Walk):
            args = [BUILTINS[list](low, [args[0]], {}), *args[1:]]
        start = [*args[1:], *kwargs.values()]
        spelled = function is sum and isinstance(args[0], list | tuple)
        if spelled and not all(packable(a) for a in args[0]):
            return _added(low, args[0], start)
        if function is sum and start and _is_sequence(start[0]):
            return _joined(low, args[0], start)
        if function is not sum and len(args) == 1 and isinstance(args[0], list | tuple):
            if not args[0] and "default" in kwargs:
                return kwargs["default"]
        return call_primitive(low, function, args, kwargs)

    return make


def _added(low: Lowerer, items: Any, start: Arguments) -> Symbol:
    """A sum of things that define `+` themselves."""
    result: Symbol = start[0] if start else 0
    for term in items:
        result = apply_binary(low, operator.add, result, term)
    return result


def _is_sequence(start: Symbol) -> bool:
    """Whether what a sum starts with is a list or tuple, to which others are joined."""
    facts = start.facts if isinstance(start, Value) else None
    return isinstance(start, list | tuple) or (
        facts is not None and facts.kind in ("list", "tuple")
    )


def _joined(low: Lowerer, lists: Symbol, start: Arguments) -> Symbol:
    """A list of lists, one after the other."""
    each = entries(low, lists)
    if each is None:
        low.refuse(
            "how many lists are joined by sum() is only known when the function runs",
            cure="append to a list in a loop: for part in parts: whole += part",
        )
    return _added(low, each, start)


for _function in (sum, min, max, sorted):
    BUILTINS[_function] = _over_entries(_function)


@builtin(dict)
def _dictionary(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    if not args:
        return dict(kwargs)
    (source,) = args
    if isinstance(source, dict):
        return {**source, **kwargs}
    if isinstance(source, Value) and source.facts.kind == "dict" and source.facts.keys is not None:
        return {**spread(low, source), **kwargs}
    pairs = entries(low, source)
    if pairs is not None:
        made: dict[Any, Symbol] = {}
        for pair in pairs:
            two = entries(low, pair)
            if two is None or len(two) != 2 or not is_constant(two[0]):
                break
            made[two[0]] = two[1]
        else:
            return {**made, **kwargs}
    low.give_up(
        "the keys of this dict are only known when the function runs",
        cure="write the dict out, or walk over keys that are known",
    )


@builtin(set)
def _set(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    return emit(low, set, args, kwargs, facts=Facts("opaque", cls=set))


@builtin(collections.OrderedDict)
def _ordered(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    return BUILTINS[dict](low, args, kwargs)


@builtin(collections.defaultdict)
def _default_dictionary(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    low.refuse(
        "collections.defaultdict is not supported",
        cure="use a dict, and say what a new key begins with: d[k] = d.get(k, 0.0) + x",
    )


@builtin(collections.deque)
def _double_ended(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    """A deque, which is read as a list."""
    if len(args) > 1 or kwargs:
        low.refuse(
            "collections.deque is supported with one argument at most",
            cure="leave maxlen out, and write 'if len(xs) > n: xs.popleft()'",
        )
    return BUILTINS[list](low, args, {})


@builtin(functools.partial)
def _partial(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    return Partial(args[0], tuple(args[1:]), dict(kwargs))


@builtin(functools.wraps)
def wraps(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    """`functools.wraps(f)` only copies names; the wrapper itself is what is called."""
    return _unchanged


@builtin(operator.getitem)
def _get_item(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    return item(low, args[0], args[1])


@builtin(slice)
def _make_slice(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    return slice(*args)


def _unchanged(value: Any) -> Any:
    return value


@builtin(_unchanged)
def _identity(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    return args[0]


def _number(kind: Any) -> Handler:
    def make(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
        given = [as_number(low, kind, a) for a in args]
        return emit(low, kind, given, kwargs, facts=Facts(kind.__name__, None, ()))

    return make


for _kind in (float, int, complex):
    BUILTINS[_kind] = _number(_kind)


@builtin(bool)
def _boolean(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    return truth_value(low, args[0]) if args else False


@builtin(setattr, object.__setattr__)
def _set_attribute(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    if kwargs or len(args) != 3 or not isinstance(args[1], str):
        _forbidden(low, args, kwargs)
    owner, name, new = args
    frozen = getattr(low.node.func, "attr", None) == "__setattr__"
    write_attribute(low, owner, str(name), new, even_frozen=frozen)
    return None


@builtin(eval, exec, globals, locals, vars, delattr)
def _forbidden(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    name = (
        low.node.func.id if hasattr(low.node, "func") and hasattr(low.node.func, "id") else "this"
    )
    low.refuse(f"'{name}()' cannot be read", cure="write out what it does")
