"""The machine that reads a function: it evaluates nodes to symbols and emits ops for what it must.

What each kind of node does is registered by the modules above, in `EXPRESSIONS`, `STATEMENTS` and
`BUILTINS`; `Lowerer` holds what they share: the builder, the frames, places in the source, and the
program that is being made.
"""

from __future__ import annotations

import builtins
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from ..errors import Location, SrcgradError, UnsupportedSyntax
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import UNDEFINED, Arg, Capture, Op, Primitive, Value, values_in
from ..ir.types import UNDEFINED_FACTS, Facts, facts_of
from ..ops import registry
from .handles import Recorder
from .places import Frame, Places, Region
from .sizes import Sizes, remember
from .stores import Stores
from .symbols import (
    BoundName,
    Closure,
    Conflict,
    Method,
    Outside,
    Partial,
    Record,
    Symbol,
    Walk,
    children,
    is_constant,
    is_number,
    kind_name,
    leaves,
    packable,
    rebuild,
)

EXPRESSIONS: dict[type, Callable[[Any, Any], Symbol]] = {}
STATEMENTS: dict[type, Callable[..., Any]] = {}
BUILTINS: dict[Any, Callable[..., Symbol]] = {}

# Handlers of objects whose class has `__srcgrad_transform__`: called with the object, the lowerer, the
# positional and the keyword arguments, they give the symbol of the call's result.
TRANSFORMS: list[Callable[[Any, Any, Sequence[Symbol], Mapping[str, Symbol]], Symbol]] = []

_IN_PLACE = {f"i{n.rstrip('_')}" for n in operator.__all__} | {"delitem", "setitem"}
_FOLDED = {
    *(f for n, f in vars(operator).items() if n in operator.__all__ and n not in _IN_PLACE),
    *(f for n, f in vars(math).items() if callable(f) and not n.startswith("_")),
    abs, bool, complex, divmod, float, format, getattr, int, len, max, min, pow, repr, round, str, sum,
    type, chr, ord, sorted, isinstance, callable, hasattr, issubclass,
}  # fmt: skip
_LARGEST = 64  # entries or characters of a container that is computed while reading


@dataclass(eq=False)
class Program:
    """What all functions of one program share: what they read from outside, and one another."""

    captures: dict[Any, Capture] = field(default_factory=dict)
    guards: dict[Any, tuple[Callable[[], Any], Any]] = field(default_factory=dict)
    places: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # what each path stands for
    module: str = ""
    name: str = ""
    recursive: set[Any] = field(default_factory=set)  # codes of functions that are read once
    known: dict[Any, Any] = field(default_factory=dict)  # their callees, by the key of a call
    rules: list[Any] = field(default_factory=list)  # derivative rules that are being read
    owners: set[str] = field(default_factory=set)  # objects whose method is differentiated
    shaped: bool = False  # whether it is read for given arguments, and what is outside as it is now

    def owns(self, path: str) -> bool:
        """Whether what a path leads to belongs to an object whose method is differentiated."""
        return path.partition(".")[0] in self.owners

    def outside(self, value: Any) -> Facts:
        """The facts of what is read from outside.

        Its shape belongs to them where the program is made for given arguments; a guard sees when it
        has another.
        """
        return facts_of(value) if self.shaped else outside_facts(value)


class Unroll(Exception):
    """Something has to be known that differs from round to round: read the loop round by round."""


