"""Algebra on the backward sweep: a flat table of rewrites, each an identity that facts allow.

Only what a transformation made is rewritten; the user's own lines stay as they were written.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import runtime
from ..analysis.unbound import Unbound
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Block, Function, Op, Value, operands, values_in
from ..ir.rewrite import map_bodies, substitute, substitute_op
from ..ir.types import SCALARS
from ..ops import registry

Rewrite = Callable[["Matcher", Op], Arg | None]

add, sub, mul, div, neg = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.neg,
)


class Matcher:
    """What a rewrite may ask: how a value was made; and through which it builds."""

    def __init__(
        self,
        definitions: dict[Value, Op],
        uses: dict[Value, int],
        unbound: set[Value],
        generic: bool,
    ) -> None:
        self.definitions = definitions
        self.uses = uses
        self.unbound = unbound  # values that may be undefined
        self.generic = generic  # whether what is unknown was taken for numbers
        self.builder = Builder()

    def made_by(self, arg: Arg, *functions: Any) -> Op | None:
        """The adjoint op that made `arg`, if it calls one of these functions."""
        op = self.definitions.get(arg) if isinstance(arg, Value) else None
        return op if op is not None and op.primitive.function in functions else None

    def emit(self, function: Any, *args: Arg, **kwargs: Arg) -> Value:
        primitive = registry.find(function)
        assert primitive is not None
        made = self.builder.emit(primitive, args, kwargs)
        self.definitions[made] = self.builder.ops[-1]
        return made


def simplify(function: Function) -> Function:
    """The function after the table's rewrites."""
    generic = any(v.facts.kind == "unknown" for v in function.body.params)

    def transform(body: Block) -> Block:
        uses: dict[Value, int] = {}
        count_uses(body, uses)
        return _block(body, {}, {}, uses, Unbound(body).every, generic)

    return map_bodies(function, transform)


def count_uses(block: Block, uses: dict[Value, int]) -> None:
    """Count the reads of each value, inner blocks included."""
    for op in block.ops:
        for value in operands(op):
            uses[value] = uses.get(value, 0) + 1
        for inner in op.blocks:
            count_uses(inner, uses)
    for value in values_in(block.results):
        uses[value] = uses.get(value, 0) + 1


def _block(
    block: Block,
    definitions: dict[Value, Op],
    table: dict[Value, Arg],
    uses: dict[Value, int],
    unbound: set[Value],
    generic: bool,
) -> Block:
    definitions = dict(definitions)
    matcher = Matcher(definitions, uses, unbound, generic)
    ops = matcher.builder.ops
    for op in block.ops:
        if op.blocks:
            args = tuple(substitute(a, table) for a in op.args)
            kwargs = {k: substitute(a, table) for k, a in op.kwargs.items()}
            blocks = tuple(_block(b, definitions, table, uses, unbound, generic) for b in op.blocks)
            ops.append(replace(op, args=args, kwargs=kwargs, blocks=blocks))
            continue
        op = substitute_op(op, table)
        builder = matcher.builder
        builder.location, builder.adjoint, builder.derived = op.location, op.adjoint, op.derived
        before = len(ops)
        replaced = _rewrite(matcher, op) if op.ours else None
        if op.attrs.get("spliced"):  # so is what it becomes
            ops[before:] = [replace(o, attrs={**o.attrs, "spliced": True}) for o in ops[before:]]
        if replaced is None:
            ops.append(op)
            for result in op.results:
                definitions[result] = op
            continue
        old = op.result
        if isinstance(replaced, Value) and replaced.hint is None and replaced is not old:
            replaced.hint = old.hint
        table[old] = replaced
    return Block(block.params, tuple(ops), tuple(substitute(r, table) for r in block.results))


def _rewrite(matcher: Matcher, op: Op) -> Arg | None:
    ops = matcher.builder.ops
    for rewrite in TABLE.get(op.primitive.function, ()):
        before = len(ops)
        replaced = rewrite(matcher, op)
        if replaced is not None:
            # What was built may match again, once.
            made = matcher.definitions.get(replaced) if isinstance(replaced, Value) else None
            if made is not None and len(ops) > before and made is ops[-1]:
                ops.pop()
                again = _rewrite(matcher, made)
                if again is not None:
                    return again
                ops.append(made)
            return replaced
    return None


