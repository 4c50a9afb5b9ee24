"""Functions that call themselves, straight or by way of others: they become callees of the program.

Every call is read in place until one turns up that is being read already, with arguments of the same
structure. What had been read of the outer call is then thrown away: the function is read once, with what
is known of its arguments in every call of it, and each call becomes a `call` op.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType

from ..ir.graph import CALL, Function, Op, Parameter, Value
from ..ir.types import UNDEFINED_FACTS, Facts, join
from .branches import building
from .core import Lowerer, facts_of_symbol
from .handles import Recorder
from .places import Frame, Region
from .scopes import Code
from .symbols import (
    BoundName,
    Closure,
    Method,
    Outside,
    Partial,
    Record,
    Symbol,
    Walk,
    children,
    is_number,
    is_object,
    packable,
)

ROUNDS = 6


@dataclass(eq=False)
class Call:
    """A call that is being read: what is called, and with what."""

    code: Code
    parent: Frame | None
    function: FunctionType | None
    bound: dict[str, Symbol]
    _key: tuple[Hashable, ...] | None = None

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Equal for calls that one function of the program can serve."""
        if self._key is None:
            around = tuple(_surroundings(self.code, self.parent))
            arguments = tuple((n, skeleton(s)) for n, s in self.bound.items())
            self._key = (id(self.code), id(self.parent), id(self.function), around, arguments)
        return self._key

    def is_like(self, other: Call) -> bool:
        """Whether the same is called with the same structure, be the names around it what they may."""
        mine, others = list(self.key), list(other.key)
        del mine[3], others[3]
        return mine == others


class Recursion(BaseException):
    """Unwinds to the call that has turned out to be recursive; not an error."""

    def __init__(self, call: Call, again: Call) -> None:
        self.call, self.again = call, again


@dataclass(eq=False)
class Callee:
    """A recursive function of the program. `facts` holds what is known of each parameter in every call,
    `result` what is known of what it returns.
    """

    name: str
    call: Call
    facts: dict[str, Facts]
    result: Facts = UNDEFINED_FACTS
    changed: bool = False
    function: Function | None = None
    names: list[str] = field(default_factory=list)

    def serves(self, facts: Mapping[str, Facts]) -> bool:
        """Whether it has been read for calls with these facts, too."""
        return all(
            join(self.facts[n], f) == self.facts[n] for n, f in facts.items() if n in self.facts
        )

    def widen(self, facts: Mapping[str, Facts]) -> None:
        """Make the function serve a call with these facts, too."""
        for name, given in facts.items():
            if name not in self.facts:
                continue
            wider = join(self.facts[name], given)
            if wider != self.facts[name]:
                self.facts[name] = wider
                self.changed = True


def skeleton(symbol: Symbol) -> Hashable:
    """The structure of an argument: what a function that is read once must be read for."""
    if isinstance(symbol, Value):
        return _skeleton_of_facts(symbol.facts)
    if is_number(symbol) and not isinstance(symbol, bool):
        return "number"
    if isinstance(symbol, Record):
        return (
            "object",
            symbol.cls,
            tuple(symbol.fields),
            tuple(map(skeleton, symbol.fields.values())),
        )
    if isinstance(symbol, dict):
        return ("dict", dict, tuple(symbol), tuple(map(skeleton, symbol.values())))
    if isinstance(symbol, tuple | list):
        kind = "list" if isinstance(symbol, list) else "tuple"
        keys = getattr(symbol, "_fields", None)
        return (kind, type(symbol), keys, tuple(map(skeleton, symbol)))
    if isinstance(symbol, slice):
        return ("slice", *map(skeleton, children(symbol) or ()))
    if isinstance(symbol, Closure):
        return ("closure", id(symbol.code), id(symbol.frame), skeleton(symbol.defaults))
    if isinstance(symbol, Method):
        return ("method", skeleton(symbol.function), skeleton(symbol.owner))
    if isinstance(symbol, Partial):
        return ("partial", *map(skeleton, (symbol.function, symbol.args, symbol.keywords)))
    if isinstance(symbol, BoundName):
        return ("bound", skeleton(symbol.owner), symbol.name)
    if isinstance(symbol, Walk):
        return ("walk", symbol.kind, skeleton(symbol.parts), skeleton(symbol.start))
    if isinstance(symbol, Outside):
        return ("outside", id(symbol.value))
    if is_object(symbol):
        return ("object", id(symbol))
    return (type(symbol).__name__, symbol)


