"""Runs of recorded operations as functions: one generated gradient for all runs of one structure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..codegen.load import generate
from ..ir.build import Builder, infer
from ..ir.graph import Block, Function, Parameter, Value
from ..ir.types import SMALLEST_SYMBOL, Dim, Facts, array, facts_of, scalar
from ..ops import registry
from ..pipeline import Program, finish
from .accumulate import Target, accumulating
from .records import Node, Reading, check_version

LONGEST = 128  # nodes in one region: what a generated function may grow to
LISTED = 16  # as many recorded operations are shown above their gradient
CACHED = 1024  # structures whose programs are kept


@dataclass(frozen=True, slots=True)
class Compiled:
    """The programs of one structure.

    `backward` takes (saved, g, *buffers). `saved` says where each saved value is found: ("operand", k)
    or ("node", k); ("extra", k) is the k-th result of `extra`, which computes from the operands what
    the eager run did not.
    """

    backward: Program
    saved: tuple[tuple[str, int], ...]
    extra: Program | None
    targets: tuple[Target, ...]


_compiled: dict[Any, Compiled] = {}
_seen: set[Any] = set()  # structures that were compiled with their numbers written into them


class Region:
    """A run of nodes in the order of their recording, with those of them that are read outside.

    `operands` are the values that the run reads from outside: readings of leaves, earlier nodes,
    arrays, and, where the same structure was met with other numbers in it, its numbers.
    """

    def __init__(self, nodes: Sequence[Node], outputs: Sequence[Node]) -> None:
        self.nodes = nodes
        self.outputs = outputs
        form = Form(nodes, outputs)
        compiled = _compiled.get(form.key)
        if compiled is None:
            lifted = Form(nodes, outputs, lift=True)
            if lifted.key in _seen:
                form = lifted
                compiled = _compiled.get(form.key)
            if len(_seen) >= 16 * CACHED:
                _seen.clear()
            _seen.add(lifted.key)
        if compiled is None:
            compiled = compile_form(form, nodes)
            if len(_compiled) >= CACHED:
                del _compiled[next(iter(_compiled))]
            _compiled[form.key] = compiled
        self.operands = form.operands
        self.compiled = compiled

    @property
    def program(self) -> Program:
        """The generated backward program."""
        return self.compiled.backward

    @property
    def leaves(self) -> list[Reading]:
        """The leaves whose gradient the program adds to, in the order of its buffers."""
        return [self.operands[t.position] for t in self.compiled.targets if t.buffer is not None]

    @property
    def sources(self) -> list[Node]:
        """The earlier nodes whose cotangents the program returns, in their order."""
        return [self.operands[t.position] for t in self.compiled.targets if t.buffer is None]

    def values(self) -> tuple[Any, ...]:
        """What the eager run left for the backward program, if none of it was changed since.

        Raises
        ------
        TensorError
            If a value that the program reads was changed in place.
        """
        tables: dict[str, Sequence[Any]] = {"operand": self.operands, "node": self.nodes}
        if self.compiled.extra is not None:
            for operand in self.operands:
                check_version(operand)
            tables["extra"] = self.compiled.extra.run(*map(value_of, self.operands))
        found = [tables[kind][k] for kind, k in self.compiled.saved]
        for record in found:
            check_version(record)
        return tuple(map(value_of, found))


def value_of(record: Any) -> Any:
    """The value that an operand or a node stands for; a number where it has no dimensions."""
    if isinstance(record, Reading):
        record = record.array
    elif isinstance(record, Node):
        record = record.value
    if isinstance(record, np.ndarray) and record.ndim == 0:
        return record[()]
    return record


class Form:
    """The structure of a run of nodes as a key, and the operands that fill it.

    Equal keys mean that one generated program serves both. With `lift`, numbers that are data
    rather than structure (factors, summands, indices) count as operands.
    """

    def __init__(
        self, nodes: Sequence[Node], outputs: Sequence[Node], *, lift: bool = False
    ) -> None:
        self.lift = lift
        self.operands: list[Any] = []
        self._places: dict[int, tuple[str, int]] = {}
        calls = []
        for k, node in enumerate(nodes):
            lifts = self._lifted_positions(node) if lift else ()
            args = tuple(self._token(a, i in lifts) for i, a in enumerate(node.args))
            kwargs = tuple((name, self._token(a, False)) for name, a in node.kwargs.items())
            assert node.primitive is not None
            calls.append((node.primitive, args, kwargs))
            self._places[id(node)] = ("node", k)
        self.calls = tuple(calls)
        self.outputs = tuple(self._places[id(node)][1] for node in outputs)
        sizes: dict[int, int] = {}
        kinds = tuple((_role(o), _facts_token(value_of(o), sizes)) for o in self.operands)
        self.key = (self.calls, self.outputs, kinds)

    def _lifted_positions(self, node: Node) -> range | tuple[int, ...]:
        """The arguments of a node in which numbers are data."""
        assert node.primitive is not None
        if node.primitive.name == "getitem":
            return (1,)
        rule = registry.RULES.get(node.primitive)
        if rule is not None and rule.verb in ("elementwise", "bilinear"):
            return range(len(rule.vjps))
        return ()

    def _token(self, arg: Any, lift: bool) -> Any:
        if isinstance(arg, Node | Reading | np.ndarray | np.generic):
            return self._place(arg)
        if isinstance(arg, bool) or arg is None or arg is Ellipsis:
            return ("constant", type(arg), arg, None)
        if isinstance(arg, int | float | complex):
            if lift:
                self.operands.append(arg)
                return ("operand", len(self.operands) - 1)
            sign = math.copysign(1.0, arg) if isinstance(arg, float) else None
            return ("constant", type(arg), arg, sign)
        if isinstance(arg, tuple | list):
            return ("sequence", type(arg), tuple(self._token(a, lift) for a in arg))
        if isinstance(arg, slice):
            parts = (arg.start, arg.stop, arg.step)
            return ("slice", slice, tuple(self._token(p, lift) for p in parts))
        if isinstance(arg, dict):
            return ("dict", tuple(arg), tuple(self._token(a, lift) for a in arg.values()))
        return ("constant", type(arg), arg, None)

    def _place(self, record: Any) -> tuple[str, int]:
        place = self._places.get(id(record))
        if place is None:
            self.operands.append(record)
            place = self._places[id(record)] = ("operand", len(self.operands) - 1)
        return place


def _role(operand: Any) -> str:
    if isinstance(operand, Node):
        return "node"
    return "leaf" if isinstance(operand, Reading) and operand.accumulator else "constant"


def _facts_token(value: Any, sizes: dict[int, int]) -> Any:
    """What `facts_of` tells of a value, as a cheap key."""
    if isinstance(value, np.ndarray):
        shape = tuple(
            n if n < SMALLEST_SYMBOL else ~sizes.setdefault(n, len(sizes)) for n in value.shape
        )
        return value.dtype.str, shape
    if isinstance(value, np.generic):
        return value.dtype.str
    if isinstance(value, tuple | list):
        return type(value), tuple(_facts_token(v, sizes) for v in value)
    if isinstance(value, dict):
        return tuple(value), tuple(_facts_token(v, sizes) for v in value.values())
    return type(value)


def compile_form(form: Form, nodes: Sequence[Node]) -> Compiled:
    """Generate the backward program of a structure, and what it needs to run."""
    function, made = build(form, nodes)
    targets = []
    for k, (operand, value) in enumerate(zip(form.operands, function.params, strict=True)):
        role = _role(operand)
        if role == "leaf":
            facts = array(operand.array.dtype.name, value.facts.dims)
            targets.append(Target(k, buffer=(f"grad_{value.hint}", facts)))
        elif role == "node":
            targets.append(Target(k))
    forward, backward, needed = accumulating(function, targets)
    places: dict[Value, tuple[str, int]] = {v: ("node", k) for k, v in enumerate(made)}
    places.update({v: ("operand", k) for k, v in enumerate(function.params)})
    missing = [v for v in needed if v not in places]
    places.update({v: ("extra", k) for k, v in enumerate(missing)})
    extra = None
    if missing:
        body = replace(forward.body, results=(tuple(missing),))
        extra = finish(replace(forward, name="expression_extra", body=body), [])
    return Compiled(
        finish(backward, _header(function)),
        tuple(places[v] for v in needed),
        extra,
        tuple(targets),
    )


def _header(function: Function) -> list[str]:
    """The comment at the head of a program: what was recorded, and of what."""
    facts = (
        f"{p.name}: {v.facts}" for p, v in zip(function.signature, function.params, strict=True)
    )
    lines = ["The gradient of recorded Tensor operations, generated by srcgrad."]
    if len(function.body.ops) <= LISTED:
        lines += generate(function).text.split("def expression(")[1].splitlines()[1:]
    return [*lines, f"For {', '.join(facts)}."]


def build(form: Form, nodes: Sequence[Node]) -> tuple[Function, list[Value]]:
    """The graph of a run of nodes as a function of its operands, and the value of each node."""
    symbols: dict[int, Dim] = {}
    names = _names(form.operands)
    params = [
        Value(name, facts_of(value_of(operand), symbols))
        for name, operand in zip(names, form.operands, strict=True)
    ]
    made: list[Value] = []
    tables: dict[str, list[Value]] = {"operand": params, "node": made}
    builder = Builder()
    for node, (primitive, args, kwargs) in zip(nodes, form.calls, strict=True):
        given = tuple(_decoded(a, tables) for a in args)
        named = {name: _decoded(a, tables) for name, a in kwargs}
        facts = refined(infer(primitive, given, named), value_of(node))
        made.append(builder.emit(primitive, given, named, facts=facts))
    outputs = tuple(made[k] for k in form.outputs)
    result = outputs[0] if len(outputs) == 1 else outputs
    signature = tuple(Parameter(name) for name in names)
    body = Block(tuple(params), tuple(builder.ops), (result,))
    return Function("expression", signature, body), made


def _names(operands: Sequence[Any]) -> list[str]:
    """Names for operands: x for leaves, y for what earlier operations gave, c for constants."""
    bases = [{"leaf": "x", "node": "y", "constant": "c"}[_role(o)] for o in operands]
    counts = {base: bases.count(base) for base in bases}
    used = dict.fromkeys(bases, 0)
    names = []
    for base in bases:
        used[base] += 1
        names.append(base if counts[base] == 1 else f"{base}{used[base]}")
    return names


def _decoded(token: Any, tables: dict[str, list[Value]]) -> Any:
    """The argument that a token of a `Form` stands for, with graph values in it."""
    kind = token[0]
    if kind in tables:
        return tables[kind][token[1]]
    if kind == "constant":
        return token[2]
    parts = [_decoded(t, tables) for t in token[2]]
    if kind == "slice":
        return slice(*parts)
    if kind == "dict":
        return dict(zip(token[1], parts, strict=True))
    make: Callable[..., Any] = token[1]
    return make(*parts) if hasattr(make, "_fields") else make(parts)


def refined(facts: Facts, value: Any) -> Facts:
    """What was inferred of a result, with what its dtype and number of dimensions tell beside.

    Both follow from the structure alone, as sizes need not.
    """
    if isinstance(value, np.ndarray):
        dims = facts.dims
        known = dims if dims is not None and len(dims) == value.ndim else (None,) * value.ndim
        return array(value.dtype.name, known)
    if isinstance(value, np.generic):
        return scalar(value.dtype.name)
    if isinstance(value, tuple) and facts.items is None:
        parts = tuple(refined(Facts(), v) for v in value)
        return Facts("tuple", items=parts, keys=getattr(value, "_fields", None), cls=type(value))
    return facts
