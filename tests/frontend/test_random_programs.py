"""Programs made up at random, of every control statement in every other: the graph does what they do."""

import linecache
import random

import pytest
from frontend.reading import agrees

NAMES = ["a", "b", "c", "d"]


class Writer:
    """Writes the body of one function. Every loop ends, and numbers stay small."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.counter = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def mode(self):
        return self.pick("'one'", "'two'")

    def number(self):
        return self.pick("x", *NAMES, *NAMES, "1.5", "2", "0.25", "-1.0")

    def expression(self, depth=2):
        if depth == 0:
            return self.number()
        left, right = self.expression(depth - 1), self.expression(depth - 1)
        return self.pick(
            f"({left} + {right}) % 7",
            f"({left} - {right}) % 5",
            f"{left} * 0.5 + {right} % 3",
            f"({left} if {self.condition(0)} else {right})",
            f"({left} and {right})",
            f"({left} or {right})",
            f"min({left}, {right})",
            f"helper({self.number()}, {self.number()})",
            f"inner({self.number()})",
            self.pick("p[0]", "p[1]", "m['u']", "m['v']", "l[0]", "l[-1]", "sum(l) % 5", "len(l)"),
            f"({self.number()} if z is None else z)",
            f"({self.number()} if mode == {self.mode()} else {self.number()})",
            self.number(),
        )

    def condition(self, depth=1):
        simple = f"{self.number()} {self.pick('<', '>', '<=', '!=')} {self.number()}"
        if depth == 0:
            return simple
        other = self.condition(depth - 1)
        return self.pick(simple, f"{simple} and {other}", f"not ({other})", f"{simple} or {other}")

    def write(self, indent, line):
        self.lines.append("    " * indent + line)

    def block(self, indent, depth, loops):
        for _ in range(self.random.randint(1, 3)):
            self.statement(indent, depth, loops)

    def statement(self, indent, depth, loops):
        kinds = ["assign", "assign", "swap", "augmented", "walrus", "structure", "structure"]
        if depth > 0:
            kinds += ["if", "if", "for", "for", "while", "literal", "comprehension"]
        if loops:
            kinds += ["break", "continue"]
        if self.random.random() < 0.15:
            kinds = ["return"]
        kind = self.pick(*kinds)
        name, other = self.pick(*NAMES), self.pick(*NAMES)
        if kind == "assign":
            self.write(indent, f"{name} = {self.expression()}")
        elif kind == "walrus":
            self.write(indent, f"{name} = ({other} := {self.expression(1)}) * 0.5")
        elif kind == "swap":
            self.write(indent, f"{name}, {other} = {other}, {self.expression(1)}")
        elif kind == "augmented":
            self.write(indent, f"{name} += {self.expression(1)}")
            self.write(indent, f"{name} %= 9")
        elif kind == "structure":
            e, f = self.expression(1), self.expression(0)
            self.write(
                indent,
                self.pick(
                    f"p = ({e}, {f})",
                    f"p = (p[1], {e})",
                    f"{name}, {other} = p",
                    f"m = {{'u': {e}, 'v': m['u']}}",
                    f"m = {{**m, 'v': {f}}}",
                    f"l = [{e}]",
                    f"l = l[-3:] + [{e}]",
                    f"{name}, *l = [{e}, {f}, *l[:2]]",
                    f"{name}, {other} = m.values()",
                    "z = " + self.pick("None", name, e),
                    f"mode = {self.mode()}",
                ),
            )
        elif kind == "return":
            value = self.pick(self.expression(1), f"{name} * 2", f"({name}, {other})", "None")
            self.write(indent, f"return {value}")
        elif kind in ("break", "continue"):
            self.write(indent, f"if {self.condition()}:")
            self.write(indent + 1, kind)
        elif kind == "if":
            self.write(indent, f"if {self.condition()}:")
            self.block(indent + 1, depth - 1, loops)
            if self.random.random() < 0.3:
                self.write(indent, f"elif {self.condition()}:")
                self.block(indent + 1, depth - 1, loops)
            if self.random.random() < 0.6:
                self.write(indent, "else:")
                self.block(indent + 1, depth - 1, loops)
        elif kind == "for":
            target = self.pick("k", name)
            over = self.pick("range(3)", "range(int(x))", "reversed(range(1, 4))", "[1.0, 2.0]")
            if over == "[1.0, 2.0]":
                over = "values"
            self.write(indent, f"for {target} in {over}:")
            self.loop(indent, depth)
        elif kind == "literal":
            self.write(indent, f"for {name} in ({self.number()}, {self.number()}, 0.5):")
            self.loop(indent, depth)
        elif kind == "comprehension":
            filtered = self.pick("", f" if {self.condition(0)}")
            self.write(
                indent, f"{name} = sum([{self.expression(1)} for {other} in values{filtered}])"
            )
            self.write(indent, f"{name} = {name} % 11")
        elif kind == "while":
            self.counter += 1
            n = f"n{self.counter}"
            self.write(indent, f"{n} = 0")
            self.write(indent, f"while {n} < 3 and ({self.condition()}):")
            self.write(indent + 1, f"{n} += 1")
            self.loop(indent, depth)

    def loop(self, indent, depth):
        self.block(indent + 1, depth - 1, True)
        if self.random.random() < 0.3:
            self.write(indent, "else:")
            self.block(indent + 1, depth - 1, False)

    def function(self):
        self.write(1, "a, b, c, d = x, 1.0, 2.5, 0.5")
        self.write(1, "p, m, l, z, mode = (x, 1.0), {'u': x, 'v': 0.5}, [x], None, 'one'")
        self.write(1, "def inner(t):")
        if self.random.random() < 0.5:
            self.write(2, "nonlocal b")
            self.write(2, "b = (b + t) % 3")
        self.write(2, f"return (t + {self.pick(*NAMES)}) % 4")
        for _ in range(4):
            self.statement(1, 3, False)
        self.write(1, "return a, b, c, d")
        return "\n".join(["def program(x, values):", *self.lines, ""])


HELPER = """
def helper(p, q):
    if p > q:
        return p - q
    for i in range(2):
        if q * i > 1:
            return i * 0.5
        p = p + i
    return p % 3

"""


def make(seed):
    file = f"random program {seed}.py"
    text = HELPER + Writer(seed).function()
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names = {}
    exec(compile(text, file, "exec"), names)
    return names["program"], text


@pytest.mark.parametrize("seed", range(120))
def test_random_program(seed):
    program, text = make(seed)
    for x in (0.0, 1.25, 3.0):
        for values in ([1.0, 2.0], [0.5]):
            try:
                program(x, values)
            except (UnboundLocalError, ZeroDivisionError):
                continue
            try:
                agrees(program, x, values)
            except Exception as error:
                error.add_note(text)
                raise
