"""Errors as Python itself prints them: the line, the caret below it, and the cure."""

import traceback

import pytest

from srcgrad.errors import Location, MissingRule, UnsupportedSyntax

WHERE = Location("model.py", 3, 5, "    del w", "loss", end_column=10)


@pytest.mark.parametrize("kind", [UnsupportedSyntax, MissingRule])
def test_an_uncaught_error_shows_line_caret_and_cure(kind):
    shown = "".join(traceback.format_exception_only(kind("no", WHERE, cure="leave it")))
    assert 'File "model.py", line 3' in shown
    assert "    del w\n    ^^^^^\n" in shown
    assert shown.rstrip().endswith("Instead: leave it")
    assert f"srcgrad.errors.{kind.__name__}: no\n" in shown


def test_an_error_that_is_placed_later():
    error = UnsupportedSyntax("no").at(WHERE)
    assert (error.filename, error.lineno, error.offset, error.end_offset) == ("model.py", 3, 5, 10)
    assert error.at(Location("other.py", 1, 1, "")).filename == "model.py"
    assert error.msg == "no"
