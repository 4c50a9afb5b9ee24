"""Builds blocks op by op: the one place where a new op gets its result and the facts of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Location
from .graph import (
    CHECKPOINT,
    CUSTOM,
    FOR,
    IF,
    WHILE,
    WITH,
    Arg,
    Block,
    CustomRule,
    Op,
    Primitive,
    Value,
    map_values,
)
from .types import OPAQUE, UNDEFINED_FACTS, Facts, MustFail, either, facts_of, join, tied, untied


def arg_facts(arg: Arg) -> Any:
    """What `Primitive.infer` is told of an argument: facts for values, constants as they are."""
    return map_values(lambda value: value.facts, arg)


def facts_of_arg(arg: Arg) -> Facts:
    """The facts of a whole argument, be it a value, a constant or a structure of both."""
    if isinstance(arg, Value):
        return arg.facts
    if isinstance(arg, tuple | list):
        items = tuple(facts_of_arg(item) for item in arg)
        keys = getattr(arg, "_fields", None)
        return Facts(
            "list" if isinstance(arg, list) else "tuple", items=items, keys=keys, cls=type(arg)
        )
    if isinstance(arg, dict):
        items = tuple(facts_of_arg(item) for item in arg.values())
        return Facts("dict", items=items, keys=tuple(arg), cls=dict)
    if type(arg).__name__ == "Undefined":
        return UNDEFINED_FACTS
    return facts_of(arg)


class Builder:
    """Collects ops. `location`, `adjoint` and `derived` are stamped on each op that is emitted."""

    def __init__(self, location: Location | None = None, adjoint: bool = False) -> None:
        self.ops: list[Op] = []
        self.location = location
        self.adjoint = adjoint
        self.derived = False

    def child(self) -> Builder:
        """A builder for a block inside this one."""
        return Builder(self.location, self.adjoint)

    def append(self, op: Op) -> None:
        self.ops.append(op)

    def emit(
        self,
        primitive: Primitive,
        args: Sequence[Arg],
        kwargs: Mapping[str, Arg] | None = None,
        *,
        hint: str | None = None,
        facts: Facts | None = None,
    ) -> Value:
        """Append one op and return its result."""
        kwargs = kwargs or {}
        attrs: dict[str, Any] = {}
        if facts is None:
            try:
                facts = infer(primitive, args, kwargs)
            except MustFail:  # kept even if nobody reads it, so that the call reports it
                facts, attrs = Facts(), {"fails": True}
        result = Value(hint, facts)
        result.facts = tied(facts, result)
        self.append(
            Op(
                primitive,
                tuple(args),
                (result,),
                kwargs,
                attrs,
                location=self.location,
                adjoint=self.adjoint,
                derived=self.derived,
            )
        )
        return result

    def emit_if(
        self, condition: Arg, then: Block, orelse: Block, hints: Sequence[str | None] = ()
    ) -> tuple[Value, ...]:
        """Append a branch; its results carry the join of what is known of either side's."""
        results = tuple(
            Value(
                hints[k] if k < len(hints) else None,
                either(facts_of_arg(a), facts_of_arg(b)),
            )
            for k, (a, b) in enumerate(zip(then.results, orelse.results, strict=True))
        )
        self._control(IF, (condition,), (then, orelse), results)
        return results

    def emit_with(self, context: Arg, body: Block) -> tuple[Value, ...]:
        """Append a block that runs inside a context manager."""
        results = tuple(Value(getattr(r, "hint", None), facts_of_arg(r)) for r in body.results)
        self._control(WITH, (context,), (body,), results)
        return results

    def emit_checkpoint(self, body: Block) -> tuple[Value, ...]:
        """Append a block that is computed again where it is reversed."""
        results = tuple(Value(getattr(r, "hint", None), facts_of_arg(r)) for r in body.results)
        self._control(CHECKPOINT, (), (body,), results)
        return results

    def emit_custom(self, args: Sequence[Arg], body: Block, rule: CustomRule) -> tuple[Value, ...]:
        """Append a block with a derivative of its own."""
        results = tuple(Value(getattr(r, "hint", None), facts_of_arg(r)) for r in body.results)
        self._control(CUSTOM, tuple(args), (body,), results, {"rule": rule})
        return results

    def emit_for(
        self,
        count: Arg,
        inits: Sequence[Arg],
        body: Block,
        *,
        stop: bool = False,
        reverse: bool = False,
        keep: Arg | None = None,
    ) -> tuple[Value, ...]:
        """Append a counted loop. The results: the final carried values, then the stacks."""
        results = loop_results(inits, body, stop)
        attrs = {"stop": stop, "reverse": reverse}
        kwargs = {} if keep is None else {"keep": keep}
        self._control(FOR, (count, *inits), (body,), results, attrs, kwargs)
        return results

    def emit_while(
        self,
        inits: Sequence[Arg],
        test: Block,
        body: Block,
        *,
        stop: bool = False,
        keep: Arg | None = None,
    ) -> tuple[Value, ...]:
        """Append a loop that runs while its test block gives true."""
        results = loop_results(inits, body, stop)
        kwargs = {} if keep is None else {"keep": keep}
        self._control(WHILE, tuple(inits), (test, body), results, {"stop": stop}, kwargs)
        return results

    def _control(
        self,
        primitive: Primitive,
        args: tuple[Arg, ...],
        blocks: tuple[Block, ...],
        results: tuple[Value, ...],
        attrs: Mapping[str, Any] | None = None,
        kwargs: Mapping[str, Arg] | None = None,
    ) -> None:
        self.append(
            Op(
                primitive,
                args,
                results,
                kwargs or {},
                attrs or {},
                blocks=blocks,
                location=self.location,
                adjoint=self.adjoint,
                derived=self.derived,
            )
        )

    def block(self, params: Sequence[Value] = (), results: Sequence[Arg] = ()) -> Block:
        """Close the block."""
        return Block(tuple(params), tuple(self.ops), tuple(results))


def infer(primitive: Primitive, args: Sequence[Arg], kwargs: Mapping[str, Arg]) -> Facts:
    """What is known of an op's result."""
    if primitive.infer is None:
        return OPAQUE if primitive.effect else Facts()
    return primitive.infer(
        *(arg_facts(a) for a in args), **{k: arg_facts(a) for k, a in kwargs.items()}
    )


def stack_facts(entry: Arg) -> Facts:
    """The facts of the list that a loop makes of an entry of each round."""
    return Facts("list", element=untied(facts_of_arg(entry)))


def loop_results(inits: Sequence[Arg], body: Block, stop: bool) -> tuple[Value, ...]:
    """Fresh values for a loop's results, with the facts its body gives them."""
    width = len(inits)
    finals = [
        Value(param.hint, join(facts_of_arg(init), facts_of_arg(given)))
        for param, init, given in zip(body.params[1:], inits, body.results[:width], strict=True)
    ]
    end = len(body.results) - (1 if stop else 0)
    stacks = [Value(None, stack_facts(entry)) for entry in body.results[width:end]]
    return (*finals, *stacks)
