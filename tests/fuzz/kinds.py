"""What the generator knows of a name: its kind, its shape, its parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fuzz.state import State


@dataclass(frozen=True)
class Type:
    """`kind` is num, int, bool, arr, ints, any, list, tuple, dict, state, fn or proc.

    `bound` belongs to an int (0 <= value < bound) and to an array of positions. A list has one part,
    the type of its entries, and its length in `bound`, None where only the run knows. A function has
    its parameters' types in `parts`, its result's as the last, and in `keys` the names of numbers that
    it has defaults for; a proc is a function that gives nothing.
    """

    kind: str
    shape: tuple[int, ...] = ()
    bound: int | None = None
    parts: tuple["Type", ...] = ()
    keys: tuple[str, ...] = ()


NUM = Type("num")
BOOL = Type("bool")
ANY = Type("any")  # a number or an array, of whatever shape


def arr(*shape: int) -> Type:
    return Type("arr", shape)


def int_(bound: int) -> Type:
    return Type("int", bound=bound)


def ints(size: int, bound: int) -> Type:
    return Type("ints", (size,), bound)


def list_(entry: Type, length: int | None) -> Type:
    return Type("list", bound=length, parts=(entry,))


def tuple_(*parts: Type) -> Type:
    return Type("tuple", parts=parts)


def dict_(**parts: Type) -> Type:
    return Type("dict", parts=tuple(parts.values()), keys=tuple(parts))


def fn(result: Type, *params: Type) -> Type:
    return Type("fn", parts=(*params, result))


def value_of(type_: Type, rng: Any, dtype: str = "float64") -> Any:
    """A random value of a type, as a caller would pass it; `dtype` is that of its floats."""
    if type_.kind == "num":
        number = round(rng.uniform(-1.5, 1.5), 3)
        return number if dtype == "float64" else np.float32(number)
    if type_.kind == "int":
        return rng.randrange(type_.bound or 1)
    if type_.kind == "bool":
        return rng.random() < 0.5
    if type_.kind == "arr":
        flat = [round(rng.uniform(-1.5, 1.5), 3) for _ in range(int(np.prod(type_.shape)))]
        made = np.array(flat, dtype=dtype).reshape(type_.shape)
        return np.asfortranarray(made) if rng.random() < 0.1 else made
    if type_.kind == "ints":
        return np.array([rng.randrange(type_.bound or 1) for _ in range(type_.shape[0])], dtype=int)
    if type_.kind == "list":
        return [value_of(type_.parts[0], rng, dtype) for _ in range(type_.bound or 0)]
    if type_.kind == "tuple":
        return tuple(value_of(p, rng, dtype) for p in type_.parts)
    if type_.kind == "dict":
        pairs = zip(type_.keys, type_.parts, strict=True)
        return {k: value_of(p, rng, dtype) for k, p in pairs}
    if type_.kind == "state":
        return State(*(value_of(p, rng, dtype) for p in type_.parts))
    raise ValueError(type_.kind)