def _skeleton_of_facts(facts: Facts) -> Hashable:
    if facts.is_numeric:
        return "number"
    if facts.items is not None:
        inner = tuple(map(_skeleton_of_facts, facts.items))
        plain = {"list": list, "tuple": tuple, "dict": dict}.get(facts.kind)
        return (facts.kind, facts.cls or plain, facts.keys, inner)
    if facts.element is not None:
        return (facts.kind, _skeleton_of_facts(facts.element))
    return (facts.kind, facts.cls)


def _surroundings(code: Code, parent: Frame | None) -> Iterator[Hashable]:
    """What the names around a nested function stand for at the time of a call."""
    if parent is None:
        return
    for name in sorted(code.free):
        frame = parent.owner(name)
        if frame is not None and name in frame.names:
            symbol = frame.names[name]
            known = not isinstance(symbol, Value) and packable(symbol) and children(symbol) is None
            yield (name, repr(symbol) if known else _identity(symbol))


def _identity(symbol: Symbol) -> Hashable:
    if isinstance(symbol, Closure):
        return skeleton(symbol)
    parts = children(symbol)
    if parts is not None:
        return (type(symbol).__name__, *map(_identity, parts))
    return id(symbol)


def general(facts: Facts) -> Facts:
    """Facts that hold of an argument in calls of other shapes, too."""
    if facts.kind == "array":
        return Facts("array", facts.dtype)
    if facts.kind == "unknown":
        return Facts("unknown", facts.dtype, () if facts.shape == () else None)
    if facts.items is not None:
        items = tuple(general(i) for i in facts.items)
        return Facts(facts.kind, items=items, keys=facts.keys, cls=facts.cls)
    if facts.element is not None:
        return Facts(facts.kind, element=general(facts.element), cls=facts.cls)
    return Facts(facts.kind, facts.dtype, facts.shape, cls=facts.cls)


def dynamic(call: Call) -> dict[str, Symbol]:
    """The arguments of a call that a callee takes as parameters; the rest it is read for."""
    return {
        name: symbol
        for name, symbol in call.bound.items()
        if (not isinstance(symbol, str | bool | type(None) | Outside) and packable(symbol))
        or isinstance(symbol, Record)
    }


def facts_of_call(call: Call) -> dict[str, Facts]:
    """What is known of those arguments, whatever their shapes."""
    return {name: general(facts_of_symbol(s)) for name, s in dynamic(call).items()}


def find_recursion(low: Lowerer, call: Call) -> Symbol | None:
    """The result of a call of a function of the program that is read once; None if it is none.

    Raises
    ------
    Recursion
        The function is being read in place already.
    """
    active = [c for c in low.stack if c.code is call.code]
    if not active and call.code not in low.program.recursive:
        return None
    facts = facts_of_call(call)
    known = low.program.known.get(call.key, ())
    for callee in known:
        if callee.function is None or callee.serves(facts):
            return emit_call(low, callee, call)
    if known:
        return emit_call(low, make_callee(low, call, facts), call)
    for one in active:
        if one.key == call.key:
            raise Recursion(one, call)
        if one.is_like(call):
            low.refuse(
                f"'{call.code.name}' calls itself after a name of the function around it has changed",
                cure="pass what changes as an argument",
            )
    return None


def emit_call(low: Lowerer, callee: Callee, call: Call) -> Symbol:
    """Emit the op that calls a function of the program."""
    if callee.function is None:
        callee.widen(facts_of_call(call))
    args = tuple(low.arg(call.bound[name]) for name in callee.names)
    result = Value(None, callee.result)
    low.builder.append(
        Op(CALL, args, (result,), attrs={"callee": callee.name}, location=low.location())
    )
    return result


