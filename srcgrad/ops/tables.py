"""All the rule tables: importing this module registers every row."""

from . import containers, indexing, linalg, mathmod, methods, reductions, shaping, ufuncs

__all__ = [
    "containers",
    "indexing",
    "linalg",
    "mathmod",
    "methods",
    "reductions",
    "shaping",
    "ufuncs",
]