def is_number(arg: Arg, number: float) -> bool:
    """Whether an argument is this constant."""
    return isinstance(arg, int | float) and not isinstance(arg, bool) and arg == number


def is_floating(arg: Arg) -> bool:
    """Whether an argument holds floats, so that a factor of one changes nothing, not even its type."""
    facts = facts_of_arg(arg)
    if facts.kind in ("float", "complex", "unknown"):
        return True
    return facts.kind == "array" and facts.dtype is not None and np.dtype(facts.dtype).kind in "fc"


def is_plain(arg: Arg) -> bool:
    """Whether an argument is a number that is written down."""
    return isinstance(arg, int | float) and not isinstance(arg, bool)


def is_real(m: Matcher, arg: Arg) -> bool:
    """Whether an argument is known to hold floats, or taken to."""
    return is_floating(arg) and (m.generic or facts_of_arg(arg).kind != "unknown")


def is_signed(m: Matcher, arg: Arg) -> bool:
    """Whether minus an argument is what it is in mathematics: small integers and masks wrap around."""
    return is_real(m, arg) or is_python_integer(arg)


def is_python_integer(arg: Arg) -> bool:
    """Whether an argument is an integer of Python's, which takes the type of what it meets."""
    facts = facts_of_arg(arg)
    return facts.kind == "int" and facts.dtype is None


def negated(m: Matcher, arg: Arg, *others: Arg) -> Arg | None:
    """What `arg` is minus of, if its sign may go elsewhere in an operation with `others`."""
    made = m.made_by(arg, neg)
    if made is None:
        return None
    inner = made.args[0]
    free = is_python_integer(inner) and all(is_signed(m, other) for other in others)
    return inner if free or is_real(m, inner) else None


# -- rewrites -----------------------------------------------------------------------------------


def one_factor(m: Matcher, op: Op) -> Arg | None:
    """1 * x, x * 1 and x / 1 are x."""
    x, y = op.args
    if is_number(y, 1) and is_floating(x):
        return x
    if op.primitive.function is mul and is_number(x, 1) and is_floating(y):
        return y
    return None


def ones_factor(m: Matcher, op: Op) -> Arg | None:
    """An array of ones times x is x."""
    for ones, other in (op.args, op.args[::-1]):
        if m.made_by(ones, np.ones_like, np.ones) is not None and _as_it_is(other, op):
            return other
    return None


def identity_factor(m: Matcher, op: Op) -> Arg | None:
    """eye @ x and x @ eye are x, and so with a multiple of eye."""
    for unit, other in (op.args, op.args[::-1]):
        if not _as_it_is(other, op):
            continue
        if _is_identity(m, unit):
            return other
        scaled = m.made_by(unit, mul)
        for number, rest in () if scaled is None else (scaled.args, scaled.args[::-1]):
            if facts_of_arg(number).is_scalar and is_floating(number) and _is_identity(m, rest):
                return m.emit(mul, number, other)
    return None


def _is_identity(m: Matcher, arg: Arg) -> bool:
    made = m.made_by(arg, np.eye)
    return made is not None and len(made.args) == 1 and not made.kwargs.keys() - {"dtype"}


def _as_it_is(other: Arg, op: Op) -> bool:
    """Whether an operand has the shape and the type of the result."""
    given, wanted = facts_of_arg(other), op.result.facts
    typed = given.dtype is not None and given.dtype == wanted.dtype
    return given.kind == "array" and typed and given.same_shape(wanted)


