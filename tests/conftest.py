"""`SRCGRAD_EVERY=n` runs each n-th test of the large registers, another share on each Python."""

import os
import sys
import zlib
from pathlib import Path

FOLDER = Path(__file__).parent
# Tests that run one check over hundreds of rows or programs.
LARGE = ("batching", "forward", "fuzz", "kernels", "ops", "sparse", "zoo")


def pytest_collection_modifyitems(config, items):
    every = int(os.environ.get("SRCGRAD_EVERY", "1"))
    if every <= 1:
        return
    share = sys.version_info.minor % every
    kept, left = [], []
    for item in items:
        large = item.path.is_relative_to(FOLDER) and item.path.relative_to(FOLDER).parts[0] in LARGE
        runs = not large or zlib.crc32(item.nodeid.encode()) % every == share
        (kept if runs else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept
