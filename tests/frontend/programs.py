"""Keeps the programs that a test module holds against plain Python, or holds to be refused."""

import contextlib

import numpy as np
import pytest
from zoo.numeric import tree_map

from srcgrad.errors import UnknownAlias, UnsupportedSyntax

from .reading import differentiates, refuses


def apart(args):
    """Arguments no two of which are one memory."""
    return tree_map(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, args)


class Programs:
    """Functions with the arguments to call them with; `wrong` says why one does not pass yet."""

    def __init__(self):
        self.read = {}
        self.refused = {}

    def program(self, *args, or_refused=False, wrong=None):
        """Keep a function that is to be differentiated, or that may be refused instead."""

        def keep(function):
            self._keep(self.read, function, (apart(args), or_refused), wrong)
            return function

        return keep

    def refusal(self, *args, error, message, line, cure, wrong=None):
        """Keep a function that is to be refused: with what message, at which line, with what cure."""

        def keep(function):
            self._keep(self.refused, function, (apart(args), error, message, line, cure), wrong)
            return function

        return keep

    def _keep(self, rows, function, row, wrong):
        name = function.__name__
        assert name not in self.read and name not in self.refused, name
        marks = pytest.mark.xfail(strict=True, reason=wrong) if wrong else ()
        rows[name] = pytest.param(function, *row, id=name, marks=marks)

    def tests(self):
        """Two tests: one of what is read, one of what is refused."""

        @pytest.mark.parametrize(("function", "args", "or_refused"), self.read.values())
        def test_reads(function, args, or_refused):
            accepted = (UnknownAlias, UnsupportedSyntax) if or_refused else ()
            with contextlib.suppress(*accepted):
                differentiates(function, *args)

        @pytest.mark.parametrize(
            ("function", "args", "error", "message", "line", "cure"), self.refused.values()
        )
        def test_refuses(function, args, error, message, line, cure):
            refuses(error, message, line, cure, function, *args)

        return test_reads, test_refuses
