"""Random places to write to: arrays, indices of every kind into them, and views of them."""

import random
from typing import Any

import numpy as np

from fuzz.kinds import NUM, Type, arr
from fuzz.statements import Writer

Shape = tuple[int, ...]
SLICES = (":", "1:", ":-1", "::2", "::-1", "1:-1", "-2:", "1::2", "-1:0:-1", ":2", "-3:-1", "...")


class Targets(Writer):
    """Chooses what is written to. `owned` are the names that hold memory of their own, or views of it."""

    def __init__(self, rng: random.Random, sizes: Shape, result: Type) -> None:
        super().__init__(rng, sizes, result)
        self.owned: set[str] = set()
        self.globals: frozenset[str] = frozenset()  # never written to: the next call would see it

    def begin(self, env: dict[str, Type]) -> None:
        super().begin(env)
        self.globals = frozenset(env)

    def parameter(self, name: str, type_: Type) -> None:
        super().parameter(name, type_)
        self.owned.add(name)

    def bind(self, name: str, type_: Type) -> None:
        super().bind(name, type_)
        self.owned.discard(name)

    def target(self, least: int = 0, rank: int | None = None) -> str | None:
        """A name of an array to write to, of at least so many entries along its first axis."""

        def fits(type_: Type) -> bool:
            ranked = len(type_.shape) > 0 if rank is None else len(type_.shape) == rank
            return type_.kind == "arr" and ranked and type_.shape[0] >= least

        found = [n for n in self.names(fits) if n not in self.globals]
        own = [n for n in found if n in self.owned]
        if own and self.chance(0.9):
            found = own
        elif self.chance(0.7):
            return None
        return self.rng.choice(found) if found else None

    # -- indices ------------------------------------------------------------------------------

    def place(self, name: str) -> tuple[str, Shape | None]:
        """A place in a named array, and its shape; None where only the run knows it."""
        text, shape = name, self.env[name].shape
        if self.chance(0.25):
            text, shape = self.view(text, shape)
        if self.chance(0.15):
            loose = self.loose_index(text, shape)
            if loose is not None:
                return f"{text}[{loose}]", None
        index, selected = self.index_into(shape)
        return f"{text}[{index}]", selected

    def index_into(self, shape: Shape) -> tuple[str, Shape]:
        """An index into an array of this shape, and the shape of what it selects."""
        for _ in range(8):
            index = self._axes(shape)
            selected = self.evaluated(f"_array[{index}]", shape)
            if selected is not None and len(selected) <= 2:
                return index, selected
        return "...", shape

    def _axes(self, shape: Shape) -> str:
        if len(shape) == 1:
            inner = self._axis(shape[0])
            if self.chance(0.08):
                inner = self.rng.choice((f"None, {inner}", f"{inner}, None", f"..., {inner}"))
            return inner
        n, m = shape[0], shape[1]
        forms = (
            (3, lambda: self._axis(n)),
            (6, lambda: f"{self._axis(n)}, {self._axis(m)}"),
            (1, lambda: f"..., {self._axis(m)}"),
            (1, lambda: f"{self.index(n) if n else ':'}, None, {self._axis(m)}"),
            (1, lambda: f"np.arange({min(n, m)}), np.arange({min(n, m)})"),
            (1, lambda: f"np.ix_({self._positions(n)}, {self._positions(m)})"),
            (1, lambda: "..."),
        )
        return self.pick(list(forms))

    def _axis(self, size: int) -> str:
        choices = [(5, lambda: self.rng.choice(SLICES))]
        if size:
            choices += [(7, lambda: self.index(size)), (2, lambda: self._positions(size))]
        return self.pick(choices)

    def _positions(self, size: int) -> str:
        """Whole numbers that are places on an axis: some of them twice, as it happens."""
        if not size:
            return "[]"
        known = self.names(lambda t: t.kind == "ints" and (t.bound or 0) <= size)
        if known and self.chance(0.5):
            return self.rng.choice(known)
        drawn = [self.rng.randrange(-size, size) for _ in range(self.rng.randrange(1, 4))]
        return self.rng.choice((f"{drawn}", f"np.array({drawn})"))

    def loose_index(self, text: str, shape: Shape) -> str | None:
        """An index of which only the run knows how much it selects: a mask, or a slice up to a count."""
        choices = [
            (3, lambda: f"{text} {self.rng.choice('<>')} {self.rng.choice(('0.2', '-0.3', '0.7'))}")
        ]
        counts = self.names(lambda t: t.kind == "int")
        if counts:
            k = self.rng.choice(counts)
            choices += [(1, lambda: f":{k}"), (1, lambda: f"{k}:"), (1, lambda: f"{k}::-1")]
        other = self.variable(arr(*shape))
        if other is not None:
            choices.append((1, lambda: f"{other} > 0.1"))
        return self.pick(choices)

    def evaluated(self, text: str, shape: Shape) -> Shape | None:
        """The shape of an expression in which `_array` is an array of this shape; None where it fails."""
        known: dict[str, Any] = {n: 0 for n in self.names(lambda t: t.kind == "int")}
        for name in self.names(lambda t: t.kind == "ints"):
            known[name] = np.zeros(self.env[name].shape, int)
        try:
            return np.shape(eval(text, {"np": np, "_array": np.empty(shape), **known}))
        except (IndexError, ValueError):
            return None

    # -- views --------------------------------------------------------------------------------

    def view(self, text: str, shape: Shape) -> tuple[str, Shape]:
        """A view of an array, sometimes a view of a view."""
        for _ in range(8):
            form = self._view_form(shape)
            seen = self.evaluated(form, shape)
            if seen and len(seen) <= 2:
                text, shape = form.replace("_array", text, 1), seen
                break
        if self.chance(0.2):
            return self.view(text, shape)
        return text, shape

    def _view_form(self, shape: Shape) -> str:
        total = int(np.prod(shape))
        forms = ["_array.reshape(-1)", "_array.ravel()", "np.ravel(_array)", "np.flip(_array)", "_array[::-1]", "_array[1:]",
                 "_array[::2]", "_array[:]", "_array[...]", "_array.T", "_array[:-1]", "np.asarray(_array)", "_array.squeeze()",
                 f"_array[{self.rng.choice(SLICES)}]"]  # fmt: skip
        if len(shape) == 1:
            forms += [
                f"_array.reshape({total}, 1)",
                "_array[:, None]",
                "_array[None]",
                "np.expand_dims(_array, 0)",
            ]
        else:
            forms += ["_array.T", "np.transpose(_array)", "_array[:, ::-1]", "np.swapaxes(_array, 0, 1)", "_array[:, 1:]",
                      f"np.reshape(_array, ({shape[1]}, {shape[0]}))", "np.flip(_array, axis=1)"]  # fmt: skip
            for _ in range(4):
                if shape[0]:
                    forms.append(f"_array[{self.index(shape[0])}]")
                if shape[1]:
                    forms.append(f"_array[:, {self.index(shape[1])}]")
        return self.rng.choice(forms)

    # -- values -------------------------------------------------------------------------------

    def value(self, shape: Shape, depth: int = 2) -> str:
        """An expression to be written to a place of this shape."""
        if not shape:
            return self.num(depth)
        small = self.smaller(shape)
        return self.array(small, depth) if small else self.expr(NUM, depth)
