"""Statements other than loops, and how a list of them is read one after the other."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import gast
import numpy as np

from ..errors import SrcgradError
from ..ir.graph import Value
from ..ops.registry import declare
from .branches import (
    BREAK,
    CONTINUE,
    RETURN,
    Exit,
    Outcome,
    branch,
    building,
    settled,
    then_rest,
    truth,
)
from .core import NOTHING, RAISE, STATEMENTS, Lowerer
from .expressions import OPERATORS, bind, function_value
from .merge import Slot, fill
from .objects import attribute
from .scopes import Names, always_leaves
from .symbols import Outside, Symbol, children, kind_name, rebuild
from .unpack import unpack
from .writes import augment, delete_target, write_target

Handler = Callable[..., Outcome | None]

# What reads the item of a with statement, given what reads the block; None if it is not for it.
CONTEXTS: list[Callable[[Lowerer, Any, Callable[[], Outcome]], Outcome | None]] = []


def statement(*kinds: type) -> Callable[[Handler], Handler]:
    """Register what to do with a kind of statement."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            STATEMENTS[kind] = handler
        return handler

    return register


def execute(low: Lowerer, body: list[Any], start: int = 0, after: Rest | None = None) -> Outcome:
    """Read statements from `start` on, and `after` them what is given, if they fall through.

    What follows a branch may be read inside it.
    """
    for k in range(start, len(body)):
        node = body[k]
        handler = STATEMENTS.get(type(node))
        if handler is None:
            low.refuse(f"{type(node).__name__} is not supported", node)
        outer = low.frame.statement, low.node
        low.frame.statement = low.node = node
        rest = Following(low, body, k + 1, after)
        try:
            outcome = handler(low, node, rest)
        except SrcgradError as error:
            error.at(low.location(node))
            raise
        finally:
            low.frame.statement, low.node = outer
        if rest.read:
            return outcome or Outcome()
        if outcome is not None and not outcome.plain:
            return _at(low, node, outcome, rest)
    return Outcome() if after is None else after()


def _at(low: Lowerer, node: Any, outcome: Outcome, rest: Following) -> Outcome:
    """Read what follows a statement that may have left, under a branch that belongs to it."""
    outer = low.frame.statement, low.node
    low.frame.statement = low.node = node
    try:
        return then_rest(low, outcome, rest, rest.end, rest.end)
    finally:
        low.frame.statement, low.node = outer


class Following:
    """What follows a statement, to be read once, wherever that statement says.

    `end` are the names that may be read after all of it.
    """

    def __init__(self, low: Lowerer, body: list[Any], start: int, after: Rest | None) -> None:
        self.low, self.body, self.start, self.after = low, body, start, after
        self.read = False

    def __call__(self) -> Outcome:
        self.read = True
        return execute(self.low, self.body, self.start, self.after)

    @property
    def end(self) -> Names | None:
        if self.after is not None:
            return self.after.end
        return self.low.frame.base.code.liveness.end.get(self.body[self.start - 1])


class End:
    """What follows the last statement of a function or loop body: it leaves as if told to."""

    def __init__(self, exit: Exit, value: Symbol, end: Names | None) -> None:
        self.exit, self.value, self.end = exit, value, end

    def __call__(self) -> Outcome:
        return Outcome.leaves(self.exit, self.value)


Rest = Following | End


def execute_function(low: Lowerer, body: list[Any]) -> Symbol:
    """Read a function's body; what it returns."""
    outcome = execute(low, body, after=End(RETURN, None, frozenset()))
    return None if outcome.dead else outcome.value


# --- binding -----------------------------------------------------------------------------------------


@statement(gast.Assign)
def _assign(low: Lowerer, node: Any, rest: Following) -> None:
    symbol = low.evaluate(node.value)
    for target in node.targets:
        bind_target(low, target, symbol)


@statement(gast.AnnAssign)
def _annotated(low: Lowerer, node: Any, rest: Following) -> None:
    if node.value is not None:
        bind_target(low, node.target, low.evaluate(node.value))


