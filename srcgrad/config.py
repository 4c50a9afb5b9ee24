"""The environment switches, read once and in this one place.

`SRCGRAD_DUMP=dir` writes the graph after each pass, and the final source, into `dir`.
`SRCGRAD_CHECK=1` verifies the graph after each pass.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from srcgrad.errors import SrcgradError

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment asks for: `dump`, a directory or None; `check`, verify each pass."""

    dump: Path | None = None
    check: bool = False


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings that `environ` spells.

    Raises
    ------
    SrcgradError
        If `SRCGRAD_CHECK` is neither a yes nor a no: a misspelt switch must not pass for "off".

    Examples
    --------
    >>> read_settings({"SRCGRAD_CHECK": "1"})
    Settings(dump=None, check=True)
    """
    dump = environ.get("SRCGRAD_DUMP", "")
    check = environ.get("SRCGRAD_CHECK", "").strip().lower()
    if check not in _TRUE | _FALSE:
        raise SrcgradError(
            f"SRCGRAD_CHECK is {check!r}, which is neither a yes nor a no",
            cure="SRCGRAD_CHECK=1 to verify every pass, SRCGRAD_CHECK=0 not to",
        )
    return Settings(dump=Path(dump) if dump else None, check=check in _TRUE)


@cache
def settings() -> Settings:
    """The settings of this process: `os.environ`, read at the first call and kept.

    Examples
    --------
    >>> settings() is settings()
    True
    """
    return read_settings(os.environ)
