"""Statements that write into arrays: assignments, augmented ones, `out=`, and functions that fill."""

from fuzz.expressions import Choice
from fuzz.kinds import arr, int_
from fuzz.patterns import STEP
from fuzz.targets import Shape, Targets

UFUNCS = ("np.add", "np.subtract", "np.multiply", "np.maximum")


class Writes(Targets):
    """Writes into arrays."""

    def new_array(self, indent: str) -> list[str]:
        """An array of its own memory, to be written to."""
        shape: Shape = ()
        while not shape:
            shape = self.shape()
        name = self.fresh()
        like = self.variable(arr(*shape))
        made = [f"np.zeros({self.dims(shape)})", f"np.ones({self.dims(shape)})",
                f"np.full({self.dims(shape)}, {self.num(1)})", f"{self.array(shape, 1)} * 1.0",
                f"np.array({self.array(shape, 1)})", f"({self.array(shape, 2)}).copy()"]  # fmt: skip
        if like is not None:
            made += [f"{like}.copy()", f"np.zeros_like({like})", f"np.copy({like})"] * 2
            made.append(f"np.empty_like({like})")
        text, filling = self.rng.choice(made), self.value(shape, 1)
        self.bind(name, arr(*shape))
        self.owned.add(name)
        lines = [f"{indent}{name} = {text}"]
        if "empty" in text:
            lines.append(f"{indent}{name}[...] = {filling}")
        return lines

    def write(self, indent: str) -> list[str]:
        """An assignment to a part of an array."""
        name = self.target()
        if name is None:
            return self.new_array(indent)
        place, shape = self.place(name)
        return [indent + self.stored(place, shape, name)]

    def stored(self, place: str, shape: Shape | None, name: str) -> str:
        """A statement that writes to a place."""
        if shape is None:  # as many values as the place turns out to have, or one for all
            index = place[place.rindex("[") :] if place.startswith(f"{name}[") else ""
            other = self.variable(self.env[name]) if index and place == name + index else None
            values = [self.num(1), f"{place} * {self.num(0)}", f"np.sin({place})"]
            values += [f"{other}{index}", f"{other}{index} * {self.num(0)}"] if other else []
            values += [f"np.flip({place})"] if ":" in index else []
            value = self.rng.choice(values)
        else:
            value = self.value(shape)
        forms = (
            (6, f"{place} = {value}"),
            (4, f"{place} += {value}"),
            (2, f"{place} -= {value}"),
            (3, f"{place} *= {value}"),
            (1, f"{place} /= 1.5 + ({value}) ** 2"),
            (1, f"{place} **= 2"),
            (2, f"{place} = {place} * 0.5 + {value}"),
            (1, f"{place} = np.tanh({place}) * {value}"),
        )
        return self.rng.choices([text for _, text in forms], [w for w, _ in forms])[0]

    def whole(self, indent: str) -> list[str]:
        """An update of all of an array, in place."""
        name = self.target()
        if name is None:
            return self.new_array(indent)
        shape = self.env[name].shape
        value = self.value(shape)
        forms = [f"{name}[:] = {value}", f"{name}[...] = {value}", f"{name}[:] += {value}"]
        if name not in self.outside:
            forms += [f"{name} += {value}", f"{name} += {value}", f"{name} *= {value}",
                      f"{name} -= {value}", f"{name} /= 1.5 + ({value}) ** 2", f"{name} **= 2"]  # fmt: skip
            if len(shape) == 2 and shape[0] == shape[1]:
                forms.append(f"{name} @= {self.array(shape, 1)}")
        return [indent + self.rng.choice(forms)]

    def overlap(self, indent: str) -> list[str]:
        """What is written overlaps with what is read."""
        name = self.target(least=3)
        if name is None:
            return self.new_array(indent)
        u, c, i = name, self.num(1), self.index(self.env[name].shape[0])
        k = self.rng.randrange(1, self.env[name].shape[0])
        forms = [f"{u}[:{k}] += {c} * np.flip({u}[:{k}], axis=0)",
                 f"{u}[1:-1] = ({u}[2:] + {u}[:-2]) / 2",
                 f"{u}[1:-1] += 0.1 * ({u}[2:] - 2 * {u}[1:-1] + {u}[:-2])",
                 f"{u}[1:] = {u}[:-1]", f"{u}[:-1] = {u}[1:] * {c}", f"{u}[1:] += {u}[:-1]",
                 f"{u}[::-1] += {u} * {c}", f"{u}[:] = {u}[::-1]", f"{u}[[0, 1]] = {u}[[1, 0]]",
                 f"{u}[{i}], {u}[{k}] = {u}[{k}], {u}[{i}]", f"{u}[{i}] = {u}[{k}] = {c}",
                 f"{u}[:{k}], {u}[{k}:] = {u}[:{k}] * {c}, {u}[{k}:] + 1",
                 f"{u}[{i}] = np.sum({u}) * {c}", f"{u}[{i}] -= {u}[{k}] * {u}[{k} - 1]"]  # fmt: skip
        shape = self.env[name].shape
        if len(shape) == 2 and shape[0] == shape[1]:
            # NumPy garbles `u[1] = u[:, 2]`, for it reads of the column what it has written to the row.
            forms += [f"{u}[...] = {u}.T", f"{u}[:] += {u}.T * {c}"]
            forms += [f"{u}[{i}] = {u}[:, {k}].copy()"]
            forms += [f"{u}[1:-1, 1:-1] = ({u}[2:, 1:-1] + {u}[:-2, 1:-1]) * 0.5"]
        return [indent + self.rng.choice(forms)]

    def filled(self, indent: str) -> list[str]:
        """A function of NumPy that writes into an array."""
        name = self.target(least=1)
        if name is None:
            return self.new_array(indent)
        shape = self.env[name].shape
        size = shape[0]
        place, selected = self.place(name)
        d = 1
        choices: list[Choice] = [
            (2, lambda: f"np.copyto({name}, {self.value(shape)})"),
            (1, lambda: f"np.copyto({name}, {self.value(shape)}, where={name} > 0.3)"),
            (1, lambda: f"{name}.fill({self.num(d)})"),
            (1, lambda: f"np.put({name}, [0, -1], [{self.num(d)}, {self.num(d)}])"),
            (1, lambda: f"{name}.put([0], {self.num(d)})"),
            (1, lambda: f"np.place({name}, {name} < 0.1, [{self.num(d)}])"),
            (1, lambda: f"np.putmask({name}, {name} < 0.1, {self.num(d)})"),
            (2, lambda: f"{name}.flat[{self.rng.randrange(-size, size)}] = {self.num(d)}"),
            (1, lambda: f"{name}.flat[1:] = {self.num(d)}"),
            (1, lambda: f"np.tanh({self.array(shape, d)}, out={name})"),
            (2, lambda: f"{self.rng.choice(UFUNCS)}({self.array(shape, d)}, "
                f"{self.value(shape, d)}, out={name})"),
            (1, lambda: f"np.clip({self.array(shape, d)}, -0.6, 0.9, out={name})"),
            (1, lambda: f"np.cumsum({self.array(shape, d)}, axis=0, out={name})"),
            (2, lambda: self._at(name, size, shape)),
        ]  # fmt: skip
        if selected:
            choices.append((2, lambda: f"{self.rng.choice(UFUNCS)}({self.array(selected, d)}, "
                            f"{self.value(selected, d)}, out={place})"))  # fmt: skip
        if len(shape) == 1:
            choices += [
                (1, lambda: f"{name}.sort()"),
                (1, lambda: f"np.sum({self.array((2, size), d)}, axis=0, out={name})"),
                (1, lambda: f"np.dot({self.array((size, 2), d)}, {self.array((2,), d)}, out={name})"),
                (1, lambda: f"np.put_along_axis({name}, np.array([0]), {self.num(d)}, 0)"),
            ]  # fmt: skip
        else:
            choices += [
                (3, lambda: f"np.fill_diagonal({name}, {self.num(d)})"),
                (1, lambda: f"np.matmul({self.array((size, 2), d)}, "
                    f"{self.array((2, shape[1]), d)}, out={name})"),
                (1, lambda: f"np.transpose({name})[0] += np.diagonal({name})[0]"),
            ]  # fmt: skip
        return [indent + self.pick(choices)]

    def _at(self, name: str, size: int, shape: Shape) -> str:
        positions = self._positions(size)
        selected = self.evaluated(f"_array[{positions}]", shape)
        value = self.num(1) if selected is None else self.value(selected, 1)
        ufunc = self.rng.choice(("np.add", "np.add", "np.add", "np.subtract", "np.multiply"))
        return f"{ufunc}.at({name}, {positions}, {value})"

    # -- loops --------------------------------------------------------------------------------

    def recurrence(self, indent: str) -> list[str]:
        """A loop that fills an array from its own earlier entries."""
        name = self.target(least=2)
        if name is None:
            return self.new_array(indent)
        i, shape, before = self.fresh(), self.env[name].shape, dict(self.env)
        n = shape[0]
        header = self.rng.choice((f"range(1, {n})", f"range(1, len({name}))", f"range({n} - 1, 0, -1)",
                                  f"range({n - 1}, 0, -2)", f"reversed(range(1, {n}))"))  # fmt: skip
        x = self.num(1)
        step = [f"{name}[{i}] = {name}[{i} - 1] * {x} + {name}[{i}]",
                f"{name}[{i}] += {name}[{i} - 1] * {x}",
                f"{name}[{i} - 1] -= {name}[{i}] * {x}",
                f"{name}[{i}:] += np.sin({name}[{i} - 1]) * {x}",
                f"{name}[:{i}] *= np.tanh({name}[{i}]) + 1",
                f"{name}[{i}] = np.sum({name}[:{i}], axis=0) * 0.5"]  # fmt: skip
        if len(shape) == 1:
            step.append(f"{name}[{i}] = {name}[{i} - 1] if {name}[{i}] > {x} else {name}[{i}] * 2")
            step.append(f"{name}[{i}] += {name}[:{i}] @ {name}[:{i}][::-1]")
        else:
            m = shape[1]
            step.append(f"{name}[{i}, 1:] = {name}[{i} - 1, :-1] + {name}[{i}, 1:] * {x}")
            if m > 1:
                step.append(f"{name}[{i}, {m - 1}] = {name}[{i} - 1, {m - 2}] * {x}")
        self.env[i] = int_(n)
        lines = [f"{indent}for {i} in {header}:", f"{indent}{STEP}{self.rng.choice(step)}"]
        self.loops += 1
        if self.chance(0.25):
            lines += self.leave(indent + STEP)
        if self.chance(0.3):
            lines += self.array_statement(indent + STEP, True)
        self.loops -= 1
        self.env = before
        return lines

    def triangle(self, indent: str) -> list[str]:
        """Nested loops over a matrix whose inner bounds depend on the outer index."""
        name = self.target(least=2, rank=2)
        if name is None:
            return self.new_array(indent)
        n, m = self.env[name].shape
        i, j, k = self.fresh(), self.fresh(), self.fresh()
        size = min(n, m)
        x = self.num(1)
        inner = self.rng.choice((f"range({i})", f"range({i} + 1, {size})", f"range({i}, -1, -1)",
                                 f"reversed(range({i} + 1))", f"range({i}, {size}, 2)"))  # fmt: skip
        deep = self.chance(0.4)
        lines = [f"{indent}for {i} in range({size}):", f"{indent}{STEP}for {j} in {inner}:"]
        at = indent + STEP * 2
        if deep:
            lines.append(f"{at}for {k} in range({self.rng.choice((i, j, str(size)))}):")
            step = (f"{name}[{i}, {j}] -= 0.3 * {name}[{i}, {k}] * {name}[{k}, {j}]",
                    f"{name}[{k}, {j}] = np.tanh({name}[{i}, {j}] + {x} * {name}[{k}, {i}])")  # fmt: skip
            lines.append(at + STEP + self.rng.choice(step))
        if not deep or self.chance(0.5):
            step = (f"{name}[{i}, {j}] /= 1.5 + {name}[{j}, {j}] ** 2",
                    f"{name}[{i}, {j}:] -= 0.2 * {name}[{i}, {j}] * {name}[{j}, {j}:]",
                    f"{name}[{j}] += {name}[{i}] * {x}",
                    f"{name}[{j}, {i}] = {name}[{i}, {j}] * {x}")  # fmt: skip
            lines.append(at + self.rng.choice(step))
        if self.chance(0.2):
            lines += [f"{at}if {name}[{i}, {j}] > 0.6:", f"{at}{STEP}break"]
        return lines

    def double_buffer(self, indent: str) -> list[str]:
        """Two arrays of which each is made from the other by turns."""
        name = self.target(least=1)
        if name is None or name in self.outside:
            return self.new_array(indent)
        other, shape = self.fresh(), self.env[name].shape
        lines = [
            f"{indent}{other} = {self.rng.choice((f'np.zeros_like({name})', f'{name}.copy()'))}"
        ]
        self.bind(other, arr(*shape))
        self.owned.add(other)
        at, x = indent + STEP, self.num(1)
        step = [f"{at}{other}[...] = np.tanh({name}) * {x}", f"{at}{other}[1:] += {name}[:-1] * {x}",
                f"{at}np.multiply({name}, {x}, out={other})"]  # fmt: skip
        lines.append(f"{indent}for _ in range({self.rng.randrange(1, 5)}):")
        lines.append(self.rng.choice(step))
        if self.chance(0.4):
            lines += self.write(at)
        lines.append(f"{at}{name}, {other} = {other}, {name}")
        return lines

    # -- choosing -----------------------------------------------------------------------------

    def array_statement(self, indent: str, nested: bool) -> list[str]:
        """A statement that writes into an array."""
        choices: list[Choice] = [
            (3, lambda: self.new_array(indent)),
            (9, lambda: self.write(indent)),
            (4, lambda: self.whole(indent)),
            (3, lambda: self.overlap(indent)),
            (4, lambda: self.filled(indent)),
        ]
        if len(indent) < 3 * len(STEP) and self.budget > 0:
            choices += [
                (3, lambda: self.recurrence(indent)),
                (2, lambda: self.triangle(indent)),
                (1, lambda: self.double_buffer(indent)),
            ]
        return self.pick(choices)

    def total_of(self, name: str) -> str:
        """A number that an array contributes to a result."""
        return self.rng.choice(
            (f"np.sum({name} ** 2)", f"np.sum({name})", f"np.sum(np.sin({name}))")
        )