def bind_target(low: Lowerer, target: Any, symbol: Symbol) -> None:
    """Bind what stands left of `=`, or after `for`."""
    if isinstance(target, gast.Name):
        bind(low, low.frame, target.id, symbol)
    elif isinstance(target, gast.Tuple | gast.List):
        starred = [k for k, t in enumerate(target.elts) if isinstance(t, gast.Starred)]
        parts = unpack(low, symbol, len(target.elts), starred[0] if starred else None, target)
        for inner, part in zip(target.elts, parts, strict=True):
            bind_target(low, inner.value if isinstance(inner, gast.Starred) else inner, part)
    else:
        write_target(low, target, symbol)


@statement(gast.AugAssign)
def _augmented(low: Lowerer, node: Any, rest: Following) -> None:
    augment(low, node.target, OPERATORS[type(node.op)], lambda: low.evaluate(node.value))


@statement(gast.Delete)
def _deleted(low: Lowerer, node: Any, rest: Following) -> None:
    for target in node.targets:
        delete_target(low, target)


@statement(gast.FunctionDef)
def _define(low: Lowerer, node: Any, rest: Following) -> None:
    symbol = function_value(low, node)
    for decorator in reversed(node.decorator_list):
        symbol = low.call(low.evaluate(decorator), [symbol], {})
    bind(low, low.frame, node.name, symbol)


@statement(gast.Import)
def _imported(low: Lowerer, node: Any, rest: Following) -> None:
    for alias in node.names:
        module = _module(low, alias.name)
        if alias.asname is None:
            name = alias.name.partition(".")[0]
            bind(low, low.frame, name, importlib.import_module(name))
        else:
            bind(low, low.frame, alias.asname, module)


@statement(gast.ImportFrom)
def _imported_from(low: Lowerer, node: Any, rest: Following) -> None:
    function = low.frame.root.function
    package = function.__globals__.get("__package__") if function is not None else None
    name = "." * node.level + (node.module or "")
    module = _module(low, name, package)
    for alias in node.names:
        if not hasattr(module, alias.name):
            importlib.import_module(f"{module.__name__}.{alias.name}")
        bind(low, low.frame, alias.asname or alias.name, attribute(low, module, alias.name))


def _module(low: Lowerer, name: str, package: str | None = None) -> Any:
    try:
        return importlib.import_module(name, package)
    except ImportError as error:
        low.refuse(str(error))


@statement(gast.Nonlocal)
def _nonlocal(low: Lowerer, node: Any, rest: Following) -> None:
    for name in node.names:
        if low.frame.owner(name) is None:
            low.refuse(
                f"'{name}' belongs to a function that has returned, and is written to here: a gradient "
                "leaves alone what is outside",
                cure="take it as an argument and return its new value",
            )


@statement(gast.Pass)
def _nothing(low: Lowerer, node: Any, rest: Following) -> None:
    pass


@statement(gast.Expr)
def _evaluated(low: Lowerer, node: Any, rest: Following) -> None:
    low.evaluate(node.value)


# --- leaving -----------------------------------------------------------------------------------------


@statement(gast.Return)
def _returned(low: Lowerer, node: Any, rest: Following) -> Outcome:
    if low.frame.loops:
        return Outcome.leaves(node)  # what it returns is computed after the loop, see loops.py
    return Outcome.leaves(RETURN, returned_value(low, node))


def returned_value(low: Lowerer, node: Any) -> Symbol:
    """What a return statement returns."""
    return None if node.value is None else low.evaluate(node.value)


@statement(gast.Break)
def _broken(low: Lowerer, node: Any, rest: Following) -> Outcome:
    return Outcome.leaves(BREAK)


@statement(gast.Continue)
def _continued(low: Lowerer, node: Any, rest: Following) -> Outcome:
    return Outcome.leaves(CONTINUE)


def assert_(condition: Any, message: Any = None) -> None:
    """Assert a condition, as a call."""
    if not condition:
        raise AssertionError(message) if message is not None else AssertionError


ASSERT = declare(assert_, name="assert_", effect=True, infer=lambda *a, **k: NOTHING)


