"""What `import srcgrad` costs beside `import numpy`: python benchmarks/import_time.py [pairs]

Whole processes are timed, alternately, so that both see the same machine; the ratio is taken pair
by pair and the median printed. The aim is a ratio of at most 1.3.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]

# They choose OpenBLAS kernels by hand, which changes what `import numpy` costs.
NOT_OURS = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}


def seconds(statement: str) -> float:
    """How long a fresh interpreter takes to run `statement`."""
    environ = {key: value for key, value in os.environ.items() if key not in NOT_OURS}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, cwd=ROOT, env=environ)
    return time.perf_counter() - started


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    for statement in ("import numpy", "import srcgrad"):
        seconds(statement)  # writes the bytecode, warms the file cache
    numpy, srcgrad = [], []
    for pair in range(pairs):
        # The order alternates: a machine that slows down favours neither.
        for statement in ("import numpy", "import srcgrad")[:: 1 if pair % 2 else -1]:
            (numpy if statement == "import numpy" else srcgrad).append(seconds(statement))
    ratio = statistics.median(ours / theirs for ours, theirs in zip(srcgrad, numpy, strict=True))
    print(f"import numpy:   {1000 * statistics.median(numpy):.1f} ms (median of {pairs})")
    print(f"import srcgrad: {1000 * statistics.median(srcgrad):.1f} ms (median of {pairs})")
    print(f"ratio:          {ratio:.3f} (median of the pairs)")


if __name__ == "__main__":
    main()
