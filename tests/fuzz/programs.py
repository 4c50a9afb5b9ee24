"""Random programs: helper functions, the function to differentiate, and arguments to call it with."""

import random
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fuzz.kinds import BOOL, NUM, Type, arr, fn, int_, ints, tuple_, value_of
from fuzz.patterns import STEP
from fuzz.statements import Writer
from fuzz.stores import Stores, state_


@dataclass(frozen=True)
class Program:
    """A module's text that defines `f`, arguments for it, and those to differentiate it by.

    `loss` tells whether `f` returns one number, `writes` whether it may write into what it is given.
    """

    text: str
    args: tuple[Any, ...]
    argnums: tuple[int, ...]
    loss: bool
    seed: int = -1
    writes: bool = False


def _helper(
    rng: random.Random,
    sizes: tuple[int, ...],
    env: dict[str, Type],
    name: str,
    kind: type[Writer] = Writer,
) -> list[str]:
    """A function at the top level, which later ones may call."""
    writer = kind(rng, sizes, NUM)
    writer.begin(env)
    params = [writer.rng.choice((NUM, arr(*writer.shape()))) for _ in range(rng.randrange(1, 3))]
    result = rng.choice((NUM, params[0], tuple_(NUM, params[0])))
    writer.result = result
    keys: tuple[str, ...] = ()
    names = [writer.fresh() for _ in params]
    for param, type_ in zip(names, params, strict=True):
        writer.parameter(param, type_)
    if rng.random() < 0.3:  # it calls itself
        params.append(int_(4))
        writer.result = result = params[0]
        writer.may_return = False
        shown = ", ".join((*names, "n"))
        lines = [f"def {name}({shown}):", f"{STEP}if n <= 0:"]
        lines.append(f"{STEP}{STEP}return {writer.expr(result, 2)}")
        lines += writer.block(STEP, rng.randrange(0, 2), nested=True)
        again = ", ".join(writer.expr(p, 2) for p in params[:-1])
        call = f"{name}({again}, n - 1)"
        x = writer.expr(result, 1)
        forms = (
            f"{call}",
            f"{call} * 0.5 + {x}",
            f"np.tanh({call}) * {x}",
            f"{x} + np.sin({call})",
        )
        lines.append(f"{STEP}return {rng.choice(forms)}")
    else:
        writer.budget = rng.randrange(4)
        keys = rng.choice(((), (), ("scale",), ("scale", "shift")))
        writer.env.update(dict.fromkeys(keys, NUM))
        given = [*names, *(f"{key}={rng.choice(('1.5', '0.5', '2'))}" for key in keys)]
        lines = [f"def {name}({', '.join(given)}):"]
        lines += writer.block(STEP, rng.randrange(0, 3), nested=False)
        lines.append(f"{STEP}return {writer.expr(result, 2)}")
    env[name] = replace(fn(result, *params), keys=keys)
    return lines


def program(seed: int, kind: type[Writer] = Writer) -> Program:
    """The program of a seed: always the same. `kind` writes it; `Stores` is the one that mutates."""
    rng = random.Random(seed)
    sizes = tuple(rng.choice((1, 2, 2, 3, 3, 4, 9, 10)) for _ in range(2))
    if rng.random() < 0.04:
        sizes = (0, *sizes)
    loss = rng.random() < 0.75
    dtype = "float32" if rng.random() < 0.08 else "float64"
    text = ["import numpy as np", ""]
    if kind is Stores:
        text.insert(1, "from fuzz.state import State")
    env: dict[str, Type] = {}
    for k in range(rng.choice((0, 0, 1))):
        env[f"C{k}"] = rng.choice(
            (NUM, arr(*(rng.choice(sizes) for _ in range(rng.randrange(1, 3)))))
        )
        value = value_of(env[f"C{k}"], rng)
        shown = (
            f"np.array({value.tolist()!r}).reshape{value.shape!r}" if env[f"C{k}"] != NUM else value
        )
        text += [f"C{k} = {shown}", ""]
    for k in range(rng.choice((0, 0, 1, 2))):
        text += [*_helper(rng, sizes, env, f"helper{k}", kind), ""]
    writer = kind(rng, sizes, NUM)
    writer.begin(env)
    if not loss:
        writer.result = rng.choice(
            (arr(*writer.shape()), tuple_(NUM, arr(*writer.shape())), writer.container())
        )
    params: list[Type] = []
    for _ in range(rng.randrange(1, 5)):
        types = [NUM, arr(*writer.shape()), int_(4), BOOL, ints(rng.randrange(1, 5), 2)]
        types.append(writer.container())
        weights = [5, 8, 2, 1, 1, 3]
        if kind is Stores:
            types.append(state_(writer.shape() or (2,)))
            weights.append(1)
        params.append(rng.choices(types, weights)[0])
    if not any(p.kind in ("num", "arr") for p in params):
        params.append(NUM)
    names = []
    for p in params:
        name = writer.fresh()
        names.append(name)
        writer.parameter(name, p)
    body = writer.block(STEP, rng.randrange(1, 5 if kind is Writer else 8), nested=False)
    lines = [f"def f({', '.join(names)}):", *body]
    lines.append(f"{STEP}return {writer.returned()}")
    args = tuple(value_of(p, rng, dtype) for p in params)
    if kind is Writer:  # one array twice is two arrays to a gradient, unless it is written to
        args = _sometimes_one(args, rng)
    floating = [k for k, p in enumerate(params) if _floats(p)]
    if rng.random() < 0.3 and len(floating) > 1:
        floating = sorted(rng.sample(floating, rng.randrange(1, len(floating))))
    return Program(
        "\n".join([*text, *lines]) + "\n", args, tuple(floating), loss, seed, kind is Stores
    )


def _sometimes_one(args: tuple[Any, ...], rng: random.Random) -> tuple[Any, ...]:
    """The arguments, of which two are now and then the same array."""
    arrays = [k for k, a in enumerate(args) if isinstance(a, np.ndarray)]
    pairs = [
        (j, k)
        for j in arrays
        for k in arrays
        if j < k and (args[j].shape, args[j].dtype) == (args[k].shape, args[k].dtype)
    ]
    if not pairs or rng.random() > 0.1:
        return args
    j, k = rng.choice(pairs)
    return (*args[:k], args[j], *args[k + 1 :])


def _floats(type_: Type) -> bool:
    """Whether a type has floats in it to differentiate by."""
    return type_.kind in ("num", "arr") or any(map(_floats, type_.parts))