@statement(gast.Raise)
def _raised(low: Lowerer, node: Any, rest: Following) -> Outcome:
    if node.exc is None:
        low.refuse("'raise' without an exception, outside of an except", node)
    low.emit(RAISE, [low.evaluate(node.exc)])
    return Outcome(falls=False)


@statement(gast.Assert)
def _asserted(low: Lowerer, node: Any, rest: Following) -> None:
    condition = low.evaluate(node.test)
    if truth(low, condition) is True:
        return
    message = [] if node.msg is None else [low.evaluate(node.msg)]
    low.emit(ASSERT, [condition, *message])


# --- branching ---------------------------------------------------------------------------------------


@statement(gast.If)
def _conditional(low: Lowerer, node: Any, rest: Following) -> Outcome:
    condition = low.evaluate(node.test)
    known = truth(low, condition)
    if known is not None:
        return execute(low, node.body if known else node.orelse)
    end = rest.end
    live = low.frame.base.code.liveness.after.get(node)
    first, second = always_leaves(node.body), always_leaves(node.orelse)
    if first != second:
        # The other side is the only way on, so that the rest can be read right inside of it.
        live, sides = end, (None if first else rest, None if second else rest)
    else:
        sides = (None, None)
    return branch(
        low,
        condition,
        lambda: execute(low, node.body, after=sides[0]),
        lambda: execute(low, node.orelse, after=sides[1]),
        rest if first == second else None,
        live,
        end,
    )[0]


@statement(gast.With)
def _within(low: Lowerer, node: Any, rest: Following) -> Outcome:
    """`with np.errstate(...)`: the block runs inside the context manager."""
    return _with_items(low, node, 0)


def _with_items(low: Lowerer, node: Any, k: int) -> Outcome:
    if k == len(node.items):
        return execute(low, node.body)
    item = node.items[k]
    for handler in CONTEXTS:
        outcome = handler(low, item, lambda: _with_items(low, node, k + 1))
        if outcome is not None:
            return outcome
    context = None if _is_generator(low, item.context_expr) else low.evaluate(item.context_expr)
    if not (isinstance(context, Value) and context.facts.cls is np.errstate):
        low.refuse(
            f"'with' of {'an object' if context is None else kind_name(context)} is not supported; "
            "np.errstate is",
            item.context_expr,
            cure="move the with statement into the caller",
        )
    if item.optional_vars is not None:
        low.refuse("'as' after np.errstate gives nothing", item.optional_vars, cure="leave it out")
    region = low.region()
    with low.places.inside(region), building(low, region):
        outcome = settled(low, _with_items(low, node, k + 1))
    keys, symbols = list(region.changes), list(region.changes.values())
    return _close_with(low, context, region, outcome, keys, symbols)


def _is_generator(low: Lowerer, node: Any) -> bool:
    """Whether this calls what `contextlib.contextmanager` made, which is no good to read."""
    if not isinstance(node, gast.Call):
        return False
    made = getattr(low.evaluate(node.func), "__wrapped__", None)
    return hasattr(made, "__code__") and inspect.isgeneratorfunction(made)


def _close_with(
    low: Lowerer, context: Value, region: Any, outcome: Outcome, keys: Any, symbols: list[Symbol]
) -> Outcome:
    given: list[Symbol] = []

    def slotted(symbol: Symbol) -> Symbol:
        """The symbol with slots for the values that the block hands out."""
        if isinstance(symbol, Value):
            given.append(symbol)
            return Slot(len(given) - 1)
        parts = None if isinstance(symbol, Outside) else children(symbol)
        return symbol if parts is None else rebuild(symbol, [slotted(p) for p in parts])

    new = [slotted(s) for s in symbols]
    value = slotted(outcome.value)
    flags = {k: slotted(f) for k, f in outcome.flags.items()}
    block = region.close(given)
    low.builder.location = low.location()
    results = low.builder.emit_with(context, block)
    for (frame, name), symbol in zip(keys, new, strict=True):
        if frame is low.places.heap:
            low.places.write(name, fill(symbol, results))
        else:
            low.places.bind(frame, name, fill(symbol, results))
    low.memory.merged(results, given)
    flags = {k: fill(f, results) for k, f in flags.items()}
    return Outcome(outcome.falls, flags, fill(value, results))
