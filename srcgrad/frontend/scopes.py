"""What can be told of a function from its tree alone: its parameters, its names, which are still read.

`Code` is made once per function and kept; reading the same function again with other facts reuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import gast

from ..errors import Location
from .source import Source
from .statement_text import statement_text

FUNCTIONS = (gast.FunctionDef, gast.AsyncFunctionDef, gast.Lambda)
COMPREHENSIONS = (gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)
LOOPS = (gast.For, gast.While)
EXITS = (gast.Break, gast.Continue, gast.Return, gast.Raise)


@dataclass(frozen=True, slots=True)
class ParameterNode:
    """One parameter as the tree shows it; `default` is the node of its default."""

    name: str
    kind: str
    default: Any = None


@dataclass(eq=False)
class Code:
    """A function's tree with what is known of it before any value is."""

    source: Source
    tree: Any
    name: str
    nested: dict[Any, Code] = field(default_factory=dict)
    places: dict[Any, Location] = field(default_factory=dict)

    @cached_property
    def body(self) -> list[Any]:
        if isinstance(self.tree, gast.Lambda):
            return [gast.copy_location(gast.Return(value=self.tree.body), self.tree.body)]
        return list(self.tree.body)

    @cached_property
    def nodes(self) -> list[Any]:
        """Every node of the tree, that of the function itself first."""
        return list(gast.walk(self.tree))

    @cached_property
    def own(self) -> list[Any]:
        """The nodes of the body, without those of functions defined in it."""
        return list(_own(self.body, gast.AST))

    @cached_property
    def parameters(self) -> tuple[ParameterNode, ...]:
        return tuple(_parameters(self.tree.args))

    @cached_property
    def nonlocals(self) -> frozenset[str]:
        return frozenset(n for s in self.own if isinstance(s, gast.Nonlocal) for n in s.names)

    @cached_property
    def locals(self) -> frozenset[str]:
        """The names that belong to a call of this function."""
        names = {p.name for p in self.parameters} | set(stored(self.body))
        return frozenset(names) - self.nonlocals

    @cached_property
    def captured(self) -> frozenset[str]:
        """The names that functions defined inside may read at any time."""
        inside = (self.inner(node).free for node in self.own if isinstance(node, FUNCTIONS))
        return frozenset().union(*inside)

    @cached_property
    def free(self) -> frozenset[str]:
        """The names that this function, or one inside it, takes from around it."""
        names = (n for n in self.own if isinstance(n, gast.Name))
        read = {n.id for n in names if isinstance(n.ctx, gast.Load)}
        return (frozenset(read) | self.nonlocals | self.captured) - self.locals

    @cached_property
    def liveness(self) -> Liveness:
        return Liveness(self.body)

    def inner(self, tree: Any) -> Code:
        """The code of a function defined inside this one."""
        if tree not in self.nested:
            name = getattr(tree, "name", "<lambda>")
            self.nested[tree] = Code(self.source, tree, name)
        return self.nested[tree]

    def location(self, node: Any, statement: Any) -> Location:
        """Where a node stands, with the statement around it."""
        place = self.places.get(node)
        if place is None:
            base = self.source.location(node)
            text = statement_text(self.source, statement) if statement is not None else ""
            line = getattr(statement, "lineno", 0) or 0
            place = Location(
                base.file, base.line, base.column, base.text, self.name, base.end_column, text, line
            )
            self.places[node] = place
        return place


def _parameters(args: Any) -> Iterator[ParameterNode]:
    positional = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
    for k, (arg, default) in enumerate(zip(positional, defaults, strict=True)):
        only = k < len(args.posonlyargs)
        kind = "POSITIONAL_ONLY" if only else "POSITIONAL_OR_KEYWORD"
        yield ParameterNode(arg.id, kind, default)
    if args.vararg is not None:
        yield ParameterNode(args.vararg.id, "VAR_POSITIONAL")
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield ParameterNode(arg.id, "KEYWORD_ONLY", default)
    if args.kwarg is not None:
        yield ParameterNode(args.kwarg.id, "VAR_KEYWORD")


def always_leaves(body: list[Any]) -> bool:
    """Whether a list of statements is seen to end in a return, break or continue on every path."""
    last = body[-1] if body else None
    if isinstance(last, gast.If):
        return always_leaves(last.body) and always_leaves(last.orelse)
    return isinstance(last, gast.Return | gast.Break | gast.Continue)


def _own(body: Iterable[Any], kinds: Any) -> Iterator[Any]:
    """The nodes of a kind that a body holds, not looking into functions defined in it."""
    pending = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, kinds):
            yield node
        if not isinstance(node, FUNCTIONS):
            pending.extend(gast.iter_child_nodes(node))
        else:
            pending.extend(getattr(node, "decorator_list", ()))
            pending.extend(node.args.defaults)
            pending.extend(d for d in node.args.kw_defaults if d is not None)


def stored(body: Iterable[Any]) -> Iterator[str]:
    """The names that statements or expressions bind in the function they stand in."""
    pending = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, gast.Name):
            if not isinstance(node.ctx, gast.Load):
                yield node.id
        elif isinstance(node, gast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, FUNCTIONS):
            if hasattr(node, "name"):
                yield node.name
            pending.extend(node.args.defaults)
            pending.extend(d for d in node.args.kw_defaults if d is not None)
        elif isinstance(node, COMPREHENSIONS):
            # Its targets are its own; only what `:=` binds belongs to the function.
            yield from (n.target.id for n in _own([node], gast.NamedExpr))
        elif isinstance(node, gast.ClassDef):
            yield node.name
        else:
            pending.extend(gast.iter_child_nodes(node))


