"""Random ways for two names to share memory: aliases, views, and functions that write what they get."""

from fuzz.expressions import Choice
from fuzz.kinds import NUM, Type, arr, fn
from fuzz.patterns import STEP
from fuzz.writes import Writes


class Sharing(Writes):
    """Aliases and views with names of their own, and functions that write into arrays."""

    def view_of(self, indent: str) -> list[str]:
        """A name for a view; what it was made from is written to, or it is."""
        name = self.target(least=1)
        if name is None:
            return self.new_array(indent)
        text, shape = self.view(name, self.env[name].shape)
        seen = self.fresh()
        self.bind(seen, arr(*shape))
        self.owned.add(seen)
        lines = [f"{indent}{seen} = {text}"]
        if shape and self.chance(0.7):
            place, selected = self.place(written := self.rng.choice((seen, name)))
            lines.append(indent + self.stored(place, selected, written))
        return lines

    def alias(self, indent: str) -> list[str]:
        """A second name for an array, written to by the one and read by the other."""
        name = self.target(least=1)
        if name is None:
            return self.new_array(indent)
        other = self.fresh()
        type_ = self.env[name]
        lines = [f"{indent}{other} = {name}"]
        same = [n for n in self.names(lambda t: t == type_) if n not in self.globals]
        if self.chance(0.1):
            lines = [f"{indent}{other} = {name} if {self.cond(1)} else {self.rng.choice(same)}"]
        elif self.chance(0.1) and not set(same) & self.outside:
            lines = [f"{indent}{other}, {name} = {name}, {self.rng.choice(same)}"]
        self.bind(other, type_)
        self.owned.add(other)
        lines += self.write_to(indent, self.rng.choice((name, other)))
        if self.chance(0.5):
            target = self.target(least=1)
            if target is not None:
                read = self.rng.choice((name, other))
                lines.append(f"{indent}{target}[0] += np.sum({read}) * {self.num(1)}")
        return lines

    def write_to(self, indent: str, name: str) -> list[str]:
        place, shape = self.place(name)
        return [indent + self.stored(place, shape, name)]

    def write_in_branch(self, indent: str) -> list[str]:
        """A write on one side of a branch, or a different one on either."""
        name = self.target(least=1)
        if name is None:
            return self.new_array(indent)
        inner, before = indent + STEP, dict(self.env)
        lines = [f"{indent}if {self.cond(2)}:", *self.write_to(inner, name)]
        if self.chance(0.4):
            lines += [f"{indent}else:"]
            lines += (
                self.write_to(inner, name)
                if self.chance(0.5)
                else self.array_statement(inner, True)
            )
        self.env = before
        return lines

    def chained(self, indent: str) -> list[str]:
        """Two names bound at once to one new array, or a number read before its place is written."""
        shape = self.shape() or (2,)
        first, second = self.fresh(), self.fresh()
        target = self.target(least=1, rank=1)
        if target is not None and self.chance(0.5):
            place = f"{target}[{self.index(self.env[target].shape[0])}]"
            lines = [f"{indent}{first} = {place}", f"{indent}{place} = {self.num(1)} * {first}"]
            self.bind(first, NUM)
            return lines
        lines = [f"{indent}{first} = {second} = {self.array(shape, 1)} * 1.0"]
        for name in (first, second):
            self.bind(name, arr(*shape))
            self.owned.add(name)
        return lines + self.write_to(indent, first)

    def two_places(self, indent: str) -> list[str]:
        """Places of two arrays written in one statement."""
        a, b = self.target(least=1, rank=1), self.target(least=1, rank=1)
        if a is None or b is None:
            return self.new_array(indent)
        i, j = (self.index(self.env[name].shape[0]) for name in (a, b))
        values = self.rng.choice((f"{b}[{j}], {a}[{i}]", f"{self.num(1)}, {a}[{i}]"))
        return [f"{indent}{a}[{i}], {b}[{j}] = {values}"]

    def rows(self, indent: str) -> list[str]:
        """A loop over the rows of a matrix, or over some arrays, that writes into each."""
        row, inner = self.fresh(), indent + STEP
        name = self.target(least=1, rank=2)
        if name is not None and self.chance(0.7):
            seen = arr(*self.env[name].shape[1:])
            count = self.fresh()
            head = self.rng.choice((f"{row} in {name}", f"{count}, {row} in enumerate({name})",
                                    f"{row} in {name}[::-1]", f"{row} in {name}.T[:1]",
                                    f"{row}, {count} in zip({name}, {name}[1:])"))  # fmt: skip
            seen = arr(self.env[name].shape[0]) if ".T" in head else seen
        else:
            first = self.target(least=1)
            if first is None:
                return self.new_array(indent)
            type_ = self.env[first]
            same = [n for n in self.names(lambda t: t == type_) if n in self.owned]
            seen = type_
            picked = [
                self.rng.choice(same or [first]) for _ in range(self.rng.choice((1, 2, 2, 3)))
            ]
            head = f"{row} in {self.rng.choice(('({},)', '[{}]')).format(', '.join(picked))}"
        before = dict(self.env)
        self.bind(row, seen)
        self.owned.add(row)
        lines = [f"{indent}for {head}:"]
        if self.chance(0.4):
            lines.append(f"{inner}{row} {self.rng.choice('+-*')}= {self.num(1)}")
        else:
            lines += self.write_to(inner, row)
        self.env = before
        return lines

    # -- functions that write -----------------------------------------------------------------

    def writing_function(self, indent: str) -> list[str]:
        """A function inside, which writes into its argument and maybe into what is around it."""
        name = self.fresh()
        target = self.target(least=1)
        type_ = self.env[target] if target is not None else arr(*(self.shape() or (2,)))
        params = [type_] + ([NUM] if self.chance(0.4) else [])
        before, returns, outside = dict(self.env), self.may_return, self.outside
        owned, loops = set(self.owned), self.loops
        self.outside = frozenset(before)
        self.may_return, self.loops = False, 0
        names = [self.fresh() for _ in params]
        for param, given in zip(names, params, strict=True):
            self.bind(param, given)
        self.owned.add(names[0])
        inner = indent + STEP
        lines = [f"{indent}def {name}({', '.join(names)}):"]
        if self.chance(0.7):
            lines += self.write_to(inner, names[0])
        else:
            lines.append(f"{inner}{names[0]} {self.rng.choice('+-*')}= {self.num(1)}")
        lines += self.block(inner, self.rng.randrange(0, 3))
        result: Type | None = self.rng.choice((NUM, NUM, type_, None))
        if result == type_:
            lines.append(f"{inner}return {self.rng.choice((names[0], self.expr(type_, 1)))}")
        elif result is not None:
            lines.append(f"{inner}return {self.total_of(names[0])}")
        self.env, self.may_return, self.outside = before, returns, outside
        self.owned, self.loops = owned, loops
        kind = fn(result, *params) if result is not None else Type("proc", parts=tuple(params))
        self.bind(name, kind)
        return lines + self.called_to_write(indent, name)

    def called_to_write(self, indent: str, name: str | None = None) -> list[str]:
        """A call of a function that writes, before or after something it writes to is read."""
        found = self.names(lambda t: t.kind in ("fn", "proc") and t.parts[0].kind == "arr")
        name = name or (self.rng.choice(found) if found else None)
        if name is None:
            return []
        kind = self.env[name]
        params = kind.parts if kind.kind == "proc" else kind.parts[:-1]
        x = self.variable(params[0]) or self.array(params[0].shape, 1)
        if x in self.globals:
            return []
        call = f"{name}({', '.join([x, *(self.expr(p, 1) for p in params[1:])])})"
        if kind.kind == "proc" or self.chance(0.3):
            return [f"{indent}{call}"]
        result = kind.parts[-1]
        target = self._updatable()
        if result != NUM or target is None:
            out = self.fresh()
            self.bind(out, result)
            return [f"{indent}{out} = {call}"]
        y = self.rng.choice((f"np.sum({x})", f"np.sum({x}[1:] * 2)", f"np.max({x})"))
        if self.env[target] == params[0]:
            y = self.rng.choice((x, f"{x} * 2", f"np.flip({x})"))
        forms = [f"{y} + {call}", f"{call} + {y}", f"{y} * {call} - {y}", f"{call} * {call}"]
        form = self.rng.choice(forms)
        if target in (x, *self.globals):
            return [f"{indent}{target} = {target} * 0.5 + {form}"]
        return [f"{indent}{target} = {target} * 0.5 + {form}"]

    # -- choosing -----------------------------------------------------------------------------

    def sharing_statement(self, indent: str, nested: bool) -> list[str]:
        """A statement after which, or in which, memory has two names."""
        choices: list[Choice] = [
            (5, lambda: self.view_of(indent)),
            (3, lambda: self.alias(indent)),
            (3, lambda: self.called_to_write(indent)),
            (2, lambda: self.chained(indent)),
            (1, lambda: self.two_places(indent)),
        ]
        if len(indent) < 3 * len(STEP):
            choices += [(3, lambda: self.write_in_branch(indent)), (2, lambda: self.rows(indent))]
        if not nested:
            choices.append((3, lambda: self.writing_function(indent)))
        return self.pick(choices)