class Lowerer(ABC):
    """Reads one function: its ops so far, the names in sight, and where in the source it stands."""

    def __init__(
        self, program: Program, location: Location | None = None, *, generic: bool = False
    ) -> None:
        self.program = program
        self.places = Places()
        self.memory = Stores(self, self.places, generic)
        self.builder: Builder = Recorder(location, self.memory)
        self.memory.outermost = self.builder
        self.frame: Frame = None  # type: ignore[assignment]  # set before anything is read
        self.node: Any = None
        self.unrollable = 0  # loops around this point that could be read round by round
        self.stack: list[Any] = []  # calls that are being read inside one another
        self.trail: Any = None  # the call nodes that led here
        self.facts_of_loops: dict[Any, Any] = {}
        self.sizes: Sizes = {}

    # --- evaluating ---------------------------------------------------------------------------------

    def evaluate(self, node: Any) -> Symbol:
        """The symbol of an expression, after emitting the ops that it takes."""
        handler = EXPRESSIONS.get(type(node))
        if handler is None:
            self.refuse(f"{type(node).__name__} is not supported", node)
        outer, self.node = self.node, node
        try:
            symbol = handler(self, node)
        except SrcgradError as error:
            error.at(self.location())
            raise
        finally:
            self.node = outer
        self.memory.made(symbol)
        return symbol

    def location(self, node: Any = None) -> Location | None:
        """Where in the user's source the machine stands."""
        node = node if node is not None else self.node
        if node is None or self.frame is None:
            return self.builder.location
        return self.frame.code.location(node, self.frame.statement)

    def refuse(self, why: str, node: Any = None, cure: str | None = None) -> NoReturn:
        """Raise UnsupportedSyntax at a node."""
        raise UnsupportedSyntax(why, self.location(node), cure=cure)

    def give_up(self, why: str, node: Any = None, cure: str | None = None) -> NoReturn:
        """Refuse what cannot be known here, unless reading a loop round by round would tell."""
        if self.unrollable:
            raise Unroll
        self.refuse(why, node, cure)

    # --- emitting -----------------------------------------------------------------------------------

    def emit(
        self,
        primitive: Primitive,
        args: Sequence[Symbol],
        kwargs: Mapping[str, Symbol] | None = None,
        *,
        hint: str | None = None,
        facts: Facts | None = None,
    ) -> Symbol:
        """Append an op, or compute at once what depends on constants alone."""
        given = [self.arg(a) for a in args]
        named = {k: self.arg(a) for k, a in kwargs.items()} if kwargs else {}
        return self._emitted(primitive, given, named, hint, facts)

    def _emitted(
        self,
        primitive: Primitive,
        given: list[Arg],
        named: dict[str, Arg],
        hint: str | None,
        facts: Facts | None,
    ) -> Symbol:
        values = [v for a in (*given, *named.values()) for v in values_in(a)]
        if not values and not primitive.effect and primitive.function in _FOLDED:
            done, result = fold(primitive.function, given, named)
            if done:
                return result
        if any(v.facts.kind == "undefined" for v in values):
            facts = UNDEFINED_FACTS
        self.builder.location = self.location()
        try:
            result = self.builder.emit(primitive, given, named, hint=hint, facts=facts)
        except SrcgradError as error:
            raise error.at(self.location()) from None
        remember(self.sizes, primitive.function, given, result)
        return self.settled(result)

    def apply(self, function: Callable[..., Any], *args: Symbol, **keywords: Any) -> Symbol:
        """Emit a call of a function that is a primitive, or becomes one."""
        return self.emit(primitive_of(function), args, **keywords)

    def emit_item(self, owner: Value, index: Any) -> Symbol:
        """Emit `owner[index]` for an index that is known."""
        return self.apply(operator.getitem, owner, index)

    def settled(self, value: Value) -> Symbol:
        """A value, or what it is known to be by itself: a string, a function, None, a truth value."""
        known = value.facts.known
        return known[0] if known and value.facts.kind != "range" else value

    def arg(self, symbol: Symbol) -> Arg:
        """A symbol as an op's argument.

        Raises
        ------
        UnsupportedSyntax
            It is or holds something that does not exist at run time, such as a nested function.
        UnknownAlias
            Something that may be the same memory has been written to.
        """
        return self.pack(self.memory.current(symbol))

    def pack(self, symbol: Symbol) -> Arg:
        """A symbol as an op's argument, as it stands: no name is looked up in memory again."""
        if isinstance(symbol, Value) or symbol is None or isinstance(symbol, str | int | float):
            return symbol
        if isinstance(symbol, Outside):
            return self.capture(symbol)
        if isinstance(symbol, Record):
            fields = {k: self.pack(v) for k, v in symbol.fields.items()}
            facts = Facts(
                "object",
                items=tuple(facts_of_symbol(v) for v in fields.values()),
                keys=tuple(fields),
                cls=symbol.cls,
            )
            maker = primitive_of(symbol.cls, pure=True)
            return self._emitted(maker, [], fields, None, facts)
        parts = children(symbol)
        if parts is not None:
            return rebuild(symbol, [self.pack(p) for p in parts])
        if isinstance(symbol, Walk):
            return self.listed(symbol)
        if isinstance(symbol, Conflict):
            if self.unrollable:
                raise Unroll
            if symbol.error is not None:
                raise symbol.error
            raise UnsupportedSyntax(
                symbol.why,
                symbol.location,
                cure="use it on each path, before they meet, and let them meet in a number or array",
            )
        if isinstance(symbol, Closure | Method | Partial | BoundName):
            self.refuse(
                f"{kind_name(symbol)} defined here is handed to code that cannot be read",
                cure="write out, as a loop or comprehension, what that code does with it",
            )
        return symbol

    def check_entry(self, symbol: Symbol) -> None:
        """Refuse what cannot be an entry of a list that a loop makes."""
        if packable(symbol):
            return
        if isinstance(symbol, Conflict):
            self.arg(symbol)
        if isinstance(symbol, Record):
            self.give_up(
                "a loop makes a list of objects, which is too long to be read entry by entry",
                cure="use an array for each attribute, or a list of at most 64",
            )
        self.give_up(
            "a list of functions whose length is only known when the function runs",
            cure="write the calls out, or use a list of known length",
        )

    def listed(self, walk: Walk) -> Arg:
        """What is walked over, as a list."""
        items = BUILTINS[builtins.list](self, [walk], {})
        return self.arg(items)

    def capture(self, outside: Outside) -> Value:
        """The graph's value for an object read from outside; one per name."""
        path = outside.path
        capture = self.program.captures.get(path)
        if capture is None:
            value = Value(path.replace(".", "_"), self.program.outside(outside.value))
            capture = self.program.captures[path] = Capture(path, value, outside.read)
            self.memory.given.add(value)
            if not self.program.owns(path):
                why = f"'{path}' is written to, which is outside: a gradient leaves it alone"
                self.memory.locked[value] = (why, "pass it as an argument, or take a copy first")
        return capture.value

    def path(self, name: str, *place: Any) -> str:
        """A path of its own for a place outside: `name`, numbered where another place has that.

        `place` holds objects, told apart by identity, that say where the value is read.
        """
        places, k, path = self.program.places, 1, name
        while not _same_place(places.setdefault(path.replace(".", "_"), place), place):
            k += 1
            path = f"{name}_{k}"
        return path

    # --- what the modules above do --------------------------------------------------------------------

    @abstractmethod
    def call(
        self, function: Symbol, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
    ) -> Symbol:
        """The symbol of a call's result."""

    @abstractmethod
    def execute_function(self, body: list[Any]) -> Symbol:
        """Read a function's body; what it returns."""

    # --- branches -----------------------------------------------------------------------------------

    def region(self) -> Region:
        """A new region for a branch or loop body."""
        return Region(self.builder.child())


