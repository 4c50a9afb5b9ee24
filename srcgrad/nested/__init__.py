"""Operators and solvers inside a function that is differentiated: how they are read."""
