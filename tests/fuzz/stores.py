"""Statements that write to lists, dicts and objects, and to the arrays that they hold."""

import re

from fuzz.expressions import Choice
from fuzz.kinds import NUM, Type, arr, list_
from fuzz.patterns import STEP
from fuzz.sharing import Sharing


def state_(shape: tuple[int, ...]) -> Type:
    """An object with an array and a number."""
    return Type("state", parts=(arr(*shape), NUM), keys=("v", "n"))


class Stores(Sharing):
    """Writes to containers and objects. A list whose length is not known may grow and shrink."""

    # -- reading ------------------------------------------------------------------------------

    def _entry(self, type_: Type) -> str | None:
        found = [super()._entry(type_)]
        for name, t in self.env.items():
            if t.kind == "state":
                found += [f"{name}.{k}" for k, p in zip(t.keys, t.parts, strict=True) if p == type_]
            elif t.kind == "list" and t.bound is None and t.parts[0] == type_ == NUM:
                found.append(f"({name}[{self.rng.choice((0, -1))}] if {name} else 0.5)")
        return self.rng.choice([f for f in found if f is not None] or [None])

    def _state(self, type_: Type, depth: int) -> str:
        found = self.variable(type_)
        if found is not None and self.chance(0.3):
            return found
        return f"State({self.array(type_.parts[0].shape, 1)} * 1.0, {self.num(1)})"

    def for_header(self) -> tuple[str, dict[str, Type]]:
        """A loop over a copy, where the body may make the list longer for ever."""
        header, bound = super().for_header()
        for name in self.names(lambda t: t.kind == "list" and t.bound is None):
            header = re.sub(rf"\b{name}\b", f"{name}[:]", header)
        return header, bound

    # -- lists --------------------------------------------------------------------------------

    def new_list(self, indent: str, grows: bool) -> list[str]:
        """A list that may grow, or one of a length that stays, maybe of arrays."""
        name = self.fresh()
        entry = self.rng.choice((NUM, NUM, arr(*self.array_shape())))
        if grows:
            text = f"[{self.expr(entry, 1) if self.chance(0.6) else ''}]"
            self.bind(name, list_(entry, None))
            return [f"{indent}{name} = {text}"]
        n = self.rng.randrange(1, 4)
        text = f"[{', '.join(self.expr(entry, 1) for _ in range(n))}]"
        if self.chance(0.2):
            text = f"[{self.expr(entry, 1)}] * {n}"
        elif entry != NUM and self.chance(0.5):
            text = f"[np.zeros({entry.shape!r}) for _ in range({n})]"
        self.bind(name, list_(entry, n))
        return [f"{indent}{name} = {text}"]

    def array_shape(self) -> tuple[int, ...]:
        return self.shape() or (2,)

    def list_write(self, indent: str) -> list[str]:
        """An entry of a list bound anew, or written into."""
        found = self.names(lambda t: t.kind == "list" and bool(t.bound))
        if not found:
            return self.new_list(indent, grows=False) + self.list_write(indent)
        xs = self.rng.choice(found)
        entry, n = self.env[xs].parts[0], self.env[xs].bound or 1
        k, j = self.index(n), self.index(n)
        x = self.expr(entry, 2)
        forms = [f"{xs}[{k}] = {x}", f"{xs}[{k}] = {x}", f"{xs}[{k}] += {x}", f"{xs}[{k}] *= {x}",
                 f"{xs}[{k}], {xs}[{j}] = {xs}[{j}], {xs}[{k}]", f"{xs}.reverse()",
                 f"{xs}[{k}] = {xs}[{j}] * 0.5", f"{xs}[0:1] = [{x}]", f"{xs}[:] = [{', '.join([x] * n)}]"]  # fmt: skip
        if entry.kind == "arr" and entry.shape and self.chance(0.6):
            index, selected = self.index_into(entry.shape)
            value = self.value(selected)
            forms = [f"{xs}[{k}][{index}] = {value}", f"{xs}[{k}][{index}] += {value}",
                     f"{xs}[{k}][...] *= {value}" if selected == entry.shape else f"{xs}[{k}] *= 0.5"]  # fmt: skip
        elif entry == NUM and self.chance(0.2):
            i = self.fresh()
            forms = [
                f"for {i} in range(len({xs})):\n{indent}{STEP}{xs}[{i}] = {xs}[{i}] * {self.num(1)}"
            ]
        return [indent + self.rng.choice(forms)]

    def list_length(self, indent: str) -> list[str]:
        """A list made longer or shorter."""
        found = self.names(lambda t: t.kind == "list" and t.bound is None)
        if not found:
            lines = self.new_list(indent, grows=True)
            return [
                line for part in (lines, *(self.list_length(indent) for _ in "ab")) for line in part
            ]
        xs = self.rng.choice(found)
        x = self.expr(self.env[xs].parts[0], 2)
        forms = [f"{xs}.append({x})"] * 5 + [f"{xs}.extend([{x}, {self.expr(self.env[xs].parts[0], 1)}])",
                 f"{xs}.insert(0, {x})", f"{xs} = {xs} + [{x}]", f"{xs}.extend({xs}[:1])",
                 f"if len({xs}) > 1:\n{indent}{STEP}{xs}.pop()", f"if {xs}:\n{indent}{STEP}{xs}.pop(0)",
                 f"if {xs}:\n{indent}{STEP}del {xs}[0]", f"{xs}.clear()", f"{xs}[1:] = [{x}]",
                 f"if {xs}:\n{indent}{STEP}{xs}[-1] = {xs}[-1] * 0.5"]  # fmt: skip
        if xs in self.outside:
            forms = [form for form in forms if f"{xs} = " not in form]
        else:
            forms += [f"{xs} += [{x}]"]
        if self.chance(0.15):
            other = self.fresh()
            self.bind(other, self.env[xs])
            return [f"{indent}{other} = {self.rng.choice((xs, f'{xs}[:]', f'list({xs})'))}",
                    indent + self.rng.choice((f"{xs}.append({x})", f"{other}.append({x})"))]  # fmt: skip
        return [indent + self.rng.choice(forms)]

    def collected(self, indent: str) -> list[str]:
        """A list appended to in a loop, read afterwards."""
        xs = self.fresh()
        entry = self.rng.choice((NUM, NUM, arr(*self.array_shape())))
        lines = [f"{indent}{xs} = []"]
        header, bound = self.for_header()
        before = dict(self.env)
        self.env.update(bound)
        self.loops += 1
        lines.append(indent + header)
        if self.chance(0.3):
            lines += self.array_statement(indent + STEP, True)
        held = self.target(least=1)
        if entry != NUM and held is not None and self.env[held] == entry and self.chance(0.6):
            lines.append(f"{indent}{STEP}{xs}.append({held}{self.rng.choice(('', '.copy()'))})")
        else:
            lines.append(f"{indent}{STEP}{xs}.append({self.expr(entry, 2)})")
        if self.chance(0.3):
            lines += self.leave(indent + STEP)
        self.loops -= 1
        self.env = before
        self.bind(xs, list_(entry, None))
        if entry != NUM and self.chance(0.5):
            lines += [f"{indent}for w in {xs}:", f"{indent}{STEP}w *= {self.num(0)}"]
        return lines

    def table(self, indent: str) -> list[str]:
        """A list of lists, filled in nested loops, each entry from those before it."""
        grid, i, j, target = self.fresh(), self.fresh(), self.fresh(), self._updatable()
        n, m = self.rng.randrange(1, 4), self.rng.randrange(2, 4)
        x = self.num(1)
        rows = (f"[[0.5] * {m} for _ in range({n})]", f"[[{self.num(1)} for _ in range({m})] for _ in range({n})]")  # fmt: skip
        steps = [f"{grid}[{i}][{j}] = {grid}[{i}][{j} - 1] * {x} + 0.5",
                 f"{grid}[{i}][{j}] += {grid}[{i} - 1][{j}] * {x}",
                 f"{grid}[{i}][{j}] = np.logaddexp({grid}[{i}][{j} - 1], {grid}[{i} - 1][{j}] * {x})"]  # fmt: skip
        lines = [f"{indent}{grid} = {self.rng.choice(rows)}", f"{indent}for {i} in range({n}):",
                 f"{indent}{STEP}for {j} in range(1, {m}):", indent + STEP * 2 + self.rng.choice(steps)]  # fmt: skip
        if self.chance(0.3):
            lines.append(
                f"{indent}{grid}[{self.rng.choice((0, -1))}] = {grid}[0]{self.rng.choice(('', '[:]'))}"
            )
            lines.append(f"{indent}{grid}[0][0] = {x}")
        if target is not None:
            lines.append(f"{indent}{target} = {target} * 0.5 + {grid}[-1][-1] + {grid}[0][0]")
        return lines

    # -- dicts --------------------------------------------------------------------------------

    def dict_write(self, indent: str) -> list[str]:
        """An entry of a dict bound anew or written into."""
        found = self.names(lambda t: t.kind == "dict" and "w" in t.keys)
        if not found:
            name = self.fresh()
            kind = Type("dict", parts=(NUM, arr(*self.array_shape())), keys=("w", "k"))
            text = self._fresh_container(kind, 1)
            self.bind(name, kind)
            return [f"{indent}{name} = {text}", *self.dict_write(indent)]
        d = self.rng.choice(found)
        key = self.rng.choice(self.env[d].keys)
        entry = dict(zip(self.env[d].keys, self.env[d].parts, strict=True))[key]
        x = self.expr(entry, 2)
        forms = [f"{d}[{key!r}] = {x}", f"{d}[{key!r}] += {x}", f"{d}[{key!r}] *= {x}",
                 f"{d}.update({key}={x})", f"{d}.update({{{key!r}: {x}}})",
                 f"{d}[{key!r}] = {d}.get({key!r}) * 0.5 + {x}", f"{d}.setdefault({key!r}, {x})",
                 f"{d}[{key!r}] = {d}.pop({key!r}) * 0.5"]  # fmt: skip
        if entry.kind == "arr" and entry.shape and self.chance(0.6):
            index, selected = self.index_into(entry.shape)
            value = self.value(selected)
            forms = [f"{d}[{key!r}][{index}] = {value}", f"{d}[{key!r}][{index}] += {value}"]
        return [indent + self.rng.choice(forms)]

    def dict_filled(self, indent: str) -> list[str]:
        """A dict that a loop fills, read by its keys, its values or its items."""
        d, i, target = self.fresh(), self.fresh(), self._updatable()
        if target is None:
            return []
        n = self.rng.randrange(1, 4)
        lines = [f"{indent}{d} = {{}}", f"{indent}for {i} in range({n}):"]
        before = dict(self.env)
        type_ = self.env[target]
        x = self.expr(type_, 2)
        inner = indent + STEP
        fills = [[f"{inner}{d}[{i}] = {x}"], [f"{inner}{d}[{i}] = {d}.get({i} - 1, 0.5) + {x}"],
                 [f"{inner}{d}.setdefault({i} % 2, []).append({x})"]]  # fmt: skip
        if type_ == NUM:
            fills.append([f"{inner}{d}['a'] = {d}.get('a', 1.0) * {x}"])
        fill = self.rng.choice(fills)
        v = self.fresh()
        add = f"{target} = {target} * 0.5 + {v}"
        if "setdefault" in fill[0]:
            add = f"{target} = {target} * 0.5 + {v}[-1]"
        self.env = before
        heads = (f"for {v} in {d}.values():", f"for {v}k, {v} in {d}.items():", f"for {v} in list({d}.values()):")  # fmt: skip
        return [*lines, *fill, indent + self.rng.choice(heads), inner + add]

    # -- objects ------------------------------------------------------------------------------

    def object_write(self, indent: str) -> list[str]:
        """An attribute bound anew, or the array in it written into."""
        found = self.names(lambda t: t.kind == "state")
        if not found or self.chance(0.1):
            name, kind = self.fresh(), state_(self.array_shape())
            text = self._state(kind, 1)
            self.bind(name, kind)
            return [f"{indent}{name} = {text}", *self.object_write(indent)]
        s = self.rng.choice(found)
        type_ = self.env[s].parts[0]
        x, y = self.num(2), self.expr(type_, 2)
        index, selected = self.index_into(type_.shape)
        forms = [f"{s}.n += {x}", f"{s}.n = {x}", f"{s}.n *= {x}", f"{s}.v = {y}", f"{s}.v = {s}.v * {x}",
                 f"{s}.v *= {x}", f"{s}.v += {y}", f"{s}.renew()", f"{s}.n = {s}.renew()"]  # fmt: skip
        forms += [f"{s}.v[{index}] {op} {self.value(selected, 1)}" for op in ("=", "+=", "*=")] * 2
        if len(type_.shape) == 1 and type_.shape[0]:
            forms += [f"{s}.kick({x})", f"{s}.kick({x})"]
        if self.chance(0.15):
            seen = self.fresh()
            self.bind(seen, type_)
            self.owned.add(seen)
            return [f"{indent}{seen} = {s}.v", *self.write_to(indent, seen)]
        return [indent + self.rng.choice(forms)]

    def crowd(self, indent: str) -> list[str]:
        """A list of objects, each written to in a loop and read afterwards."""
        target = self._updatable()
        if target is None:
            return []
        shape = self.array_shape()
        many, one, inner = self.fresh(), self.fresh(), indent + STEP
        made = ", ".join(self._state(state_(shape), 1) for _ in range(self.rng.randrange(1, 4)))
        steps = [f"{one}.v += {self.value(shape, 1)}", f"{one}.n *= {self.num(1)}",
                 f"{one}.v = {one}.v * {one}.n", f"{one}.n = {one}.renew()"]  # fmt: skip
        lines = [f"{indent}{many} = [{made}]", f"{indent}for {one} in {many}:"]
        lines += [inner + step for step in self.rng.sample(steps, self.rng.randrange(1, 3))]
        read = f"np.sum({many}[0].v) * {many}[-1].n"
        return [*lines, f"{indent}{target} = {target} * 0.5 + {read}"]

    # -- choosing -----------------------------------------------------------------------------

    def store_statement(self, indent: str, nested: bool) -> list[str]:
        """A statement that writes to a container or an object."""
        choices: list[Choice] = [
            (4, lambda: self.list_write(indent)),
            (4, lambda: self.list_length(indent)),
            (3, lambda: self.dict_write(indent)),
            (4, lambda: self.object_write(indent)),
        ]
        if len(indent) < 3 * len(STEP) and self.budget > 0:
            choices += [(2, lambda: self.collected(indent)), (2, lambda: self.dict_filled(indent))]
            choices += [(1, lambda: self.table(indent)), (1, lambda: self.crowd(indent))]
        return self.pick(choices)

    def statement(self, indent: str, nested: bool) -> list[str]:
        kind = self.rng.choices(("plain", "array", "sharing", "store"), (25, 35, 18, 22))[0]
        if kind == "plain":
            return super().statement(indent, nested)
        self.budget -= 1
        made: list[str] = getattr(self, f"{kind}_statement")(indent, nested)
        return made or self.update(indent)

    def returned(self) -> str:
        parts = [super().returned()]
        if self.result == NUM:
            for name, t in self.env.items():
                if t.kind == "state" and name not in self.outside:
                    parts.append(f"np.sum({name}.v) * {name}.n")
        return " + ".join(parts)
