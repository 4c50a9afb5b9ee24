"""Reverse mode: one backward sweep over a graph, op by op, by the rules of the tables."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import runtime
from ..analysis.activity import Activity, carries_derivative
from ..analysis.unbound import Unbound
from ..errors import NotDifferentiable, SrcgradError
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Block, Function, Op, Parameter, Value, free_values
from ..ir.rewrite import prune, substitute, substitute_block
from ..ir.types import PY_FLOAT, SCALARS, Facts
from ..ops.naming import name_after
from .control import Pair, Sweep
from .cotangents import Cotangents, Partial, primitive


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a gradient is asked for: the parameter at `position`, or one entry of it (`*args`)."""

    position: int
    entry: Any = None


@dataclass(frozen=True, slots=True)
class Swept:
    """A function's ops, those of its backward sweep, and the cotangents that were wanted."""

    forward: tuple[Op, ...]
    backward: tuple[Op, ...]
    seed: Value
    gradients: tuple[Arg, ...]
    callees: Mapping[str, Function]


def sweep(
    function: Function,
    wanted: Sequence[Wanted],
    output: Arg,
    seed: Value,
    pairs: Mapping[str, Pair] | None = None,
    goes_on: bool = False,
) -> Swept:
    """Differentiate `output`, a part of what the function returns, given its cotangent `seed`.

    `pairs` are the programs that callees become; made here unless the caller is making them. Of a
    gradient that a program goes on with, the imaginary part is cut off, if there may be one.
    """
    inputs = [function.params[w.position] for w in wanted]
    for value, w in zip(inputs, wanted, strict=True):
        if not carries_derivative(value.facts):
            raise NotDifferentiable(
                f"argument {function.signature[w.position].name!r} of {function.name} is "
                f"{_article(value.facts)}, which has no derivative",
                function.location,
                cure="pass floats, for instance 3.0 for 3 or x.astype(float) for x",
            )
    callees, alone = function.callees, pairs is None
    if pairs is None:
        pairs, callees = pair_up(function)
    active = Activity(function.body, inputs, output)
    builder = Builder(function.location, adjoint=True)
    outer = Sweep(active, builder, pairs)
    outer.together = alone
    outer.seed(output, seed)
    outer.run(function.body.ops)
    builder.location = None
    gradients = tuple(
        _gradient(outer.cotangents, value, w.entry) for value, w in zip(inputs, wanted, strict=True)
    )
    if goes_on:
        gradients = tuple(map(outer.cotangents.real, gradients, inputs))
    backward, gradients = _shaped(builder.ops, gradients, inputs)
    return Swept(tuple(outer.forward), backward, seed, gradients, callees)


def _shaped(
    ops: Sequence[Op], gradients: tuple[Arg, ...], inputs: Sequence[Value]
) -> tuple[tuple[Op, ...], tuple[Arg, ...]]:
    """The sweep, which knows of the gradient of an array that it is an array of the same shape.

    Nothing else tells where what is made of the array is now an array, now a number.
    """
    table: dict[Value, Arg] = {}
    for gradient, value in zip(gradients, inputs, strict=True):
        known = value.facts.kind == "array" and value.facts.dims is not None
        open_ = facts_of_arg(gradient).kind in ("unknown", "array")
        if known and isinstance(gradient, Value) and open_ and gradient.facts.dims is None:
            facts = Facts("array", gradient.facts.dtype, value.facts.dims)
            table[gradient] = Value(gradient.hint, facts)
    if not table:
        return tuple(ops), gradients
    named = [replace(op, results=tuple(substitute(op.results, table))) for op in ops]
    body = substitute_block(Block((), tuple(named), gradients), table)
    return body.ops, body.results


def _article(facts: Facts) -> str:
    return {"int": "an integer", "bool": "a truth value", "str": "a string", "none": "None"}.get(
        facts.kind, f"{facts.kind} of {facts.dtype}" if facts.dtype else f"a {facts.kind}"
    )


def _gradient(cotangents: Cotangents, value: Value, entry: Any) -> Arg:
    if entry is None:
        return _typed(cotangents, cotangents.take_or_zero(value), value)
    known = cotangents.table.get(value)
    if isinstance(known, Partial) and entry in known.entries:
        child = cotangents.builder.emit(primitive(operator.getitem), (value, entry))
        return _typed(cotangents, cotangents.whole(child, known.entries[entry]), child)
    whole = cotangents.take_or_zero(value)
    if isinstance(whole, Value):
        return cotangents.builder.emit(primitive(operator.getitem), (whole, entry))
    return whole[entry]


