"""Runs many programs and prints those that fail, made small: `python -m fuzz.hunt 0 10000` in tests/.

With `--writes` the programs write into arrays and containers; with `--quick` they are not made small.
"""

import re
import sys
import time
from collections import Counter

from fuzz.check import Failure, check
from fuzz.programs import Program, program
from fuzz.shrink import shrink
from fuzz.statements import Writer
from fuzz.stores import Stores


def fails_with(key: tuple[str, str]):
    """Whether a program fails in the same stage in the same way."""

    def fails(candidate: Program) -> bool:
        try:
            check(candidate)
        except Failure as failure:
            return failure.key == key
        except Exception:  # a smaller program may be none that the comparisons are made for
            return False
        return False

    return fails


def report(failing: Program, failure: Failure) -> str:
    """A failing program, made small, with its arguments and what is wrong."""
    small = shrink(failing, fails_with(failure.key))
    try:
        check(small)
    except Failure as last:
        failure = last
    return f"seed {small.seed}: {failure}\n{small.text}args = {small.args!r}\nargnums = {small.argnums}"


def kind_of(outcome: str) -> str:
    """An outcome without the names and numbers that are the program's own."""
    return re.sub(r"'[^']*'", "'..'", re.sub(r"\d+", "N", outcome))


def hunt(first: int, last: int, small: bool = True, kind: type[Writer] = Writer) -> Counter[str]:
    """Check the programs of these seeds; how often each outcome was seen."""
    outcomes: Counter[str] = Counter()
    started = time.perf_counter()
    for seed in range(first, last):
        made = program(seed, kind)
        try:
            outcomes[kind_of(check(made))] += 1
        except Failure as failure:
            outcomes[f"FAILED {failure.key}"] += 1
            seen = outcomes[f"FAILED {failure.key}"]
            if seen <= 2:
                print(
                    report(made, failure) if small else f"seed {seed}: {failure}", "\n", flush=True
                )
            else:
                print(f"seed {seed}: {str(failure)[:150]}", "\n", flush=True)
    print(f"{last - first} programs in {time.perf_counter() - started:.0f} s")
    for outcome, count in outcomes.most_common():
        print(f"{count:6}  {outcome}")
    return outcomes


if __name__ == "__main__":
    written_by = Stores if "--writes" in sys.argv else Writer
    hunt(int(sys.argv[1]), int(sys.argv[2]), "--quick" not in sys.argv, written_by)