def callee_of(low: Lowerer, recursion: Recursion) -> Callee:
    """The function of the program for a call that has turned out to be recursive."""
    facts = facts_of_call(recursion.call)
    for name, again in facts_of_call(recursion.again).items():
        facts[name] = join(facts[name], again)
    return make_callee(low, recursion.call, facts)


def make_callee(low: Lowerer, call: Call, facts: dict[str, Facts]) -> Callee:
    """Read a recursive function once, for calls with these facts and those it makes itself."""
    name = call.code.name if call.code.name != "<lambda>" else "lambda_"
    taken = {c.name for each in low.program.known.values() for c in each} | {low.program.name}
    name = next(
        n for k in range(len(taken) + 1) if (n := f"{name}_{k + 1}" if k else name) not in taken
    )
    return _settled(low, Callee(name, call, facts, names=list(facts)))


def make_main(low: Lowerer, recursion: Recursion, given: Mapping[str, Facts]) -> Function:
    """Read the function that is differentiated as a callee of itself; `given` are its parameters."""
    call = recursion.call
    facts = {n: f if f.known else general(f) for n, f in given.items()}
    for name, again in facts_of_call(recursion.again).items():
        if name in facts:
            facts[name] = join(facts[name], again)
    callee = _settled(low, Callee(low.program.name, call, facts, names=list(given)))
    assert callee.function is not None
    return callee.function


def _settled(low: Lowerer, callee: Callee) -> Callee:
    """Read a callee until what is known of its arguments and its result holds in every call."""
    program, key = low.program, callee.call.key
    program.recursive.add(callee.call.code)
    before = dict(program.known)
    unrollable, low.unrollable = low.unrollable, 0  # what differs from round to round is passed in
    try:
        for _ in range(ROUNDS):
            program.known = {**before, key: (*before.get(key, ()), callee)}
            callee.changed = False
            function, result = _read(low, callee)
            wider = join(callee.result, general(result))
            if wider == callee.result and not callee.changed:
                callee.function = function
                return callee
            callee.result = wider
    finally:
        low.unrollable = unrollable
        if callee.function is None:
            program.known = before
    low.refuse(
        f"what '{callee.name}' is given or returns changes its structure from call to call",
        cure="write the recursion as a loop",
    )


def _read(low: Lowerer, callee: Callee) -> tuple[Function, Facts]:
    call = callee.call
    params = {name: Value(name, callee.facts[name]) for name in callee.names}
    region = Region(Recorder(low.location(), low.memory))
    for name, param in params.items():
        low.memory.born[param] = region.builder
        low.memory.locked[param] = (
            f"'{call.code.name}', which is recursive, writes into its argument '{name}'",
            "return what changes, or write the recursion as a loop",
        )
    outer, low.stack = low.stack, []
    frame, low.frame = (
        low.frame,
        Frame(
            call.code,
            call.function,
            call.parent,
            len(low.places.regions) + 1,
            {**call.bound, **{n: low.settled(v) for n, v in params.items()}},
        ),
    )
    node, trail, low.trail = low.node, low.trail, (call.code, "callee")
    try:
        with low.places.inside(region), building(low, region):
            symbol = low.execute_function(call.code.body)
            result = low.arg(symbol)
    finally:
        low.stack, low.frame, low.node, low.trail = outer, frame, node, trail
    if region.changes:
        named = any(isinstance(name, str) for _, name in region.changes)
        done = "rebinds a name" if named else "writes into an array or container"
        low.refuse(
            f"'{call.code.name}', which is recursive, {done} of the function around it",
            cure="pass what changes as an argument, and return it",
        )
    function = Function(
        callee.name,
        tuple(Parameter(n) for n in callee.names),
        region.close([result], tuple(params.values())),
        location=call.code.location(call.code.tree, None),
    )
    return function, facts_of_symbol(result)
