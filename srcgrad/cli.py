"""The command line: `srcgrad demo`, one subcommand per job, `srcgrad --version`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import metadata

from srcgrad.errors import SrcgradError


def _demo(options: argparse.Namespace) -> int:
    # Imported here so that `srcgrad --help` and `--version` do not pay for NumPy and the data.
    from srcgrad import demo

    demo.run(check=options.check)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser of the `srcgrad` command; each subcommand names the function that runs it."""
    parser = argparse.ArgumentParser(
        prog="srcgrad", description="Ahead-of-time differentiation of NumPy programs."
    )
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    commands = parser.add_subparsers(title="commands", metavar="<command>")

    demo = commands.add_parser(
        "demo", help="fit a classifier to a public data set with a generated gradient"
    )
    demo.add_argument(
        "--check", action="store_true", help="compare the fit with SciPy's L-BFGS-B (needs SciPy)"
    )
    demo.set_defaults(run=_demo)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: `sys.argv[1:]`) and return the exit status.

    0 is success, 1 an error that srcgrad reports (printed, without a traceback); a command line
    that cannot be read leaves through `SystemExit(2)`, as argparse does.

    Examples
    --------
    >>> main([])  # doctest: +ELLIPSIS
    usage: srcgrad [-h] [--version] <command> ...
    0
    """
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.version:
        print(f"srcgrad {metadata.version('srcgrad')}")
        return 0
    if "run" not in options:
        parser.print_help()
        return 0
    try:
        status: int = options.run(options)
    except SrcgradError as error:
        print(f"srcgrad: {error}", file=sys.stderr)
        return 1
    return status
