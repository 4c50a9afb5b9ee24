"""Turns of phrase that users like: each writes a few statements that belong together."""

from fuzz.kinds import ANY, NUM, Type, arr, int_, tuple_
from fuzz.shapes import Shapes

STEP = "    "


class Patterns(Shapes):
    """Statements that need a plan; a subclass has the single ones."""

    def first_or_more(self, indent: str) -> list[str]:
        """A total that is None until a loop has begun it."""
        name, type_ = self.fresh(), self.rng.choice((NUM, arr(*self.shape())))
        header, bound = self.for_header()
        before = dict(self.env)
        self.env.update(bound)
        x = self.expr(type_, 2)
        self.env = before
        lines = [f"{indent}{name} = None", indent + header]
        if self.chance(0.5):
            lines.append(f"{indent}{STEP}{name} = {x} if {name} is None else {name} + {x}")
        else:
            lines += [f"{indent}{STEP}if {name} is None:", f"{indent}{STEP}{STEP}{name} = {x}"]
            lines += [f"{indent}{STEP}else:", f"{indent}{STEP}{STEP}{name} = {name} * 0.5 + {x}"]
        lines += [f"{indent}if {name} is None:", f"{indent}{STEP}{name} = {self.expr(type_, 1)}"]
        self.bind(name, type_)
        return lines

    def state(self, indent: str) -> list[str]:
        """A tuple or dict that a loop hands on, renewed as a whole."""
        name = self.fresh()
        parts = [self.rng.choice((NUM, arr(*self.shape()))) for _ in range(2)]
        kind = (
            tuple_(*parts)
            if self.chance(0.6)
            else Type("dict", parts=tuple(parts), keys=("m", "n"))
        )
        lines = [f"{indent}{name} = {self._fresh_container(kind, 1)}"]
        self.bind(name, kind)
        header, bound = self.for_header()
        before = dict(self.env)
        self.env.update(bound)
        lines += [indent + header, f"{indent}{STEP}{name} = {self._fresh_container(kind, 2)}"]
        if self.chance(0.3):
            lines += self.leave(indent + STEP)
        self.env = before
        return lines

    def _fresh_container(self, kind: Type, depth: int) -> str:
        entries = [self.expr(p, depth) for p in kind.parts]
        if kind.kind == "tuple":
            return f"({', '.join(entries)})"
        return "{" + ", ".join(f"{k!r}: {e}" for k, e in zip(kind.keys, entries, strict=True)) + "}"

    def neighbours(self, indent: str) -> list[str]:
        """A loop over the places of an array that reads what stands beside them."""
        arrays = self.names(lambda t: t.kind == "arr" and len(t.shape) >= 1 and t.shape[0] > 1)
        target = self._updatable()
        if not arrays or target is None:
            return []
        a, i = self.rng.choice(arrays), self.fresh()
        header = self.rng.choice((f"range(1, len({a}))", f"range({a}.shape[0] - 1, 0, -1)"))
        entry = self.rng.choice((f"{a}[{i}] * {a}[{i} - 1]", f"{a}[{i}] - {a}[-{i}]",
                                 f"np.sum({a}[:{i}])", f"np.sum({a}[{i} - 1:{i} + 1] ** 2)",
                                 f"np.mean({a}[{i}:])"))  # fmt: skip
        step = f"{target} = {target} * 0.5 + np.sum({entry})"
        return [f"{indent}for {i} in {header}:", f"{indent}{STEP}{step}"]

    def position(self, indent: str) -> list[str]:
        """A whole number computed from others."""
        found = self.names(lambda t: t.kind == "int")
        if not found:
            return []
        name, k = self.fresh(), self.rng.choice(found)
        n = self.rng.randrange(1, 5)
        form = self.rng.choice((f"({k} * 2 + 1) % {n}", f"max({k}, {n - 1}) % {n}", f"{k} // 2 % {n}",
                                f"{n - 1} if {k} > 1 else 0", f"int({k}) % {n}"))  # fmt: skip
        self.bind(name, int_(n))
        return [f"{indent}{name} = {form}"]

    def called(self, indent: str) -> list[str]:
        """A helper's tuple, taken apart at once."""
        found = self.names(lambda t: t.kind == "fn" and t.parts[-1].kind == "tuple")
        if not found:
            return []
        f = self.rng.choice(found)
        parts = self.env[f].parts
        args = ", ".join(self.expr(p, 1) for p in parts[:-1])
        names = [self.fresh() for _ in parts[-1].parts]
        if self.chance(0.3):
            names[0] = "_"
        for name, part in zip(names, parts[-1].parts, strict=True):
            if name != "_":
                self.bind(name, part)
        return [f"{indent}{', '.join(names)} = {f}({args})"]

    def layers(self, indent: str) -> list[str]:
        """A list of pairs, walked with both taken apart."""
        target = self._updatable()
        if target is None:
            return []
        name, w, b = self.fresh(), self.fresh(), self.fresh()
        type_ = self.env[target]
        pairs = [f"({self.expr(type_, 1)}, {self.num(1)})" for _ in range(self.rng.randrange(4))]
        head = f"{w}, {b}" if self.chance(0.6) else f"i, ({w}, {b})"
        over = name if head[0] != "i" else f"enumerate({name})"
        return [
            f"{indent}{name} = [{', '.join(pairs)}]",
            f"{indent}for {head} in {over}:",
            f"{indent}{STEP}{target} = np.tanh({target} * {w} + {b})",
        ]

    def part_of(self, indent: str) -> list[str]:
        """A piece of an array whose length only the run knows."""
        arrays = self.names(lambda t: t.kind == "arr" and len(t.shape) == 1)
        counts = self.names(lambda t: t.kind == "int")
        if not arrays or not counts:
            return []
        name, a, k = self.fresh(), self.rng.choice(arrays), self.rng.choice(counts)
        form = self.rng.choice((f"{a}[:{k}]", f"{a}[{k}:]", f"{a}[{a} > 0.1]", f"{a}[::{k} + 1]"))
        self.bind(name, ANY)
        return [f"{indent}{name} = {form}"]

    def walrus(self, indent: str) -> list[str]:
        """A condition that binds what it tests."""
        name, target = self.fresh(), self._updatable()
        if target is None:
            return []
        x = self.num(2)
        before = dict(self.env)
        self.env[name] = NUM
        inside = self.expr(self.env[target], 1)
        self.env = before
        self.bind(name, NUM)
        test = f"({name} := {x}) > {self.constant()}"
        return [f"{indent}if {test}:", f"{indent}{STEP}{target} = {target} * {name} + {inside}"]
