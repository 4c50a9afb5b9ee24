"""The ordered list of passes that a derivative goes through before it is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..config import settings
from ..ir.graph import Function
from ..ir.verify import verify
from .accumulate import accumulate
from .branches import tidy_branches
from .collect import collect_entries
from .cse import share
from .dce import eliminate, hoist_invariants
from .entries import read_where_made
from .origins import ask_origins
from .own import own_results
from .questions import ask_arguments
from .ranges import count_by_range
from .remat import rematerialize
from .schedule import schedule
from .simplify import simplify
from .splice import splice_checkpoints, splice_custom

Pass = Callable[[Function], Function]

PASSES: tuple[tuple[str, Pass], ...] = (
    ("custom", splice_custom),
    ("origins", ask_origins),
    ("ranges", count_by_range),
    ("branches", tidy_branches),
    ("eliminate", eliminate),
    ("hoist", hoist_invariants),
    ("simplify", simplify),
    ("share", share),
    ("simplify", simplify),
    ("eliminate", eliminate),
    ("entries", read_where_made),
    ("splice", splice_checkpoints),
    ("questions", ask_arguments),
    ("eliminate", eliminate),
    ("accumulate", accumulate),
    ("rematerialize", rematerialize),
    ("hoist", hoist_invariants),
    ("simplify", simplify),
    ("collect", collect_entries),
    ("schedule", schedule),
    ("own", own_results),
    ("eliminate", eliminate),
)


def optimize(function: Function) -> Function:
    """The function after all passes.

    `SRCGRAD_CHECK=1` verifies the graph after each; `SRCGRAD_DUMP=dir` writes it there.
    """
    watched = settings()
    dump(function, 0, "start", watched.dump)
    for step, (name, run) in enumerate(PASSES, start=1):
        function = run(function)
        if watched.check:
            verify(function)
        dump(function, step, name, watched.dump)
    return function


def dump(function: Function, step: int, name: str, folder: Path | None) -> None:
    """Write the graph as text, if a folder is set for it."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{function.name}.{step:02}.{name}.txt").write_text(f"{function}\n")