def _typed(cotangents: Cotangents, gradient: Arg, value: Value) -> Arg:
    """The gradient in the dtype of its argument."""
    wanted, given = value.facts, facts_of_arg(gradient)
    if not isinstance(gradient, Value) or wanted.dtype is None or given.dtype == wanted.dtype:
        return gradient
    if given.dtype is None and wanted.dtype == "float64":  # nothing is promoted further
        return gradient
    if (
        given.dtype is not None
        and np.dtype(given.dtype).kind == "c"
        and np.dtype(wanted.dtype).kind != "c"
    ):
        gradient = cotangents.builder.emit(primitive(np.real), (gradient,))
    return cotangents.builder.emit(primitive(runtime.astype), (gradient, wanted.dtype))


def gradient(
    function: Function,
    wanted: Sequence[Wanted],
    *,
    single: bool,
    value: bool = False,
    has_aux: bool = False,
    goes_on: bool = False,
) -> Function:
    """The function that returns the gradient of a scalar function, after its value if `value`.

    Its signature is the function's, then `g`, the cotangent of the result, 1.0 by default. With
    `has_aux` the function returns (result, auxiliary data), and the latter is returned beside.
    """
    output, aux = function.result, None
    if has_aux:
        output, aux = _split_aux(function)
    seed = Value("g", _seed_facts(facts_of_arg(output)))
    swept = sweep(function, wanted, output, seed, goes_on=goes_on)
    gradients: Arg = swept.gradients[0] if single else swept.gradients
    result: Arg = gradients
    owned: tuple[int, ...] = ()
    if value:
        result = ((output, aux), gradients) if has_aux else (output, gradients)
        owned = (1,)
    elif has_aux:
        result = (gradients, aux)
        owned = (0,)
    return _with_seed(function, seed, swept, result, owned)


def _split_aux(function: Function) -> tuple[Arg, Arg]:
    if not isinstance(function.result, tuple) or len(function.result) != 2:
        raise SrcgradError(
            f"with has_aux=True, {function.name} must return a pair (result, auxiliary data)",
            function.location,
            cure="return (loss, aux), or leave has_aux out",
        )
    return function.result[0], function.result[1]


def _seed_facts(facts: Facts) -> Facts:
    # 1.0 leaves the type of what it meets alone, but where it is spread over an array.
    narrow = facts.kind in SCALARS and facts.dtype in ("float16", "float32", "complex64")
    return facts if narrow else PY_FLOAT


def _with_seed(
    function: Function, seed: Value, swept: Swept, result: Arg, owned: tuple[int, ...]
) -> Function:
    taken = {p.name for p in function.signature}
    for parameter, value in zip(function.signature, function.params, strict=True):
        if parameter.kind == "VAR_KEYWORD":
            taken.update(value.facts.keys or ())
    name = "g"
    while any(t.rstrip("_") == "g" and len(t) >= len(name) for t in taken):
        name += "_"
    seed.hint = name
    names = list(function.signature)
    params = list(function.params)
    at = len(names)
    kind = "POSITIONAL_OR_KEYWORD"
    if any(p.kind in ("VAR_POSITIONAL", "KEYWORD_ONLY", "VAR_KEYWORD") for p in names):
        kind = "KEYWORD_ONLY"
        at = next((k for k, p in enumerate(names) if p.kind == "VAR_KEYWORD"), at)
    elif any(not p.has_default for p in names) or not names:
        kind = "POSITIONAL_OR_KEYWORD"
    is_number = seed.facts.kind in SCALARS and seed.facts.dtype is not None
    one = np.dtype(seed.facts.dtype).type(1) if is_number else 1.0
    names.insert(at, Parameter(name, kind, True, one))
    params.insert(at, seed)
    body = replace(
        function.body,
        params=tuple(params),
        ops=(*swept.forward, *swept.backward),
        results=(result,),
    )
    return replace(
        function,
        name=f"d_{function.name}",
        signature=tuple(names),
        body=body,
        callees=swept.callees,
        owned=owned,
    )