def constants(m: Matcher, op: Op) -> Arg | None:
    """Numbers that are written down are computed with at once, also those in a product or quotient."""
    x, y = op.args
    function = op.primitive.function
    if is_plain(x) and is_plain(y) and not (function is div and y == 0):
        return function(x, y)
    if function is not mul:
        return None
    for number, other in ((x, y), (y, x)):
        quotient = m.made_by(other, div) if is_plain(number) else None
        if quotient is not None and is_plain(quotient.args[0]) and m.uses.get(other, 0) <= 1:
            scaled = number * quotient.args[0]
            if isinstance(scaled, float) or is_signed(m, quotient.args[1]):  # else it may not fit
                return m.emit(div, scaled, quotient.args[1])
        product = m.made_by(other, mul) if is_plain(number) else None
        if product is not None and product.ours and m.uses.get(other, 0) <= 1:
            for again, rest in (product.args, product.args[::-1]):
                if is_plain(again) and is_floating(rest):
                    return m.emit(mul, number * again, rest)
    return None


def zero_term(m: Matcher, op: Op) -> Arg | None:
    """0 + x, x + 0 and x - 0 are x."""
    x, y = op.args
    if is_number(y, 0) and is_floating(x):
        return x
    if op.primitive.function is add and is_number(x, 0) and is_floating(y):
        return y
    return None


def double_negation(m: Matcher, op: Op) -> Arg | None:
    """-(-x) is x; -(a - b) is b - a."""
    inner = m.made_by(op.args[0], neg)
    if inner is not None:
        return inner.args[0]
    if isinstance(op.args[0], int | float):
        return -op.args[0]
    return None


def sign_outwards(m: Matcher, op: Op) -> Arg | None:
    """(-a) * b is -(a * b), and so for / and @: signs travel out, where they meet and cancel."""
    function = op.primitive.function
    a, b = op.args
    left, right = negated(m, a, b), negated(m, b, a)
    if left is None and right is None:
        return None
    product = m.emit(function, a if left is None else left, b if right is None else right)
    return product if left is not None and right is not None else m.emit(neg, product)


def sign_into_sum(m: Matcher, op: Op) -> Arg | None:
    """a + (-b) is a - b; (-a) + b is b - a; a - (-b) is a + b."""
    a, b = op.args
    right = negated(m, b, a)
    if right is not None:
        return m.emit(sub if op.primitive.function is add else add, a, right)
    left = negated(m, a, b)
    if left is not None and op.primitive.function is add and m.uses.get(a, 0) <= 1:
        return m.emit(sub, b, left)
    return None


def twice(m: Matcher, op: Op) -> Arg | None:
    """a + a is 2 * a."""
    a, b = op.args
    if not is_signed(m, a):
        return None  # a mask plus itself is itself
    if a is b and isinstance(a, Value):
        return m.emit(mul, 2, a)
    minus, other = negated(m, a), negated(m, b)
    if minus is not None and minus is other:
        return m.emit(neg, m.emit(mul, 2, minus))
    one, two = m.made_by(a, mul), m.made_by(b, mul)
    if one is not None and two is not None:
        plain = all(isinstance(x, Value | float | int) for x in (*one.args, *two.args))
        if plain and one.args in (two.args, two.args[::-1]):
            return m.emit(mul, 2, a)
    return None


def minus_twice(m: Matcher, op: Op) -> Arg | None:
    """-a - a is -(2 * a)."""
    left = negated(m, op.args[0])
    if left is not None and left is op.args[1]:
        return m.emit(neg, m.emit(mul, 2, op.args[1]))
    return None


def mask_outwards(m: Matcher, op: Op) -> Arg | None:
    """where(c, 0, g) * a is where(c, 0, g * a): what is masked out stays zero, were `a` infinite."""
    factors = 2 if op.primitive.function is mul else 1
    for k, arg in enumerate(op.args[:factors]):
        masked = m.made_by(arg, np.where)
        if masked is None or len(masked.args) != 3 or not op.result.facts.same_shape(arg.facts):
            continue
        condition, yes, no = masked.args
        if op.primitive.function is neg and not (is_signed(m, yes) and is_signed(m, no)):
            continue  # where() had made numbers of a mask

        def through(part: Arg, k: int = k) -> Value:
            args = [part if i == k else a for i, a in enumerate(op.args)]
            return m.emit(op.primitive.function, *args)

        if is_number(yes, 0):
            return m.emit(np.where, condition, yes, through(no))
        if is_number(no, 0):
            return m.emit(np.where, condition, through(yes), no)
    return None


