"""Where names live while a function is read: frames, and a journal that can take bindings back.

Each name of a call is bound to a symbol in the call's `Frame`. A branch or loop body is read inside a
`Region`, which collects its ops and remembers what it rebinds; when the region is left, the names are
as they were before, and what has changed is in `changes`, to be merged with the other branch's.
Names are read and bound here alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


Key = tuple[Frame, str]


@dataclass(eq=False)
class Region:
    """Ops and bindings of one branch or loop body."""

    builder: Builder
    old: dict[Key, Symbol] = field(default_factory=dict)
    changes: dict[Key, Symbol] = field(default_factory=dict)

    def close(self, results: list[Arg], params: tuple[Value, ...] = ()) -> Block:
        return self.builder.block(params, results)


class Places:
    """Reads and binds names, and takes bindings back where a region ends."""

    def __init__(self) -> None:
        self.regions: list[Region] = []

    def read(self, frame: Frame, name: str) -> Symbol:
        """What a name of this frame is bound to, or UNDEFINED."""
        return frame.names.get(name, UNDEFINED)

    def bind(self, frame: Frame, name: str, symbol: Symbol) -> None:
        """Bind a name of this frame."""
        if frame.level < len(self.regions):
            old = self.regions[-1].old
            key = (frame, name)
            if key not in old:
                old[key] = frame.names.get(name, UNDEFINED)
        frame.names[name] = symbol

    @contextmanager
    def inside(self, region: Region) -> Iterator[Region]:
        """Enter a region, or enter it again where it was left."""
        self.regions.append(region)
        for (frame, name), symbol in region.changes.items():
            frame.names[name] = symbol
        try:
            yield region
        finally:
            self.regions.pop()
            region.changes = {
                (frame, name): frame.names.get(name, UNDEFINED) for frame, name in region.old
            }
            restore(region.old)


def restore(bindings: Mapping[Key, Symbol]) -> None:
    """Put names back to what they were."""
    for (frame, name), symbol in bindings.items():
        frame.names[name] = symbol
