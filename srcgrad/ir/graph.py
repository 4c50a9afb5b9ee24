"""The data type that travels the road: `Function`, an immutable graph of values, ops and blocks.

An argument of an op is a `Value`, a plain Python constant, or a tuple, list, dict or slice of such
arguments; so `A[i, :j]` is `getitem(A, (i, slice(None, j)))` and `np.stack([a, b])` has one
argument. Ops stand in program order. Control flow is ops that hold blocks, and a block may read any
value that stands before it:

    if_(condition)            blocks then, orelse; results: one per entry of the blocks' results
    with_(context)            block body, run inside the context manager
    checkpoint_()             block body; its reverse computes the block again instead of keeping of it
    custom_(*args)            block body; its derivative by the `CustomRule` that is its attribute `rule`
    for_(count, *inits)       block body(index, *carried) -> (*carried, *stacked[, stop])
    while_(*inits)            blocks test(*carried) -> (flag,), body(index, *carried) -> as for_
    call(*args)               runs another function of the same program, by name (recursion)

`index` counts rounds from 0; `for x in xs` is `for_(len(xs))` whose body begins with `xs[index]`.
The results of a loop are its carried values after the last round, then its *stacked* ones: lists
with one entry per round. With the attribute `stop`, the last entry of the body's results ends the
loop after the round that made it true. With `reverse`, `for_` counts from `count - 1` down to 0, and
entry k of a stacked result still belongs to index k. With the keyword argument `keep`, the reverse of a
loop is to hold no more than so many states of it at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Location
from .types import UNKNOWN, Facts

Arg = Any  # a Value, a constant, or a tuple, list, dict or slice of such


class Undefined:
    """The constant that stands for a name which no path has bound."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED = Undefined()


@dataclass(frozen=True, eq=False)
class Primitive:
    """One operation: its name, the function that runs it, and what can be said of its result.

    `infer` takes the op's arguments with every value replaced by its `Facts` and gives the facts of
    the result. `effect` marks what must run once and in order (print, assert, raise).
    """

    name: str
    function: Callable[..., Any]
    infer: Callable[..., Facts] | None = None
    effect: bool = False

    def __repr__(self) -> str:
        return self.name


def _control(name: str) -> Primitive:
    def run(*args: Any) -> Any:
        raise TypeError(f"{name} holds blocks and is run by the interpreter")

    return Primitive(name, run)


IF = _control("if_")
WITH = _control("with_")
CHECKPOINT = _control("checkpoint_")
CUSTOM = _control("custom_")
FOR = _control("for_")
WHILE = _control("while_")
CALL = _control("call")
LOOPS = (FOR, WHILE)
BRANCHES = (
    IF,
    WITH,
    CHECKPOINT,
    CUSTOM,
)  # what runs a block at most once, and hands out what that gives
CONTROL = (*BRANCHES, *LOOPS, CALL)