def common_mask(m: Matcher, op: Op) -> Arg | None:
    """where(c, 0, a) + where(c, 0, b) is where(c, 0, a + b)."""
    left, right = (m.made_by(a, np.where) for a in op.args)
    if left is None or right is None or len(left.args) != 3 or len(right.args) != 3:
        return None
    if left.args[0] is not right.args[0] or not isinstance(left.args[0], Value):
        return None
    if not left.result.facts.same_shape(right.result.facts):
        return None
    for k in (1, 2):
        if is_number(left.args[k], 0) and is_number(right.args[k], 0):
            others = left.args[3 - k], right.args[3 - k]
            if not all(map(is_floating, others)):
                return None  # the sum of two masks would be their union
            kept = m.emit(op.primitive.function, *others)
            parts = (0, kept) if k == 1 else (kept, 0)
            return m.emit(np.where, left.args[0], *parts)
    return None


def absorb_broadcast(m: Matcher, op: Op) -> Arg | None:
    """broadcast(g) * y is g * y where y has the full shape already; else the broadcast comes last."""
    spread = [m.made_by(a, np.broadcast_to) for a in op.args]
    if not any(spread):
        return None
    shape = op.result.facts
    plain = [a if s is None else s.args[0] for a, s in zip(op.args, spread, strict=True)]
    if any(map(is_python_integer, plain)) and not all(is_signed(m, a) for a in plain):
        return None  # spread out, it is an array of integers that are large enough
    loose = [s for s in spread if s is not None and facts_of_arg(s.args[0]).dims is None]
    if loose and op.primitive.function is operator.add:
        return None  # `scattered_sum` takes the terms of a sum to have one shape
    if any(
        s is None and facts_of_arg(a).same_shape(shape)
        for a, s in zip(op.args, spread, strict=True)
    ):
        return m.emit(op.primitive.function, *plain)
    first = next(s for s in spread if s is not None)
    fits = all(
        facts_of_arg(a).is_scalar if s is None else s.result.facts.same_shape(shape)
        for a, s in zip(op.args, spread, strict=True)
    )
    if not fits:
        return None
    inner = m.emit(op.primitive.function, *plain)
    return m.emit(np.broadcast_to, inner, first.args[1])


def broadcast_to_itself(m: Matcher, op: Op) -> Arg | None:
    """Broadcasting to the shape that it has already does nothing."""
    x = op.args[0]
    if isinstance(x, Value) and x.facts.kind == "array" and x.facts.same_shape(op.result.facts):
        return x
    if isinstance(x, Value) and x.facts.kind in SCALARS and op.result.facts.shape == ():
        return x
    inner = m.made_by(x, np.broadcast_to)
    if inner is not None:
        return m.emit(np.broadcast_to, inner.args[0], op.args[1])
    return None


ZEROS = (np.zeros_like, np.zeros, runtime.zeros_like, runtime.zero_rows)


def scattered_sum(m: Matcher, op: Op) -> Arg | None:
    """x + index_add(zeros, i, v) is index_add(x, i, v)."""
    for x, y in (op.args, op.args[::-1]):
        given, wanted = facts_of_arg(y), facts_of_arg(x)
        # A cotangent has the shape of its value, but for one that is left to broadcasting.
        if not given.same_shape(wanted) and (given.dims is not None or wanted.dims is not None):
            continue
        # What is added into x gets its type.
        typed = wanted.kind != "array" or wanted.dtype or m.made_by(x, runtime.index_add)
        if not typed or op.result.facts.dtype != wanted.dtype:
            continue
        if isinstance(y, Value) and m.uses.get(y, 0) <= 1:
            made = m.definitions.get(y)
            if made is not None and _name(made) == "index_add" and made.ours:
                start = m.made_by(made.args[0], *ZEROS)
                if start is not None:
                    return m.emit(made.primitive.function, x, made.args[1], made.args[2])
    return None