def rebound(node: Any) -> set[str]:
    """The names that something in a node binds other than by `op=`, which may write into an array."""
    augmented = {id(n.target) for n in gast.walk(node) if isinstance(n, gast.AugAssign)}
    found = set()
    for inner in gast.walk(node):
        if isinstance(inner, gast.Name) and not isinstance(inner.ctx, gast.Load):
            if id(inner) not in augmented:
                found.add(inner.id)
        elif isinstance(inner, (*FUNCTIONS, gast.alias, gast.ClassDef)):
            found.update(stored([inner]))
    return found


def loaded(node: Any) -> Iterator[str]:
    """Every name that is read anywhere in a node."""
    if node is None:
        return
    for inner in gast.walk(node):
        if isinstance(inner, gast.Name) and isinstance(inner.ctx, gast.Load):
            yield inner.id
        elif isinstance(inner, gast.Nonlocal):
            yield from inner.names


Names = frozenset[str]
_NONE: Names = frozenset()


class Liveness:
    """Which names may still be read, found by walking a body backwards.

    `after[s]` is what may be read after statement s, `end[s]` what may be read after the list of
    statements that s stands in, and `head[s]`, for a loop, what a round or the code after the loop may
    read of what earlier rounds have bound.
    """

    def __init__(self, body: list[Any]) -> None:
        self.after: dict[Any, Names] = {}
        self.end: dict[Any, Names] = {}
        self.head: dict[Any, Names] = {}
        self._breaks: list[Names] = []
        self._heads: list[Names] = []
        self._returned: Names = _NONE
        self._reads: dict[Any, Names] = {None: _NONE}
        self._binds: dict[Any, Names] = {}
        self._block(body, _NONE)

    def _loaded(self, node: Any) -> Names:
        """`loaded`, worked out once per node: the body of a loop is walked several times."""
        if node not in self._reads:
            self._reads[node] = frozenset(loaded(node))
        return self._reads[node]

    def _stored(self, node: Any) -> Names:
        if node not in self._binds:
            self._binds[node] = frozenset(stored([node]))
        return self._binds[node]

    def _bound(self, node: Any) -> Names:
        """What a statement binds for certain; `:=` may stand where it is not reached."""
        if isinstance(node, gast.Assign):
            return _NONE.union(*map(self._stored, node.targets))
        if isinstance(node, gast.AnnAssign):
            return self._stored(node.target) if node.value is not None else _NONE
        if isinstance(node, gast.FunctionDef | gast.Import | gast.ImportFrom):
            return self._stored(node)
        return _NONE

    def _block(self, body: list[Any], live: Names) -> Names:
        end = live
        for statement in reversed(body):
            if isinstance(statement, (*LOOPS, gast.If, gast.With)):
                self.end[statement] = end | self._leaving(statement)
                self.after[statement] = live | self._leaving(statement)
            live = self._statement(statement, live)
        return live

    def _leaving(self, statement: Any) -> Names:
        """What is read where a jump out of `statement` leads to."""
        if not self._heads or not any(True for _ in _own([statement], EXITS)):
            return _NONE
        return self._heads[-1] | self._breaks[-1] | self._returned

    def _statement(self, node: Any, live: Names) -> Names:
        if isinstance(node, gast.If):
            inner = self._block(node.body, live) | self._block(node.orelse, live)
            return inner | self._loaded(node.test)
        if isinstance(node, LOOPS):
            return self._loop(node, live)
        if isinstance(node, gast.With):
            reads = _NONE.union(*(self._loaded(item.context_expr) for item in node.items))
            given = [item.optional_vars for item in node.items if item.optional_vars is not None]
            # What a block of `grad_of` leaves in its name is read at its end.
            return self._block(node.body, live.union(*map(self._stored, given))) | reads
        if isinstance(node, gast.Return):
            reads = self._loaded(node.value)
            if self._heads:  # in a loop, what is returned is computed after it
                self._returned |= reads
            return reads
        if isinstance(node, gast.Raise):
            return self._loaded(node)
        if isinstance(node, gast.Break):
            return self._breaks[-1]
        if isinstance(node, gast.Continue):
            return self._heads[-1]
        if isinstance(node, gast.AugAssign):
            return live | self._loaded(node) | self._stored(node.target)
        return (live - self._bound(node)) | self._loaded(node)

    def _loop(self, node: Any, live: Names) -> Names:
        out = self._block(node.orelse, live) if node.orelse else live
        test = node.test if isinstance(node, gast.While) else None
        targets = self._stored(node.target) if test is None else _NONE
        head = out | self._loaded(test)
        self._breaks.append(live)
        while True:
            self._heads.append(head)
            inner = self._block(node.body, head) - targets
            self._heads.pop()
            if inner <= head:
                break
            head |= inner
        self._breaks.pop()
        self.head[node] = head | live | self._returned
        return head | (self._loaded(node.iter) if test is None else _NONE)
