"""Random statements: assignments, branches, loops, closures, and ways to leave them."""

import random

from fuzz.expressions import Choice
from fuzz.kinds import ANY, BOOL, NUM, Type, arr, dict_, fn, int_, list_, tuple_
from fuzz.patterns import STEP, Patterns

POOL = ["a", "b", "c", "h", "p", "q", "r", "s", "t", "u", "v", "y", "z", "acc", "out", "total"]


class Writer(Patterns):
    """Writes statements. A name that is bound keeps its type wherever control flow may skip a line."""

    def __init__(self, rng: random.Random, sizes: tuple[int, ...], result: Type) -> None:
        super().__init__(rng, sizes)
        self.result = result
        self.budget = rng.randrange(3, 13)
        self.loops = 0
        self.taken: set[str] = set()
        self.may_return = True

    # -- names ------------------------------------------------------------------------------

    def begin(self, env: dict[str, Type]) -> None:
        """Start with what the module defines."""
        self.env = dict(env)
        self.outside = frozenset(env)
        self.taken |= set(env)

    def parameter(self, name: str, type_: Type) -> None:
        """Let a name be a parameter."""
        self.env[name] = type_

    def fresh(self) -> str:
        """A name that nothing has yet."""
        free = [n for n in POOL if n not in self.taken]
        name = self.rng.choice(free) if free else f"x{len(self.taken)}"
        self.taken.add(name)
        return name

    def type_(self) -> Type:
        """A type for a new variable."""
        seen = [t for t in self.env.values() if t.kind in ("num", "arr", "list", "tuple", "dict")]
        if seen and self.chance(0.5):
            return self.rng.choice(seen)
        return self.rng.choice((NUM, NUM, arr(*self.shape()), arr(*self.shape()), self.container()))

    def container(self) -> Type:
        parts = [self.rng.choice((NUM, NUM, arr(*self.shape()))) for _ in range(3)]
        kind = self.rng.randrange(4)
        if kind == 0:
            return tuple_(*parts[: self.rng.randrange(1, 4)])
        if kind == 1:
            return dict_(w=parts[0], k=parts[1])
        return list_(parts[0], self.rng.randrange(4))

    # -- statements -------------------------------------------------------------------------

    def block(self, indent: str, size: int, nested: bool = True) -> list[str]:
        """Some statements; what they bind anew is forgotten after a nested block."""
        before = dict(self.env)
        lines: list[str] = []
        for _ in range(size):
            lines += self.statement(indent, nested)
        if nested:
            self.env = {k: v for k, v in before.items() if self.env.get(k) == v}
        return lines or [f"{indent}pass"]

    def statement(self, indent: str, nested: bool) -> list[str]:
        self.budget -= 1
        deep = len(indent) // len(STEP)
        choices: list[Choice] = [
            (6, lambda: self.assign(indent, nested)),
            (5, lambda: self.update(indent)),
            (1, lambda: self.swap(indent)),
            (1, lambda: self.unpack(indent)),
        ]
        if deep < 4 and self.budget > 0:
            choices += [
                (3, lambda: self.branch(indent, nested)),
                (4, lambda: self.for_loop(indent)),
                (1, lambda: self.while_loop(indent)),
                (1, lambda: self.sometimes(indent)),
                (1, lambda: self.neighbours(indent)),
                (1, lambda: self.position(indent)),
            ]
        if not nested:
            choices += [
                (1, lambda: self.closure(indent)),
                (1, lambda: self.growing_list(indent)),
                (1, lambda: self.any_shape(indent)),
                (1, lambda: self.flag(indent)),
                (1, lambda: self.first_or_more(indent)),
                (1, lambda: self.state(indent)),
                (1, lambda: self.called(indent)),
                (1, lambda: self.layers(indent)),
                (1, lambda: self.part_of(indent)),
                (1, lambda: self.walrus(indent)),
            ]
        if self.may_return and nested:
            choices.append((1, lambda: self.early_return(indent)))
        if self.loops:
            choices.append((2, lambda: self.leave(indent)))
        return self.pick(choices)

    def bind(self, name: str, type_: Type) -> None:
        self.taken.add(name)
        self.env[name] = type_

    def assign(self, indent: str, nested: bool) -> list[str]:
        type_ = self.type_()
        known = self.names(lambda t: t == type_)
        if not nested:
            known = self.names(lambda t: t.kind not in ("fn", "bool", "int"))
        known = [n for n in known if n not in self.outside]
        name = self.rng.choice(known) if known and self.chance(0.5) else self.fresh()
        text = self.expr(type_)
        self.bind(name, type_)
        return [f"{indent}{name} = {text}"]

    def update(self, indent: str) -> list[str]:
        """A name renewed from what it held."""
        name = self._updatable()
        if name is None:
            return [f"{indent}_ = {self.num(1)}"]
        type_ = self.env[name]
        x = self.expr(type_, 2)
        forms = [f"{name} = {name} * 0.5 + {x}", f"{name} = np.tanh({name} + {x})"]
        forms += [f"{name} = {name} + {x}", f"{name} = {name} * {x}", f"{name} = {x} - {name}"]
        if type_ == NUM:
            forms += [f"{name} += {x}", f"{name} -= {x}", f"{name} *= {x}"]
        elif self.chance(0.2):
            forms = [f"{name} = {name} / (1.0 + np.sum(({x}) ** 2))"]
        return [f"{indent}{self.rng.choice(forms)}"]

    def _updatable(self) -> str | None:
        found = [n for n in self.names(lambda t: t.kind in ("num", "arr")) if n not in self.outside]
        return self.rng.choice(found) if found else None

    def swap(self, indent: str) -> list[str]:
        name = self._updatable()
        if name is None:
            return []
        same = [n for n in self.names(lambda t: t == self.env[name]) if n not in self.outside]
        picked = self.rng.sample(same, min(len(same), self.rng.choice((2, 2, 3))))
        values = [self.expr(self.env[name], 1) if self.chance(0.4) else n for n in picked[1:]]
        values.append(picked[0])
        return [f"{indent}{', '.join(picked)} = {', '.join(values)}"]

    def unpack(self, indent: str) -> list[str]:
        tuples = self.names(lambda t: t.kind == "tuple")
        if not tuples:
            a, b = self.fresh(), self.fresh()
            first, second = self.type_(), self.type_()
            line = f"{indent}{a}, {b} = {self.expr(first, 2)}, {self.expr(second, 2)}"
            self.bind(a, first)
            self.bind(b, second)
            return [line]
        source = self.rng.choice(tuples)
        parts = self.env[source].parts
        names = [self.fresh() for _ in parts]
        for name, part in zip(names, parts, strict=True):
            self.bind(name, part)
        comma = "," if len(names) == 1 else ""
        return [f"{indent}{', '.join(names)}{comma} = {source}"]

    def branch(self, indent: str, nested: bool) -> list[str]:
        inner = indent + STEP
        shared: tuple[str, Type] | None = None
        if self.chance(0.4):
            shared = (self.fresh(), self.type_())
        lines: list[str] = []
        heads = [f"if {self.cond(2)}:"]
        if self.chance(0.3):
            heads.append(f"elif {self.cond(2)}:")
        if shared is not None or self.chance(0.5):
            heads.append("else:")
        for head in heads:
            lines.append(indent + head)
            body = self.block(inner, self.rng.randrange(1, 3))
            if shared is not None:
                body.append(f"{inner}{shared[0]} = {self.expr(shared[1], 2)}")
            lines += body
        if shared is not None:
            self.bind(*shared)
        return lines

    def sometimes(self, indent: str) -> list[str]:
        """A name that one branch alone binds, read under the same condition."""
        flag, name, type_ = self.fresh(), self.fresh(), self.type_()
        lines = [f"{indent}{flag} = {self.cond(2)}", f"{indent}if {flag}:"]
        lines.append(f"{indent}{STEP}{name} = {self.expr(type_, 2)}")
        self.bind(flag, BOOL)
        lines += self.statement(indent, True)
        target = self._updatable()
        if target is not None:
            before = dict(self.env)
            self.bind(name, type_)
            inside = self.expr(self.env[target], 2)
            self.env = before
            lines += [f"{indent}if {flag}:", f"{indent}{STEP}{target} = {target} + {inside}"]
        return lines

    def flag(self, indent: str) -> list[str]:
        name = self.fresh()
        kind = self.rng.randrange(2)
        line = f"{indent}{name} = {self.cond(2) if kind else self.expr(int_(3), 0)}"
        self.bind(name, BOOL if kind else int_(3))
        return [line]

    def any_shape(self, indent: str) -> list[str]:
        """A name that holds arrays of different shapes on different paths."""
        name = self.fresh()
        a, b = self.array(self.shape(), 2), self.array(self.shape(), 2)
        lines = [f"{indent}if {self.cond(2)}:", f"{indent}{STEP}{name} = {a}"]
        lines += [f"{indent}else:", f"{indent}{STEP}{name} = {b}"]
        self.bind(name, ANY)
        return lines

    def closure(self, indent: str) -> list[str]:
        name, param = self.fresh(), self.fresh()
        type_ = self.rng.choice((NUM, arr(*self.shape())))
        result = self.rng.choice((NUM, type_))
        before, returns, outside = dict(self.env), self.may_return, self.outside
        self.outside = frozenset(before)
        self.env[param] = type_
        if self.chance(0.5):
            lines = [f"{indent}{name} = lambda {param}: {self.expr(result, 2)}"]
        else:
            self.may_return = False
            local = self.fresh()
            inner = indent + STEP
            lines = [f"{indent}def {name}({param}):", f"{inner}{local} = {self.expr(type_, 2)}"]
            self.env[local] = type_
            lines.append(f"{inner}return {self.expr(result, 2)}")
        self.env, self.may_return, self.outside = before, returns, outside
        self.bind(name, fn(result, type_))
        return lines

    def growing_list(self, indent: str) -> list[str]:
        """A list that a loop makes longer, read afterwards."""
        name = self.fresh()
        entry = self.rng.choice((NUM, NUM, arr(*self.shape())))
        lines = [f"{indent}{name} = [{self.expr(entry, 1) if self.chance(0.5) else ''}]"]
        header, bound = self.for_header()
        before = dict(self.env)
        self.env.update(bound)
        lines.append(f"{indent}{header}")
        self.loops += 1
        if self.chance(0.4):
            lines += self.update(indent + STEP)
        if self.chance(0.3):
            lines += self.leave(indent + STEP)
        self.loops -= 1
        lines.append(f"{indent}{STEP}{name} = {name} + [{self.expr(entry, 2)}]")
        self.env = before
        self.bind(name, list_(entry, None))
        target = self._updatable()
        if target is not None and self.chance(0.8):
            w = self.fresh()
            self.env[w] = entry
            inside = self.expr(self.env[target], 2)
            del self.env[w]
            lines += [
                f"{indent}for {w} in {name}:",
                f"{indent}{STEP}{target} = {target} + {inside}",
            ]
        return lines

    # -- loops ------------------------------------------------------------------------------

    def for_header(self) -> tuple[str, dict[str, Type]]:
        """`for ... in ...:` and what it binds."""
        i, v = self.fresh(), self.fresh()
        counts = self.names(lambda t: t.kind == "int")
        n = self.rng.choice(counts) if counts and self.chance(0.6) else str(self.rng.randrange(5))
        bound = (self.env[n].bound or 1) if n in self.env else int(n)
        options = [
            (f"for {i} in range({n}):", {i: int_(max(bound, 1))}),
            (f"for {i} in range({n}):", {i: int_(max(bound, 1))}),
            (f"for _ in range({n}):", {}),
            (f"for {i} in range({n}, 0, -1):", {i: int_(bound + 1)}),
            (f"for {i} in range(1, {n} + 2, 2):", {i: int_(bound + 2)}),
        ]
        walked: list[tuple[str, Type]] = []
        for name, t in self.env.items():
            if t.kind == "arr" and t.shape:
                walked.append((name, NUM if len(t.shape) == 1 else arr(*t.shape[1:])))
            elif t.kind == "list" or (t.kind == "tuple" and len(set(t.parts)) == 1):
                walked.append((name, t.parts[0]))
            elif t.kind == "dict" and len(set(t.parts)) == 1:
                options.append((f"for {v} in {name}.values():", {v: t.parts[0]}))
                options.append((f"for {i}, {v} in {name}.items():", {v: t.parts[0]}))
        if not walked:
            size = self.rng.choice(self.sizes)
            walked.append((f"({self.array((size,), 2)})", NUM))
        for name, entry in walked:
            options += [
                (f"for {v} in {name}:", {v: entry}),
                (f"for {i}, {v} in enumerate({name}):", {v: entry, i: int_(5)}),
                (f"for {v} in reversed({name}):", {v: entry}),
                (f"for {v} in {name}[1:]:", {v: entry}),
            ]
            other, second = self.rng.choice(walked)
            w = f"{v}2"
            options.append((f"for {v}, {w} in zip({name}, {other}):", {v: entry, w: second}))
        return self.rng.choice(options)

    def for_loop(self, indent: str) -> list[str]:
        header, bound = self.for_header()
        before = dict(self.env)
        lines = []
        if self._updatable() is None or self.chance(0.3):
            name = self.fresh()
            type_ = self.rng.choice((NUM, arr(*self.shape())))
            start = "0.0" if type_ == NUM else f"np.zeros({self.dims(type_.shape)})"
            lines.append(f"{indent}{name} = {start if self.chance(0.5) else self.expr(type_, 1)}")
            self.bind(name, type_)
            before[name] = type_
        self.env.update(bound)
        lines.append(f"{indent}{header}")
        self.loops += 1
        body = self.block(indent + STEP, self.rng.randrange(1, 4))
        body += self.update(indent + STEP)
        self.loops -= 1
        lines += body
        self.env = before
        if self.chance(0.15):
            lines.append(f"{indent}else:")
            lines += self.block(indent + STEP, 1)
        return lines

    def while_loop(self, indent: str) -> list[str]:
        k = self.fresh()
        inner = indent + STEP
        limit = self.rng.randrange(1, 5)
        extra = f" and {self.cond(1)}" if self.chance(0.4) else ""
        head = f"while {k} < {limit}{extra}:"
        forever = self.chance(0.2)
        lines = [f"{indent}{k} = 0", indent + ("while True:" if forever else head)]
        before = dict(self.env)
        lines.append(f"{inner}{k} {self.rng.choice((f'= {k} +', '+='))} 1")
        if forever:
            lines += [f"{inner}if {k} > {limit}:", f"{inner}{STEP}break"]
        self.bind(k, int_(limit + 2))
        self.loops += 1
        lines += self.block(inner, self.rng.randrange(1, 3))
        lines += self.update(inner)
        self.loops -= 1
        self.env = before
        self.bind(k, int_(limit + 2))
        if self.chance(0.15) and not forever:
            lines.append(f"{indent}else:")
            lines += self.block(inner, 1)
        return lines

    def leave(self, indent: str) -> list[str]:
        lines = [f"{indent}if {self.cond(2)}:"]
        if self.chance(0.3):
            lines += self.update(indent + STEP)
        return [*lines, f"{indent}{STEP}{self.rng.choice(('break', 'continue'))}"]

    def returned(self) -> str:
        """The last result, to which most of what was computed contributes."""
        if self.result != NUM:
            return self.expr(self.result, 3)
        parts = [self.num(2)]
        for name, t in self.env.items():
            if name in self.outside or self.chance(0.2):
                continue
            if t == NUM:
                parts.append(name)
            elif t.kind in ("arr", "any"):
                parts.append(self.rng.choice((f"np.sum({name} ** 2)", f"np.sum({name})")))
            elif t.kind == "list" and t.parts[0] == NUM:
                parts.append(f"sum({name})")
            elif t.kind in ("list", "tuple", "dict"):
                entry = self._entry(NUM)
                parts += [entry] if entry is not None else []
        return " + ".join(parts)

    def early_return(self, indent: str) -> list[str]:
        value = self.expr(self.result, 2)
        return [f"{indent}if {self.cond(2)}:", f"{indent}{STEP}return {value}"]