def scatter_broadcast(m: Matcher, op: Op) -> Arg | None:
    """Adding into a part of an array broadcasts by itself."""
    inner = m.made_by(op.args[2], np.broadcast_to)
    if inner is None or facts_of_arg(op.args[0]).kind != "array":
        return None
    return m.emit(op.primitive.function, op.args[0], op.args[1], inner.args[0])


def _name(op: Op) -> str:
    return getattr(op.primitive.function, "__name__", "")


def known_zeros(m: Matcher, op: Op) -> Arg | None:
    """zeros_like of a number is 0.0, of an array of floats np.zeros_like."""
    facts = facts_of_arg(op.args[0])
    if facts.kind in SCALARS and facts.dtype in (None, "float64"):
        return 0j if facts.kind == "complex" else 0.0
    if isinstance(op.args[0], Value) and op.args[0] in m.unbound:
        return None
    if facts.kind == "array" and facts.dtype is not None and np.dtype(facts.dtype).kind in "fc":
        return m.emit(np.zeros_like, op.args[0])
    return None


def known_unbroadcast(m: Matcher, op: Op) -> Arg | None:
    """Where shapes are known, un-broadcasting is a plain sum over known axes, or nothing."""
    g, x = op.args
    given, wanted = facts_of_arg(g), facts_of_arg(x)
    if given.is_complex and not wanted.is_complex:
        if not wanted.is_real:
            return None
        g = m.emit(np.real, g)  # only the real part moves what is real
    if given.same_shape(wanted) or (given.is_scalar and wanted.is_scalar):
        return g
    if given.dims is None or wanted.dims is None:
        return None
    if wanted.dims == () and given.kind == "array":
        return m.emit(np.sum, g)
    extra = len(given.dims) - len(wanted.dims)
    if extra < 0:
        return None
    ones = []
    for k, (a, b) in enumerate(zip(given.dims[extra:], wanted.dims, strict=True)):
        if b == 1 and a is not None and a != 1:
            ones.append(k)
        elif a is None or a != b:
            return None
    if ones and extra:
        inner = m.emit(np.sum, g, axis=_axes(range(extra)))
        return m.emit(np.sum, inner, axis=_axes(ones), keepdims=True)
    if ones:
        return m.emit(np.sum, g, axis=_axes(ones), keepdims=True)
    return m.emit(np.sum, g, axis=_axes(range(extra)))


def _axes(axes: Any) -> int | tuple[int, ...]:
    found = tuple(axes)
    return found[0] if len(found) == 1 else found


def sum_of_product(m: Matcher, op: Op) -> Arg | None:
    """The sum of all entries of a * b is the dot product of a and b: one pass, no temporary."""
    if op.kwargs or len(op.args) != 1:
        return None
    product = m.made_by(op.args[0], mul)
    if product is None or m.uses.get(op.args[0], 0) > 1:
        return None
    a, b = product.args
    fa, fb = facts_of_arg(a), facts_of_arg(b)
    if fa.kind != "array" or fb.kind != "array" or not fa.same_shape(fb):
        return None
    if fa.dtype != "float64" or fb.dtype != "float64":
        return None
    return m.emit(np.vdot, a, b)


def sign_out_of_sum(m: Matcher, op: Op) -> Arg | None:
    """The sum of -a is minus the sum of a."""
    inner = negated(m, op.args[0])
    if inner is None or m.uses.get(op.args[0], 0) > 1 or not op.result.facts.is_scalar:
        return None
    if op.kwargs or len(op.args) != 1:
        return None
    return m.emit(neg, m.emit(np.sum, inner))


def common_scalar(m: Matcher, op: Op) -> Arg | None:
    """s * a + s * b is s * (a + b) where s is one number and a and b are arrays of floats."""
    left, right = _scaled(m, op.args[0], 4), _scaled(m, op.args[1], 4)
    if left is None or right is None or left[0] is not right[0]:
        return None
    inner = m.emit(op.primitive.function, left[1](), right[1]())
    return m.emit(mul, left[0], inner)


Scaled = tuple[Value, Callable[[], Arg]]  # a number, and what builds the rest