def cut(ops: list[Op], last: Op | None) -> None:
    """Take back the ops that have been appended after the last one of a time before."""
    del ops[ops.index(last) + 1 if last is not None else 0 :]


def _same_place(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return len(a) == len(b) and all(
        x is y or (isinstance(x, str) and x == y) for x, y in zip(a, b, strict=True)
    )


def primitive_of(function: Callable[..., Any], *, pure: bool | None = None) -> Primitive:
    """The primitive of a callable; one made for it where srcgrad has none."""
    found = registry.find(function)
    if found is not None:
        return found
    if pure is None:
        pure = is_pure(function)
    return registry.made(function, effect=not pure)


def raise_(exception: Any) -> None:
    """Raise an exception, as a call."""
    raise exception


NOTHING = Facts("none", known=(None,))
RAISE = registry.declare(raise_, name="raise_", effect=True, infer=lambda *a, **k: NOTHING)

_PURE_PACKAGES = {
    "numpy",
    "math",
    "cmath",
    "operator",
    "_operator",
    "scipy",
    "itertools",
    "functools",
}
_EFFECTS = {print, input, open, next, setattr, delattr, iter, exec, eval, __import__}


def is_pure(function: Any) -> bool:
    """Whether a call of this function does nothing but compute its result."""
    module = getattr(function, "__module__", None) or ""
    owner = getattr(function, "__self__", None)
    if isinstance(function, type) and issubclass(function, BaseException):
        return True
    if owner is not None and not isinstance(owner, type(math)):
        return isinstance(owner, str | bytes | tuple | frozenset)
    if module == "builtins" or (isinstance(owner, type(math)) and owner is builtins):
        return function not in _EFFECTS
    if type(function).__name__ == "ufunc":
        return True
    return module.partition(".")[0] in _PURE_PACKAGES and not module.startswith("numpy.random")


def fold(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[bool, Any]:
    """Run a function on constants: whether that went well, and the result.

    What raises is left to run time, where it may never be reached; what grows large is not kept.
    """
    if function in (operator.pow, operator.lshift, pow) and any(
        isinstance(a, int) and abs(a) > 10_000 for a in args
    ):
        return False, None
    try:
        result = function(*args, **kwargs)
    except Exception:
        return False, None
    if isinstance(result, str | list | tuple) and len(result) > _LARGEST:
        return False, None
    if isinstance(result, int) and result.bit_length() > 256:
        return False, None
    plain = all(
        leaf is None
        or is_number(leaf)
        or isinstance(leaf, str | type)
        or any(leaf is known for known in (UNDEFINED, Ellipsis))
        for leaf in leaves(result)
    )
    return plain and is_constant(result), result


def facts_of_symbol(symbol: Symbol) -> Facts:
    """What is known of a symbol that can be an argument."""
    if isinstance(symbol, Outside):
        return outside_facts(symbol.value)
    if isinstance(symbol, Record):
        items = tuple(facts_of_symbol(v) for v in symbol.fields.values())
        return Facts("object", items=items, keys=tuple(symbol.fields), cls=symbol.cls)
    return facts_of_arg(symbol)


def outside_facts(value: Any) -> Facts:
    """The facts of what is read from outside: its kind and dtype, but no shape, which may change."""
    return without_shapes(facts_of(value))


def without_shapes(facts: Facts) -> Facts:
    """The same facts, but nothing of the shape of arrays in it."""
    if facts.kind == "array":
        return replace(facts, shape=None)
    if facts.items is not None:
        return replace(facts, items=tuple(without_shapes(i) for i in facts.items))
    if facts.element is not None:
        return replace(facts, element=without_shapes(facts.element))
    return facts
