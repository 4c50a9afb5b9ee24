"""Random expressions of a wanted type, as users write them, over the names that are bound."""

import random
from collections.abc import Callable
from typing import Any

from fuzz.kinds import ANY, BOOL, NUM, Type, arr, int_

Choice = tuple[int, Callable[[], Any]]
SMOOTH = ("np.sin", "np.cos", "np.tanh", "np.arctan", "np.sinh", "np.exp")
LARGE = 9  # sizes from here on are symbols to srcgrad
OPERATORS = ("+", "-", "*")


class Expressions:
    """Writes expressions. `env` says of each bound name what it holds."""

    def __init__(self, rng: random.Random, sizes: tuple[int, ...]) -> None:
        self.rng = rng
        self.sizes = sizes
        self.env: dict[str, Type] = {}
        self.outside: frozenset[str] = frozenset()  # names that would become local if assigned

    # -- choosing ---------------------------------------------------------------------------

    def pick(self, choices: list[Choice]) -> Any:
        weights = [weight for weight, _ in choices]
        return self.rng.choices([make for _, make in choices], weights)[0]()

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def names(self, test: Callable[[Type], bool]) -> list[str]:
        return [name for name, type_ in self.env.items() if test(type_)]

    def constant(self) -> str:
        return self.rng.choice(("0.5", "2.0", "1.5", "-0.7", "0.3", "1", "2", "3", "-1", "0.0"))

    def shape(self) -> tuple[int, ...]:
        known = [t.shape for t in self.env.values() if t.kind == "arr"]
        if known and self.chance(0.6):
            return self.rng.choice(known)
        sizes = (*self.sizes, *self.sizes, 1)
        rank = self.rng.choice((0, 1, 1, 1, 2, 2))
        return tuple(self.rng.choice(sizes) for _ in range(rank))

    def dims(self, shape: tuple[int, ...]) -> str:
        """A shape as text, in which large sizes are read off arrays, as users do."""
        shown = []
        for n in shape:
            arrays = self.names(lambda t, n=n: t.kind == "arr" and n in t.shape and n >= LARGE)
            if arrays and self.chance(0.8):
                name = self.rng.choice(arrays)
                axis = self.env[name].shape.index(n)
                shown.append(f"len({name})" if axis == 0 else f"{name}.shape[{axis}]")
            else:
                shown.append(str(n))
        return f"({shown[0]},)" if len(shown) == 1 else f"({', '.join(shown)})"

    # -- by type ----------------------------------------------------------------------------

    def expr(self, type_: Type, depth: int = 3) -> str:
        """An expression of a type, nested at most so deep."""
        return getattr(self, f"_{type_.kind}")(type_, depth)

    def num(self, depth: int) -> str:
        return self._num(NUM, depth)

    def variable(self, type_: Type) -> str | None:
        """A name that holds this type, if there is one."""
        found = self.names(lambda t: t == type_)
        inside = [name for name in found if name not in self.outside]
        if inside and self.chance(0.8):
            found = inside
        return self.rng.choice(found) if found else None

    def _leaf(self, type_: Type, depth: int) -> str | None:
        found = self.variable(type_)
        if found is not None and (depth <= 0 or self.chance(0.45)):
            return found
        return None

    # -- numbers ----------------------------------------------------------------------------

    def _num(self, type_: Type, depth: int) -> str:
        leaf = self._leaf(NUM, depth)
        if leaf is not None:
            return leaf
        entry = self._entry(NUM)
        if depth <= 0:
            return entry if entry is not None and self.chance(0.7) else self.constant()
        d = depth - 1
        choices: list[Choice] = [
            (6, lambda: f"({self.num(d)} {self.rng.choice(OPERATORS)} {self.num(d)})"),
            (3, lambda: f"{self.rng.choice(SMOOTH)}({self.bounded(d)})"),
            (1, lambda: f"({self.num(d)} / (1.5 + {self.num(d)} ** 2))"),
            (1, lambda: f"np.sqrt(1 + {self.num(d)} ** 2)"),
            (1, lambda: f"np.log(2 + np.sin({self.num(d)}))"),
            (1, lambda: f"{self.num(d)} ** {self.rng.choice('23')}"),
            (1, lambda: f"(1.5 + np.sin({self.num(d)})) ** {self.bounded(d)}"),
            (1, lambda: f"-{self.num(d)}"),
            (1, lambda: f"({self.num(d)} if {self.cond(d)} else {self.num(d)})"),
            (1, lambda: f"{self.rng.choice(('max', 'min'))}({self.num(d)}, {self.num(d)})"),
            (1, lambda: f"abs({self.num(d)})"),
            (1, lambda: f"np.where({self.cond(d)}, {self.num(d)}, {self.num(d)})"),
            (1, lambda: self._any_reduced(d)),
            (8, lambda: self.reduction(d)),
        ]
        if entry is not None:
            choices.append((5, lambda: entry))
        integer = self.names(lambda t: t.kind == "int")
        if integer:
            choices.append((1, lambda: f"{self.rng.choice(integer)} * {self.num(d)}"))
        lists = self.names(lambda t: t.kind == "list" and t.parts[0] == NUM)
        if lists:
            xs = self.rng.choice(lists)
            choices.append((3, lambda: f"sum({xs})"))
            choices.append((1, lambda: f"sum({self.num(0)} * w for w in {xs})"))
        call = self._call(NUM, d)
        if call is not None:
            choices.append((5, lambda: call))
        return self.pick(choices)

    def bounded(self, depth: int) -> str:
        """A number that no amount of nesting lets explode."""
        return f"np.tanh({self.num(depth)})" if self.chance(0.6) else f"0.3 * {self.num(depth)}"

    def _any_reduced(self, depth: int) -> str:
        found = self.variable(ANY)
        if found is None:
            return self.num(depth)
        return f"np.{self.rng.choice(('sum', 'mean'))}({found} * {self.num(depth - 1)})"

    def reduction(self, depth: int) -> str:
        """A number made of an array."""
        shape = self.rng.choice([t.shape for t in self.env.values() if t.kind == "arr"] or [()])
        if self.chance(0.3):
            shape = self.shape()
        a = self.array(shape, depth)
        full = 0 not in shape
        choices: list[Choice] = [(4, lambda: f"np.sum({a})")]
        if shape:
            choices.append((2, lambda: f"({a}).sum()"))
        if full:
            choices += [
                (2, lambda: f"np.mean({a})"),
                (1, lambda: f"np.max({a})"),
                (1, lambda: f"({a}).min()" if shape else f"np.min({a})"),
                (1, lambda: f"np.prod(np.tanh({a}))"),
                (1, lambda: f"np.var({a})"),
                (1, lambda: f"np.linalg.norm(1.0 + ({a}) ** 2)"),
            ]
            if shape and (1 not in shape or max(shape) > 1):
                spread = f"np.linspace(0, 3, {_size(shape)}).reshape({shape})"
                choices.append((1, lambda: f"np.std({a} + {spread})"))
        if len(shape) == 1:
            b = self.array(shape, depth)
            choices += [
                (2, lambda: f"np.dot({a}, {b})"),
                (2, lambda: f"({a}) @ ({b})"),
                (1, lambda: f"np.inner({a}, {b})"),
                (1, lambda: f"np.sum({a} * {b})"),
            ]
            if full:
                choices.append((4, lambda: f"({a})[{self.index(shape[0])}]"))
        if len(shape) == 2 and full:
            i, j = self.index(shape[0]), self.index(shape[1])
            choices += [
                (2, lambda: f"({a})[{i}, {j}]"),
                (1, lambda: f"np.trace({a})"),
                (1, lambda: f"({a})[{i}][{j}]"),
                (1, lambda: f"np.sum(({a})[{i}])"),
            ]
        return self.pick(choices)

    def index(self, size: int) -> str:
        """A place on an axis of this size."""
        loop = self.names(lambda t: t.kind == "int" and (t.bound or 0) > 0)
        if loop and self.chance(0.5):
            name = self.rng.choice(loop)
            fits = (self.env[name].bound or 0) <= size
            return name if fits else f"{name} % {size}"
        return str(self.rng.randrange(-size, size))

    def _entry(self, type_: Type) -> str | None:
        """An entry of a container in sight that has this type."""
        found = []
        for name, t in self.env.items():
            if t.kind == "list" and t.parts[0] == type_ and t.bound:
                found.append(f"{name}[{self.index(t.bound)}]")
            elif t.kind == "tuple":
                found += [f"{name}[{k}]" for k, p in enumerate(t.parts) if p == type_]
            elif t.kind == "dict":
                pairs = zip(t.keys, t.parts, strict=True)
                found += [f"{name}[{k!r}]" for k, p in pairs if p == type_]
        return self.rng.choice(found) if found else None

    def _call(self, type_: Type, depth: int) -> str | None:
        """A call of a function in sight that gives this type."""
        functions = self.names(lambda t: t.kind == "fn" and t.parts[-1] == type_)
        if not functions:
            return None
        name = self.rng.choice(functions)
        args = [self.expr(p, min(depth, 1)) for p in self.env[name].parts[:-1]]
        args += [
            f"{key}={self.num(min(depth, 1))}" for key in self.env[name].keys if self.chance(0.5)
        ]
        return f"{name}({', '.join(args)})"

    # -- integers and truth values ----------------------------------------------------------

    def _int(self, type_: Type, depth: int) -> str:
        bound = type_.bound or 1
        found = self.names(lambda t: t.kind == "int" and 0 < (t.bound or 0) <= bound)
        if found and self.chance(0.6):
            return self.rng.choice(found)
        return str(self.rng.randrange(bound))

    def _ints(self, type_: Type, depth: int) -> str:
        found = self.names(
            lambda t: t.kind == "ints" and t.shape == type_.shape and t.bound <= type_.bound
        )
        if found and self.chance(0.7):
            return self.rng.choice(found)
        bound = type_.bound or 1
        return f"np.array({[self.rng.randrange(bound) for _ in range(type_.shape[0])]}, dtype=int)"

    def _bool(self, type_: Type, depth: int) -> str:
        return self.cond(depth)

    def cond(self, depth: int) -> str:
        """A condition."""
        d = min(depth - 1, 1)
        choices: list[Choice] = [
            (4, lambda: f"{self.num(d)} {self.rng.choice('<>')} {self.constant()}"),
            (2, lambda: f"{self.num(d)} {self.rng.choice('<>')} {self.num(0)}"),
            (1, lambda: f"-0.5 < {self.num(d)} < 1.0"),
        ]
        flags = self.names(lambda t: t == BOOL)
        if flags:
            choices.append((4, lambda: self.rng.choice(flags)))
        integers = self.names(lambda t: t.kind == "int")
        if integers:
            n = self.rng.choice(integers)
            k = self.rng.randrange(3)
            choices += [(2, lambda: f"{n} == {k}"), (1, lambda: f"{n} % 2 == 0")]
        arrays = self.names(lambda t: t.kind == "arr" and len(t.shape) > 0)
        if arrays:
            a = self.rng.choice(arrays)
            choices += [
                (1, lambda: f"{a}.shape[0] > {self.rng.randrange(4)}"),
                (1, lambda: f"{a}.ndim == {self.rng.choice('12')}"),
                (1, lambda: f"np.any({a} > 0.5)"),
            ]
        if depth > 1:
            choices += [
                (1, lambda: f"not ({self.cond(d)})"),
                (1, lambda: f"({self.cond(d)} {self.rng.choice(('and', 'or'))} {self.cond(d)})"),
            ]
        return self.pick(choices)

    # -- arrays -----------------------------------------------------------------------------

    def _arr(self, type_: Type, depth: int) -> str:
        return self.array(type_.shape, depth)

    def _any(self, type_: Type, depth: int) -> str:
        return self.num(depth) if self.chance(0.4) else self.array(self.shape(), depth)

    def array(self, shape: tuple[int, ...], depth: int) -> str:
        """An expression for an array of a shape; for () maybe a number."""
        leaf = self._leaf(arr(*shape), depth)
        if leaf is not None:
            return leaf
        if not shape:
            return self.num(depth - 1)
        if depth <= 0:
            return self._filler(shape)
        d = depth - 1
        choices: list[Choice] = [
            (8, lambda: self._broadcast(shape, d)),
            (3, lambda: f"{self.rng.choice(SMOOTH)}(np.tanh({self.array(shape, d)}))"),
            (
                1,
                lambda: (
                    f"np.{self.rng.choice(('maximum', 'minimum', 'arctan2', 'hypot'))}"
                    f"({self.array(shape, d)}, {self.array(self.smaller(shape), d)})"
                ),
            ),
            (
                2,
                lambda: (
                    f"np.where({self.array(shape, d)} > 0.2, {self.array(shape, d)}, "
                    f"{self.array(self.smaller(shape), d)})"
                ),
            ),
            (1, lambda: f"({self.array(shape, d)} if {self.cond(d)} else {self.array(shape, d)})"),
            (1, lambda: f"({self.array(shape, d)}) ** 2"),
            (1, lambda: f"-({self.array(shape, d)})"),
            (1, lambda: f"np.clip({self.array(shape, d)}, -0.6, 0.9)"),
            (1, lambda: f"np.abs({self.array(shape, d)})"),
            (1, lambda: self._filler(shape)),
            (1, lambda: self._reduced(shape, d)),
            (
                1,
                lambda: (
                    f"np.broadcast_to({self.array(self.smaller(shape), d)}, {self.dims(shape)})"
                ),
            ),
            (1, lambda: f"({self.array(shape, d)}).astype(float)"),
        ]
        choices += self._vectors(shape, d) if len(shape) == 1 else self._matrices(shape, d)
        entry = self._entry(arr(*shape))
        if entry is not None:
            choices.append((6, lambda: entry))
        call = self._call(arr(*shape), d)
        if call is not None:
            choices.append((5, lambda: call))
        return self.pick(choices)

    def smaller(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts to this one."""
        if self.chance(0.3):
            return shape
        known = [t.shape for t in self.env.values() if t.kind == "arr" and _fits(t.shape, shape)]
        if known and self.chance(0.6):
            return self.rng.choice(known)
        shape = tuple(1 if self.chance(0.3) else n for n in shape)
        return shape[self.rng.randrange(len(shape) + 1) :]

    def _broadcast(self, shape: tuple[int, ...], depth: int) -> str:
        left, right = shape, self.smaller(shape)
        if len(shape) == 2 and self.chance(0.2):  # an outer pairing, of which neither is full
            left, right = (shape[0], 1), self.rng.choice([(shape[1],), (1, shape[1])])
        if self.chance(0.5):
            left, right = right, left
        a, b = self.array(left, depth), self.array(right, depth)
        if self.chance(0.15):
            return f"({a} / (1.5 + ({b}) ** 2))"
        return f"({a} {self.rng.choice(OPERATORS)} {b})"

    def _filler(self, shape: tuple[int, ...]) -> str:
        x = self.num(0)
        known = self.names(lambda t: t.kind == "arr" and _fits(t.shape, shape))
        if known and self.chance(0.7):
            x = self.rng.choice(known)
            if self.env[x].shape == shape:
                return x
            return self.rng.choice(
                (
                    f"({x} + np.zeros({self.dims(shape)}))",
                    f"np.broadcast_to({x}, {self.dims(shape)})",
                )
            )
        return self.rng.choice(
            (f"np.full({self.dims(shape)}, {x})", f"{x} * np.ones({self.dims(shape)})",
             f"np.zeros({self.dims(shape)})",
             f"np.linspace(0.1, 0.9, {_size(shape)}).reshape{shape!r}")
        )  # fmt: skip

    def _reduced(self, shape: tuple[int, ...], depth: int) -> str:
        """A larger array summed over an axis."""
        more = self.rng.choice(self.sizes) or 1
        axis = self.rng.randrange(len(shape) + 1)
        big = (*shape[:axis], more, *shape[axis:])
        if len(big) > 2:
            k = self.rng.randrange(len(shape))
            if shape[k] != 1:
                return f"np.sum({self.array(shape, depth)}[None], axis=0)"
            big = (*shape[:k], more, *shape[k + 1 :])
            return f"np.sum({self.array(big, depth)}, axis={k}, keepdims=True)"
        name = self.rng.choice(("sum", "mean", "max"))
        return f"np.{name}({self.array(big, depth)}, axis={axis})"

    def _vectors(self, shape: tuple[int, ...], depth: int) -> list[Choice]:
        n, d = shape[0], depth
        rows = self.rng.choice(self.sizes) or 1
        choices: list[Choice] = [
            (2, lambda: f"({self.array((rows, n), d)})[{self.index(rows)}]"),
            (1, lambda: f"({self.array((n, rows), d)})[:, {self.index(rows)}]"),
            (2, lambda: f"({self.array((n, rows), d)}) @ ({self.array((rows,), d)})"),
            (1, lambda: f"np.dot({self.array((rows,), d)}, {self.array((rows, n), d)})"),
            (1, lambda: f"({self.array(shape, d)})[::-1]"),
            (1, lambda: f"np.cumsum({self.array(shape, d)})"),
            (1, lambda: f"np.roll({self.array(shape, d)}, 1)"),
            (2, lambda: f"({self.array((rows,), d)})[{self.expr(position_type(n, rows), 0)}]"),
            (
                1,
                lambda: (
                    f"np.take({self.array((rows,), d)}, {self.expr(position_type(n, rows), 0)})"
                ),
            ),
            (1, lambda: f"({self.array((n + 1,), d)})[1:]"),
            (1, lambda: f"({self.array((n + 2,), d)})[:-2]"),
            (1, lambda: f"np.diff({self.array((n + 1,), d)})"),
        ]
        if 0 < n <= 4:
            choices += [
                (2, lambda: f"np.array([{', '.join(self.num(d) for _ in range(n))}])"),
                (1, lambda: f"np.array([{self._element(d)} for w in {self.array(shape, d)}])"),
                (1, lambda: f"np.sort({self.array(shape, d)})"),
            ]
        if n > 1:
            k = self.rng.randrange(1, n)
            choices.append(
                (1, lambda: f"np.concatenate([{self.array((k,), d)}, {self.array((n - k,), d)}])")
            )
        lists = self.names(lambda t: t.kind == "list" and t.parts[0] == NUM and t.bound == n)
        if lists and n:
            choices.append((4, lambda: f"np.array({self.rng.choice(lists)})"))
        return choices

    def _element(self, depth: int) -> str:
        before = self.env
        self.env = {**before, "w": NUM}
        made = self.num(min(depth, 1))
        self.env = before
        return made

    def _matrices(self, shape: tuple[int, ...], depth: int) -> list[Choice]:
        (n, m), d = shape, depth
        k = self.rng.choice(self.sizes) or 1
        choices: list[Choice] = [
            (2, lambda: f"({self.array((m, n), d)}).T"),
            (2, lambda: f"({self.array((n, k), d)}) @ ({self.array((k, m), d)})"),
            (1, lambda: f"np.outer({self.array((n,), d)}, {self.array((m,), d)})"),
            (2, lambda: f"({self.array((n * m,), d)}).reshape({n}, {m})"),
            (1, lambda: f"({self.array((n, m + 1), d)})[:, 1:]"),
            (1, lambda: f"({self.array((k, m), d)})[{self.expr(position_type(n, k), 0)}]"),
            (1, lambda: f"np.cumsum({self.array(shape, d)}, axis={self.rng.choice('01')})"),
        ]
        if m == 1:
            choices.append((2, lambda: f"({self.array((n,), d)})[:, None]"))
        if n == 1:
            choices.append((2, lambda: f"({self.array((m,), d)})[None, :]"))
        if 0 < n <= 4:
            row = arr(m)
            choices.append(
                (1, lambda: f"np.stack([{', '.join(self.expr(row, d - 1) for _ in range(n))}])")
            )
        return choices

    # -- containers -------------------------------------------------------------------------

    def _list(self, type_: Type, depth: int) -> str:
        entry, n = type_.parts[0], type_.bound
        d = depth - 1
        if n is None:
            n = self.rng.randrange(4)
        found = self.names(lambda t: t.kind == "list" and t.parts[0] == entry and t.bound == n)
        if found and self.chance(0.4):
            return self.rng.choice(found)
        if n > 1 and depth > 0 and self.chance(0.3):
            k = self.rng.randrange(1, n)
            parts = [self._list(Type("list", bound=b, parts=(entry,)), d) for b in (k, n - k)]
            return " + ".join(parts)
        if entry == NUM and n and depth > 0 and self.chance(0.4):
            return self.rng.choice(
                (f"[{self._element(d)} for w in {self.array((n,), d)}]",
                 f"[{self.num(d)} * k for k in range({n})]")
            )  # fmt: skip
        return f"[{', '.join(self.expr(entry, d) for _ in range(n))}]"

    def _tuple(self, type_: Type, depth: int) -> str:
        found = self.variable(type_)
        if found is not None and self.chance(0.4):
            return found
        inner = ", ".join(self.expr(p, depth - 1) for p in type_.parts)
        return f"({inner},)" if len(type_.parts) == 1 else f"({inner})"

    def _dict(self, type_: Type, depth: int) -> str:
        found = self.variable(type_)
        if found is not None and self.chance(0.4):
            return found
        pairs = zip(type_.keys, type_.parts, strict=True)
        return "{" + ", ".join(f"{k!r}: {self.expr(p, depth - 1)}" for k, p in pairs) + "}"


def position_type(size: int, bound: int) -> Type:
    return Type("ints", (size,), bound)


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a shape broadcasts to the wanted one."""
    if len(shape) > len(wanted):
        return False
    pairs = zip(shape, wanted[len(wanted) - len(shape) :], strict=True)
    return all(a in (1, b) for a, b in pairs)


def _size(shape: tuple[int, ...]) -> int:
    total = 1
    for n in shape:
        total *= n
    return total


__all__ = ["Expressions", "int_"]
