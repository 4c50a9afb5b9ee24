"""Forward mode: each op followed by the op of its tangent, by the rules of the tables."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import runtime
from ..analysis.activity import Activity, carries_derivative
from ..analysis.tangents import tangent_facts
from ..errors import SrcgradError
from ..ir.build import Builder, facts_of_arg, stack_facts
from ..ir.graph import (
    BRANCHES,
    CALL,
    CHECKPOINT,
    CUSTOM,
    LOOPS,
    UNDEFINED,
    WITH,
    Arg,
    Block,
    Function,
    Loop,
    Op,
    Parameter,
    Value,
    values_in,
)
from ..ir.types import CONTAINERS, SCALARS, Facts
from ..ops import registry, trace
from .cotangents import Cotangents, primitive
from .custom_forward import push_custom
from .pull import refuse_uncovered
from .registered import applied, check_given
from .transpose import transposed

# A tangent written into an array takes the place of a zero, whatever its shape.
IN_AN_ARRAY = frozenset({"array", "unknown"})


class Push:
    """The forward sweep over one block: its ops, each with that of its tangent.

    A value of which nothing is in `table` has the tangent zero. The ops of tangents are no lines of the
    user's: they have no location, and the optimiser may rewrite them.
    """

    def __init__(
        self,
        active: Activity,
        builder: Builder,
        callees: Mapping[str, tuple[str, tuple[int, ...]]],
        table: dict[Value, Arg],
    ) -> None:
        self.active = active
        self.builder = builder
        self.callees = callees  # what each callee becomes, and which parameters have tangents there
        self.table = table
        self.zeros = Cotangents(builder, unbound=active.unbound)

    def child(self) -> Push:
        """A sweep of a block inside this one."""
        return Push(self.active, self.builder.child(), self.callees, dict(self.table))

    def run(self, ops: Sequence[Op]) -> None:
        """Sweep over the ops, first to last."""
        for op in ops:
            if not any(r in self.active for r in op.results):
                self.builder.append(op)
            elif op.primitive is CUSTOM:
                push_custom(self, op)
            elif op.primitive in BRANCHES:
                self._push_branches(op)
            elif op.primitive in LOOPS:
                self._push_loop(Loop(op))
            elif op.primitive is CALL:
                self._push_call(op)
            else:
                self._push(op)

    # -- tangents of arguments -------------------------------------------------------------------

    def moves(self, arg: Arg) -> bool:
        """Whether an argument has a tangent that is not zero."""
        return any(v in self.table for v in values_in(arg))

    def tangent(self, arg: Arg) -> Arg:
        """The tangent of an argument, zeros where it does not move."""
        if isinstance(arg, Value):
            known = self.table.get(arg)
            return self.zeros.zero(arg) if known is None else known
        if isinstance(arg, tuple):
            parts = [self.tangent(a) for a in arg]
            return type(arg)(*parts) if hasattr(arg, "_fields") else tuple(parts)
        if isinstance(arg, list):
            return [self.tangent(a) for a in arg]
        if isinstance(arg, dict):
            return {k: self.tangent(a) for k, a in arg.items()}
        return UNDEFINED if arg is UNDEFINED else runtime.zeros_like(arg)

    def set(self, value: Value, tangent: Arg) -> None:
        if value.hint is not None and isinstance(tangent, Value) and tangent.hint is None:
            tangent.hint = f"{value.hint}_dot"
        self.table[value] = tangent

    # -- straight-line ops -----------------------------------------------------------------------

    def _push(self, op: Op) -> None:
        if op.result.facts.kind == "object" and isinstance(op.primitive.function, type):
            self.builder.append(op)
            fields = {name: self.tangent(arg) for name, arg in op.kwargs.items()}
            self.set(op.result, self._object(op.primitive.function, fields))
            return
        try:
            rule = registry.rule_of(op.primitive)
            given = registry.formulas(rule, len(op.args))
            refuse_uncovered(op, len(given), self.active)
            moving = [k for k, f in enumerate(given) if f is not None and self.moves(op.args[k])]
            if not moving:
                self.builder.append(op)
                return
            if rule.itself:  # before the op, so that it reads what the op overwrites
                tangent = self._itself(op, given)
                self.builder.append(op)
                if rule.verb == "elementwise":
                    tangent = self._fitted(tangent, op.result)
            else:
                self.builder.append(op)
                tangent = self._sum(op, rule, moving)
        except SrcgradError as error:
            raise error.at(op.location) from None
        self.set(op.result, tangent)

    def _object(self, cls: type, fields: dict[str, Arg]) -> Arg:
        facts = Facts(
            "object",
            items=tuple(map(facts_of_arg, fields.values())),
            keys=tuple(fields),
            cls=cls,
        )
        return self.builder.emit(primitive(runtime.instance), (cls, fields), facts=facts)

    def _itself(self, op: Op, given: Sequence[Any]) -> Arg:
        """The tangent of what is linear in several arguments together: of the tangents, the same."""
        whole = facts_of_arg(op.args[0]).kind
        args = list(op.args)
        for k, formula in enumerate(given):
            if formula is None:
                continue
            writes = k > 0 and op.primitive.function in (runtime.setitem, runtime.index_add)
            in_array = whole in IN_AN_ARRAY
            if not self.moves(args[k]) and writes and in_array:
                args[k] = 0.0
            else:
                args[k] = self.tangent(args[k])
        tangent = self.builder.emit(op.primitive, args, op.kwargs)
        return tangent

    def _sum(self, op: Op, rule: registry.Rule, moving: Sequence[int]) -> Arg:
        """The tangents that the arguments cause, added up."""
        if op.primitive.function is operator.add and any(map(_is_list, op.args)):
            # One list after the other: so are their tangents.
            return self.builder.emit(op.primitive, [self.tangent(a) for a in op.args])
        total: Arg = None
        for k in moving:
            part = self._caused(op, rule, k)
            if total is None:
                total = part
            elif isinstance(part, tuple | list | dict) or facts_of_arg(total).kind in CONTAINERS:
                total = self.zeros.sum(None, total, part)
            else:
                total = self.builder.emit(primitive(operator.add), (total, part))
        if rule.verb == "elementwise":
            total = self._fitted(total, op.result)
        return total

    def _caused(self, op: Op, rule: registry.Rule, k: int) -> Arg:
        """The tangent of an op's result that the tangent of argument k causes."""
        dot = self.tangent(op.args[k])
        if rule.verb in ("linear", "bilinear"):
            args = (*op.args[:k], dot, *op.args[k + 1 :])
            return self.builder.emit(op.primitive, args, op.kwargs)
        args, kwargs = trace.wrap((op.args, dict(op.kwargs)), self.builder)
        dot, y = trace.wrap((dot, op.result), self.builder)
        formula = rule.jvps[k] if k < len(rule.jvps) else None
        if formula is None:
            return transposed(op, rule.vjps[k], trace.unwrap(dot), self.builder)
        given = trace.unwrap(applied(rule, formula, op, (dot, y, *args), kwargs))
        check_given(rule, formula, op, given, op.result, self.builder)
        return given

    def _fitted(self, tangent: Arg, result: Value) -> Arg:
        """A tangent in the shape and type of its value, where a formula leaves either to others."""
        given, wanted = facts_of_arg(tangent), result.facts
        if wanted.kind in CONTAINERS or wanted.kind in SCALARS:
            return tangent
        if not (given.same_shape(wanted) or (given.is_scalar and wanted.is_scalar)):
            shape = self.builder.emit(primitive(np.shape), (result,))
            tangent = self.builder.emit(primitive(np.broadcast_to), (tangent, shape))
        return self._typed(tangent, wanted)

    def _typed(self, tangent: Arg, wanted: Facts) -> Arg:
        """The tangent of a complex array as one, also where it moves along the real numbers."""
        if wanted.kind != "array" or wanted.dtype is None or np.dtype(wanted.dtype).kind != "c":
            return tangent
        given = facts_of_arg(tangent).dtype
        if given is not None and np.dtype(given).kind == "c":
            return tangent
        return self.builder.emit(primitive(runtime.astype), (tangent, wanted.dtype))

    # -- control flow ----------------------------------------------------------------------------

    def _push_branches(self, op: Op) -> None:
        moving = [k for k, r in enumerate(op.results) if r in self.active]
        blocks = []
        for block in op.blocks:
            child = self.child()
            child.run(block.ops)
            dots = [child.tangent(block.results[k]) for k in moving]
            blocks.append(child.builder.block(block.params, (*block.results, *dots)))
        if op.primitive is WITH:
            made = self.builder.emit_with(op.args[0], blocks[0])
        elif op.primitive is CHECKPOINT:
            made = self.builder.emit_checkpoint(blocks[0])
        else:
            made = self.builder.emit_if(op.args[0], blocks[0], blocks[1])
        moved = made[len(op.results) :]
        last = self.builder.ops[-1]
        self.builder.ops[-1] = replace(op, blocks=last.blocks, results=(*op.results, *moved))
        for k, dot in zip(moving, moved, strict=True):
            self.set(op.results[k], dot)

    def _push_loop(self, loop: Loop) -> None:
        op, body = loop.op, loop.body
        moving = [
            k
            for k, (param, final) in enumerate(zip(loop.carried, loop.finals, strict=True))
            if (param in self.active or final in self.active) and carries_derivative(param.facts)
        ]
        starts = [self._typed(self.tangent(loop.inits[k]), loop.carried[k].facts) for k in moving]
        params = [Value(None, tangent_facts(loop.carried[k].facts)) for k in moving]
        child = self.child()
        for k, param in zip(moving, params, strict=True):
            child.set(loop.carried[k], param)
        child.run(body.ops)
        ends = [child._typed(child.tangent(loop.yields[k]), loop.carried[k].facts) for k in moving]
        stacked = [k for k, s in enumerate(loop.stacks) if s in self.active]
        entries = [child.tangent(loop.entries[k]) for k in stacked]
        stop = (loop.stop,) if loop.stops else ()
        results = (*loop.yields, *ends, *loop.entries, *entries, *stop)
        block = child.builder.block((*body.params, *params), results)
        blocks: tuple[Block, ...] = (block,)
        if loop.test is not None:
            unread = tuple(Value(p.hint, p.facts) for p in params)
            test = loop.test
            blocks = (Block((*test.params, *unread), test.ops, test.results), block)
        finals = [Value(None, tangent_facts(loop.finals[k].facts)) for k in moving]
        stacks = [Value(None, stack_facts(entry)) for entry in entries]
        self.builder.append(
            replace(
                op,
                args=(*op.args, *starts),
                blocks=blocks,
                results=(*loop.finals, *finals, *loop.stacks, *stacks),
            )
        )
        for k, final in zip(moving, finals, strict=True):
            self.set(loop.finals[k], final)
        for k, stack in zip(stacked, stacks, strict=True):
            self.set(loop.stacks[k], stack)

    def _push_call(self, op: Op) -> None:
        name, places = self.callees[op.attrs["callee"]]
        dots = [self.tangent(op.args[k]) for k in places]
        both = Value(None, Facts("tuple", items=(op.result.facts, Facts())))
        made = replace(op, args=(*op.args, *dots), attrs={"callee": name}, results=(both,))
        self.builder.append(made)
        get = primitive(operator.getitem)
        self.builder.append(Op(get, (both, 0), op.results, location=op.location))
        self.set(op.result, self.builder.emit(get, (both, 1)))


