"""A few generated gradients are held word for word: `SRCGRAD_UPDATE=1` writes them anew."""

import importlib.util
import os
from pathlib import Path

import pytest

from srcgrad import grad

FOLDER = Path(__file__).parents[1] / "golden"


def load_programs():
    spec = importlib.util.spec_from_file_location("golden_programs", FOLDER / "programs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PROGRAMS


PROGRAMS = load_programs()


@pytest.mark.parametrize("name", PROGRAMS)
def test_generated_source_is_as_held(name):
    function, args, *argnums = PROGRAMS[name]
    text = grad(function, *argnums).specialize(*args).source
    file = FOLDER / f"{name}.txt"
    if os.environ.get("SRCGRAD_UPDATE") == "1":
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize("name", PROGRAMS)
def test_generation_is_deterministic(name):
    function, args, *argnums = PROGRAMS[name]
    texts = {grad(function, *argnums).specialize(*args).source for _ in range(2)}
    assert len(texts) == 1