class Value:
    """One value of the graph, equal only to itself. `hint` is the name the user knows it by."""

    __slots__ = ("facts", "hint")

    def __init__(self, hint: str | None = None, facts: Facts = UNKNOWN) -> None:
        self.hint = hint
        self.facts = facts

    def __repr__(self) -> str:
        return f"<{self.hint or 'value'}: {self.facts}>"


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """Ops in program order, with the values they are given and what they hand back."""

    params: tuple[Value, ...]
    ops: tuple[Op, ...]
    results: tuple[Arg, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Op:
    """One operation of the graph.

    `kwargs` are arguments too, and may hold values; `attrs` say how a control op is laid out.
    `location` is the primal line that the op computes, or, with `adjoint`, reverses. `derived` marks an
    op of a derivative that is differentiated itself.
    """

    primitive: Primitive
    args: tuple[Arg, ...]
    results: tuple[Value, ...]
    kwargs: Mapping[str, Arg] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    location: Location | None = None
    adjoint: bool = False
    derived: bool = False
    _operands: tuple[Value, ...] | None = field(default=None, init=False, repr=False)

    @property
    def result(self) -> Value:
        return self.results[0]

    @property
    def ours(self) -> bool:
        """Whether a transformation made the op: no line of the user's, it may be rewritten."""
        return self.adjoint or self.derived


@dataclass(eq=False, slots=True)
class CustomRule:
    """The derivative of a `custom_` op, given by blocks that read nothing but their parameters.

    The first `inputs` arguments of the op are those with a derivative; the others are what its blocks
    read from around. Of its results, those at the places `outputs` have one. By `kind` the blocks are

        vjp       (*args) -> (*results, *residuals),
                  (*args, *residuals, *cotangents) -> cotangents of the inputs, None for zero
        jvp       (*args, *tangents) -> (*results, *tangents of the outputs)
        tangent   (*args, *results, *tangents) -> tangents of the outputs; the op itself stays
        identity  as vjp; forward mode takes the op for what it does
        unread    none: there is no derivative of this order

    Filled in when the rule has been read, as the rule may use the op itself.
    """

    name: str
    kind: str
    inputs: int
    outputs: tuple[int, ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as a signature shows it; `kind` as `inspect.Parameter` names it."""

    name: str
    kind: str = "POSITIONAL_OR_KEYWORD"
    has_default: bool = False
    default: object = None


@dataclass(frozen=True, slots=True)
class Capture:
    """A value read from outside: `name` in the source, `read` fetches it live."""

    name: str
    value: Value
    read: Callable[[], Any]


@dataclass(frozen=True, eq=False, slots=True)
class Function:
    """A whole program.

    `body.params` has one value per entry of `signature`; `body.results` has exactly one entry, maybe
    a structure. `captures` are read from outside at each call. `callees` holds the functions
    that `call` ops name, this one included where it calls itself. `guards` are pairs of a reader and
    what it gave when the function was read: once `reader()` gives another object, the graph has to be
    built anew.
    """

    name: str
    signature: tuple[Parameter, ...]
    body: Block
    captures: tuple[Capture, ...] = ()
    callees: Mapping[str, Function] = field(default_factory=dict)
    doc: str | None = None
    location: Location | None = None
    guards: tuple[tuple[Callable[[], Any], Any], ...] = ()

    writes: frozenset[str] = frozenset()  # the parameters that the user's function writes to
    assumes: tuple[str, ...] = ()  # names that were taken for numbers, not knowing what is given
    donated: frozenset[Value] = frozenset()
    owned: tuple[int, ...] | None = (
        None  # the path to the part of the result that is the caller's own
    )

    @property
    def params(self) -> tuple[Value, ...]:
        return self.body.params

    @property
    def result(self) -> Arg:
        return self.body.results[0]

    def __str__(self) -> str:
        from .text import to_text

        return to_text(self)


def values_in(arg: Arg) -> list[Value]:
    """Every value that an argument holds, in order.

    >>> a, b = Value("a"), Value("b")
    >>> values_in((a, slice(None, b), 3)) == [a, b]
    True
    """
    found: list[Value] = []
    _collect(arg, found)
    return found


# Every pass asks for the values of every op, so the frequent cases are told by their exact type.
_LEAVES = frozenset({int, float, complex, bool, str, type(None)})
_SEQUENCES = (tuple, list)


def _collect(arg: Arg, found: list[Value]) -> None:
    kind = type(arg)
    if kind is Value:
        found.append(arg)
    elif kind in _LEAVES:
        return
    elif isinstance(arg, _SEQUENCES):
        for item in arg:
            _collect(item, found)
    elif isinstance(arg, dict):
        for item in arg.values():
            _collect(item, found)
    elif isinstance(arg, slice):
        for item in (arg.start, arg.stop, arg.step):
            _collect(item, found)


def map_values(function: Callable[[Value], Any], arg: Arg) -> Any:
    """The same argument with `function` applied to every value in it; constants stay."""
    kind = type(arg)
    if kind is Value:
        return function(arg)
    if kind in _LEAVES:
        return arg
    if isinstance(arg, tuple):
        mapped = [map_values(function, item) for item in arg]
        return type(arg)(*mapped) if hasattr(arg, "_fields") else tuple(mapped)
    if isinstance(arg, list):
        return [map_values(function, item) for item in arg]
    if isinstance(arg, slice):
        return slice(*(map_values(function, p) for p in (arg.start, arg.stop, arg.step)))
    if isinstance(arg, dict):
        return {key: map_values(function, item) for key, item in arg.items()}
    return arg


def operands(op: Op) -> tuple[Value, ...]:
    """The values that an op reads itself, without those its blocks read."""
    known = op._operands
    if known is None:
        found: list[Value] = []
        for arg in op.args:
            _collect(arg, found)
        for arg in op.kwargs.values():
            _collect(arg, found)
        known = tuple(found)
        object.__setattr__(op, "_operands", known)  # remembered: every pass asks
    return known


def reads(op: Op) -> tuple[Value, ...]:
    """The values that an op reads from the block it stands in, also through its own blocks."""
    if not op.blocks:
        return operands(op)
    return (*operands(op), *(v for block in op.blocks for v in free_values(block)))


def free_values(block: Block) -> dict[Value, None]:
    """The values that a block reads and does not define, each once, in order of reading."""
    bound = set(block.params)
    free: dict[Value, None] = {}
    for op in block.ops:
        for value in reads(op):
            if value not in bound:
                free[value] = None
        bound.update(op.results)
    for value in values_in(block.results):
        if value not in bound:
            free[value] = None
    return free


def walk(block: Block) -> Iterator[Op]:
    """Every op of a block and of the blocks inside it, in program order."""
    for op in block.ops:
        yield op
        for inner in op.blocks:
            yield from walk(inner)


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop op's parts by name."""

    op: Op

    @property
    def inits(self) -> tuple[Arg, ...]:
        return self.op.args[1:] if self.op.primitive is FOR else self.op.args

    @property
    def count(self) -> Arg | None:
        return self.op.args[0] if self.op.primitive is FOR else None

    @property
    def body(self) -> Block:
        return self.op.blocks[-1]

    @property
    def test(self) -> Block | None:
        return self.op.blocks[0] if self.op.primitive is WHILE else None

    @property
    def index(self) -> Value:
        return self.body.params[0]

    @property
    def carried(self) -> tuple[Value, ...]:
        return self.body.params[1:]

    @property
    def width(self) -> int:
        """How many values are carried."""
        return len(self.inits)

    @property
    def yields(self) -> tuple[Arg, ...]:
        """What the body hands to the next round."""
        return self.body.results[: self.width]

    @property
    def entries(self) -> tuple[Arg, ...]:
        """What the body adds to the stacked results."""
        end = len(self.body.results) - (1 if self.stops else 0)
        return self.body.results[self.width : end]

    @property
    def stop(self) -> Arg:
        return self.body.results[-1] if self.stops else False

    @property
    def stops(self) -> bool:
        return bool(self.op.attrs.get("stop"))

    @property
    def reverse(self) -> bool:
        return bool(self.op.attrs.get("reverse"))

    @property
    def keep(self) -> Arg | None:
        """How many states its reverse may hold at a time; None where each round keeps what is read."""
        return self.op.kwargs.get("keep")

    @property
    def finals(self) -> tuple[Value, ...]:
        return self.op.results[: self.width]

    @property
    def stacks(self) -> tuple[Value, ...]:
        return self.op.results[self.width :]