def tangent(function: Function, places: Sequence[int], *, has_aux: bool = False) -> Function:
    """The function that returns (result, its tangent), given its arguments and their tangents.

    Its signature is the function's, then `x_dot` for each parameter x at `places`. With `has_aux` the
    function returns (result, auxiliary data), and so does the new one, the tangent after them.
    """
    callees = dict(function.callees)
    becomes: dict[str, tuple[str, tuple[int, ...]]] = {}
    for name, callee in function.callees.items():
        active = tuple(k for k, p in enumerate(callee.params) if carries_derivative(p.facts))
        becomes[name] = f"{name}_dot", active
    for name, callee in function.callees.items():
        new, active = becomes[name]
        callees[new] = replace(_pushed(callee, active, becomes), name=new, callees=callees)
    made = _pushed(function, places, becomes, has_aux)
    return replace(made, name=f"{function.name}_dot", callees=callees)


def _pushed(
    function: Function,
    places: Sequence[int],
    callees: Mapping[str, tuple[str, tuple[int, ...]]],
    has_aux: bool = False,
) -> Function:
    inputs = [function.params[k] for k in places]
    output = function.result[0] if has_aux else function.result
    dots = [Value(None, tangent_facts(v.facts)) for v in inputs]
    builder = Builder(adjoint=True)
    active = Activity(function.body, inputs, output)
    push = Push(active, builder, callees, dict(zip(inputs, dots, strict=True)))
    push.run(function.body.ops)
    moved = push.tangent(output)
    signature, params = with_tangents(function, places, dots)
    result = (output, moved, function.result[1]) if has_aux else (output, moved)
    body = builder.block(params, (result,))
    return replace(function, signature=signature, body=body, owned=(1,), doc=None)


def with_tangents(
    function: Function, places: Sequence[int], dots: Sequence[Value]
) -> tuple[tuple[Parameter, ...], tuple[Value, ...]]:
    """The signature and parameters with a tangent for each parameter at `places`."""
    names = list(function.signature)
    params = list(function.params)
    taken = {p.name for p in names}
    variadic = any(p.kind in ("VAR_POSITIONAL", "KEYWORD_ONLY", "VAR_KEYWORD") for p in names)
    at = next((k for k, p in enumerate(names) if p.kind == "VAR_KEYWORD"), len(names))
    optional = any(p.has_default for p in names)
    kind = "KEYWORD_ONLY" if variadic or optional else "POSITIONAL_OR_KEYWORD"
    for place, dot in zip(places, dots, strict=True):
        name = f"{function.signature[place].name}_dot"
        while name in taken:
            name += "_"
        taken.add(name)
        dot.hint = name
        names.insert(at, Parameter(name, kind))
        params.insert(at, dot)
        at += 1
    return tuple(names), tuple(params)


def _is_list(arg: Arg) -> bool:
    return facts_of_arg(arg).kind in ("list", "tuple")