def _is_float_array(arg: Arg) -> bool:
    """Whether an argument is an array of floats: the sum of two masks would be their union."""
    return facts_of_arg(arg).kind == "array" and is_floating(arg)


def _scaled(m: Matcher, arg: Arg, depth: int) -> Scaled | None:
    """`arg` as a number times the rest, where only this sum reads it."""
    if not isinstance(arg, Value) or depth == 0 or m.uses.get(arg, 0) > 1:
        return None
    op = m.made_by(arg, mul, div, neg)
    if op is None or not op.ours or arg.facts.is_scalar or arg.facts.kind != "array":
        return None
    function = op.primitive.function
    if function is neg:
        return _with_rest(_scaled(m, op.args[0], depth - 1), lambda rest: m.emit(neg, rest))
    first, second = op.args
    if isinstance(first, Value) and first.facts.is_scalar and _is_float_array(second):
        return first, lambda: m.emit(div, 1, second) if function is div else second
    found = _with_rest(_scaled(m, first, depth - 1), lambda rest: m.emit(function, rest, second))
    if found is not None or function is div:
        return found
    if isinstance(second, Value) and second.facts.is_scalar and _is_float_array(first):
        return second, lambda: first
    return _with_rest(_scaled(m, second, depth - 1), lambda rest: m.emit(mul, rest, first))


def _with_rest(scaled: Scaled | None, wrap: Callable[[Arg], Arg]) -> Scaled | None:
    if scaled is None:
        return None
    number, rest = scaled
    return number, lambda: wrap(rest())


def shape_of_operand(m: Matcher, op: Op) -> Arg | None:
    """The shape or size of a result is that of an operand known to have it: ask what stands longest."""
    found: Arg = op.args[0]
    while isinstance(found, Value) and found.hint is None:
        made = m.definitions.get(found)
        if made is None or made.blocks:
            break
        shape = found.facts
        same = next(
            (
                v
                for v in operands(made)
                if v.facts.kind in ("array", "unknown") and v.facts.same_shape(shape)
            ),
            None,
        )
        if same is None:
            break
        found = same
    return None if found is op.args[0] else m.emit(op.primitive.function, found)


def copy_of_array(m: Matcher, op: Op) -> Arg | None:
    """A copy is the array itself: whoever writes takes one where it is needed."""
    plain = len(op.args) == 1 and not op.kwargs
    return op.args[0] if plain and facts_of_arg(op.args[0]).kind == "array" else None


def transpose_twice(m: Matcher, op: Op) -> Arg | None:
    """Transposing twice does nothing."""
    inner = m.made_by(op.args[0], np.transpose)
    if inner is not None and len(op.args) == 1 and len(inner.args) == 1:
        if not op.kwargs and not inner.kwargs:
            return inner.args[0]
    return None


TABLE: dict[Any, tuple[Rewrite, ...]] = {
    mul: (one_factor, ones_factor, constants, sign_outwards, mask_outwards, absorb_broadcast),
    div: (one_factor, constants, sign_outwards, mask_outwards, absorb_broadcast),
    operator.matmul: (sign_outwards, identity_factor),
    add: (
        zero_term,
        common_mask,
        scattered_sum,
        twice,
        sign_into_sum,
        common_scalar,
        absorb_broadcast,
    ),
    sub: (zero_term, common_mask, minus_twice, sign_into_sum, common_scalar, absorb_broadcast),
    neg: (double_negation, mask_outwards, absorb_broadcast),
    np.where: (absorb_broadcast,),
    np.broadcast_to: (broadcast_to_itself,),
    np.copy: (copy_of_array,),
    np.transpose: (transpose_twice,),
    np.shape: (shape_of_operand,),
    np.size: (shape_of_operand,),
    np.ndim: (shape_of_operand,),
    np.sum: (sum_of_product, sign_out_of_sum),
    runtime.zeros_like: (known_zeros,),
    runtime.unbroadcast: (known_unbroadcast,),
    runtime.index_add: (scatter_broadcast,),
    runtime.add: (scattered_sum,),
}