def seed_position(signature: Sequence[Parameter]) -> int | None:
    """Which parameter of a derivative is the cotangent of the result: the longest of `g`, `g_`, ..."""
    found = [k for k, p in enumerate(signature) if p.name.rstrip("_") == "g"]
    return max(found, key=lambda k: len(signature[k].name), default=None)


def pair_up(function: Function) -> tuple[dict[str, Pair], Mapping[str, Function]]:
    """The forward and backward program of every function that is called by name."""
    if not function.callees:
        return {}, function.callees
    pairs: dict[str, Pair] = {}
    for name, callee in function.callees.items():
        active = tuple(k for k, p in enumerate(callee.params) if carries_derivative(p.facts))
        facts = tuple(callee.params[k].facts for k in active)
        pairs[name] = Pair(f"{name}_forward", f"{name}_backward", active, facts)
    callees: dict[str, Function] = dict(function.callees)
    for name, callee in function.callees.items():
        pair = pairs[name]
        wanted = [Wanted(k) for k in pair.active]
        forward, backward = split(callee, wanted, pairs)
        callees[pair.forward] = replace(forward, name=pair.forward, callees=callees)
        callees[pair.backward] = replace(backward, name=pair.backward, callees=callees)
    return pairs, callees


def split(
    function: Function, wanted: Sequence[Wanted], pairs: Mapping[str, Pair] | None = None
) -> tuple[Function, Function]:
    """The forward and the backward program of a function, not yet optimised."""
    return partition(joint(function, wanted, pairs))


def joint(
    function: Function,
    wanted: Sequence[Wanted],
    pairs: Mapping[str, Pair] | None = None,
    *,
    has_aux: bool = False,
) -> Function:
    """The function that returns (result, cotangents), given its arguments and its cotangent.

    With `has_aux`, the result is a pair, and the cotangent that of its first entry.
    """
    output = function.result[0] if has_aux else function.result
    seed = Value("g", facts_of_arg(output))
    swept = sweep(function, wanted, output, seed, pairs)
    return _with_seed(function, seed, swept, (function.result, swept.gradients), (1,))


def partition(both: Function, seeds: Sequence[Value] = ()) -> tuple[Function, Function]:
    """Cut what `joint` made, optimised or not, where the backward sweep begins.

    The forward program returns (result, saved), the backward program takes (saved, cotangent of the
    result) to the tuple of wanted cotangents. `seeds` are the parameters of the sweep, where they are
    others than the cotangent.
    """
    result, gradients = both.result
    if not seeds:
        at = seed_position(both.signature)
        assert at is not None
        seeds = [both.params[at]]
    forward_ops = tuple(op for op in both.body.ops if not op.adjoint)
    swept = tuple(op for op in both.body.ops if op.adjoint)
    backward = prune(Block(tuple(seeds), swept, (gradients,)))
    captured = {c.value for c in both.captures}
    needed = [v for v in free_values(backward) if v not in captured]
    saved = Value("saved", Facts("tuple", items=tuple(v.facts for v in needed)))
    made_by = {r: op for op in forward_ops for r in op.results}
    table: dict[Value, Arg] = {}
    reads: list[Op] = []
    unbound = Unbound(both.body)
    for k, v in enumerate(needed):
        hint = v.hint or (name_after(made_by[v], v) if v in made_by else None) or "kept"
        twin = table[v] = Value(hint, v.facts)
        get = primitive(operator.getitem)
        reads.append(Op(get, (saved, k), (twin,), attrs=unbound.mark(v), adjoint=True))
    backward = substitute_block(Block((), backward.ops, backward.results), table)
    given = list(zip(both.signature, both.params, strict=True))
    kept = [(p, v) for p, v in given if v not in seeds]
    names = [Parameter(p.name) for p, v in given if v in seeds]
    name = both.name.removeprefix("d_")
    while f"{name}_forward" in both.callees or f"{name}_backward" in both.callees:
        name += "_"
    forward = replace(
        both,
        name=f"{name}_forward",
        signature=tuple(p for p, _ in kept),
        body=Block(tuple(v for _, v in kept), forward_ops, ((result, tuple(needed)),)),
        owned=None,
    )
    return forward, replace(
        both,
        name=f"{name}_backward",
        signature=(Parameter("saved"), *names),
        body=Block((saved, *seeds), (*reads, *backward.ops), backward.results),
        owned=None,
        doc=None,
    )
