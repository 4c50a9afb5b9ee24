"""Where names live while a function is read: frames, and a journal that can take bindings back.

Each name of a call is bound to a symbol in the call's `Frame`, and so is each piece of memory that is
written to, whose name is its `Root` and whose frame is `HEAP`. A branch or loop body is read inside a
`Region`, which collects its ops and remembers what it rebinds; when the region is left, the names are
as they were before, and what has changed is in `changes`, to be merged with the other branch's.
Names are read and bound here alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from ..ir.build import Builder
from ..ir.graph import UNDEFINED, Arg, Block, Value
from .scopes import Code
from .symbols import Symbol


@dataclass(eq=False, slots=True)
class Frame:
    """The names of one call that is being read, or of one comprehension.

    `parent` is the frame a closure was defined in, `function` the Python function whose globals and
    cells are read where there is one. `level` counts the regions around its beginning: what is bound
    in a frame that began inside a region need not be taken back with it.
    """

    code: Code
    function: FunctionType | None
    parent: Frame | None
    level: int
    names: dict[str, Symbol] = field(default_factory=dict)
    own: frozenset[str] | None = None  # of a comprehension: its targets
    loops: int = 0  # loops of the graph that are open in this frame
    statement: Any = None

    @property
    def locals(self) -> frozenset[str]:
        return self.code.locals if self.own is None else self.own

    def owner(self, name: str) -> Frame | None:
        """The frame that a name belongs to; None for what is defined outside of all of them."""
        frame: Frame | None = self
        while frame is not None and name not in frame.locals:
            frame = frame.parent
        return frame

    @property
    def base(self) -> Frame:
        """The frame of the call that a comprehension stands in."""
        frame = self
        while frame.own is not None and frame.parent is not None:
            frame = frame.parent
        return frame

    @property
    def root(self) -> Frame:
        """The frame of the Python function around all closures, whose globals are read."""
        frame = self
        while frame.parent is not None:
            frame = frame.parent
        return frame


class Root:
    """A piece of memory: what it held at first, and where that was made.

    `entries` are those of a container that was taken apart, by key. `deep` tells that somewhere an entry
    was written to, `restructured` that one was replaced, `apart` whether no two entries are one memory.
    `locked` says why nobody may write to it, and what to do instead; `argument` is the parameter that it
    belongs to; `resized` tells that a list somewhere gets longer or shorter.
    """

    __slots__ = (
        "apart", "argument", "builder", "deep", "entries", "first", "locked", "name", "resized",
        "restructured",
    )  # fmt: skip

    def __init__(self, first: Symbol, builder: Builder) -> None:
        self.first, self.builder = first, builder
        self.name: str | None = None
        self.deep = self.restructured = self.resized = False
        self.argument: str | None = None
        self.locked: tuple[str, str] | None = None
        self.entries: dict[Any, Symbol] | None = None
        self.apart: bool | None = None


class Heap:
    """The frame of all memory that is written to: its names are roots."""

    level = 0

    def __init__(self) -> None:
        self.names: dict[Any, Symbol] = {}


Key = tuple[Any, Any]  # a frame and a name of it, or the heap and a root


@dataclass(eq=False)
class Region:
    """Ops and bindings of one branch or loop body."""

    builder: Any
    old: dict[Key, Symbol] = field(default_factory=dict)
    changes: dict[Key, Symbol] = field(default_factory=dict)

    def close(self, results: list[Arg], params: tuple[Value, ...] = ()) -> Block:
        made: Block = self.builder.block(params, results)
        return made


class Places:
    """Reads and binds names, and takes bindings back where a region ends."""

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self.heap = Heap()
        self.settle: Callable[[Region, Key, Symbol], Symbol] = lambda region, key, symbol: symbol
        self.entered: Callable[[Key, Symbol], None] = lambda key, symbol: None

    def read(self, frame: Any, name: Any) -> Symbol:
        """What a name of this frame is bound to, or UNDEFINED."""
        if frame is self.heap:
            return self.heap.names.get(name, name.first)
        return frame.names.get(name, UNDEFINED)

    def bind(self, frame: Any, name: Any, symbol: Symbol) -> None:
        """Bind a name of this frame."""
        if frame.level < len(self.regions):
            old = self.regions[-1].old
            key = (frame, name)
            if key not in old:
                old[key] = self.read(frame, name)
        frame.names[name] = symbol
        if frame is self.heap:
            self.entered((frame, name), symbol)

    def write(self, root: Root, symbol: Symbol) -> None:
        """Let a root hold something else; what was made in the region under way goes with it."""
        if self.regions and self.regions[-1].builder is root.builder:
            self.heap.names[root] = symbol
            self.entered((self.heap, root), symbol)
        else:
            self.bind(self.heap, root, symbol)

    def refine(self, root: Root, structure: Symbol) -> None:
        """Let a root that nobody has written to have held its entries one by one from the start."""
        first, root.first = root.first, structure
        bound = [self.heap.names, *(m for r in self.regions for m in (r.old, r.changes))]
        for names in bound:
            for key in (root, (self.heap, root)):
                if names.get(key) is first:
                    names[key] = structure

    @contextmanager
    def inside(self, region: Region) -> Iterator[Region]:
        """Enter a region, or enter it again where it was left."""
        self.regions.append(region)
        for (frame, name), symbol in region.changes.items():
            frame.names[name] = symbol
            if frame is self.heap:
                self.entered((frame, name), symbol)
        changes: dict[Key, Symbol] = {}
        try:
            yield region
            changes = {key: self.settle(region, key, self.read(*key)) for key in list(region.old)}
        finally:
            self.regions.pop()
            region.changes = changes
            restore(region.old)


def restore(bindings: Mapping[Key, Symbol]) -> None:
    """Put names back to what they were."""
    for (frame, name), symbol in bindings.items():
        frame.names[name] = symbol
