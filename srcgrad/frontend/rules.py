"""Functions with a derivative rule of their own: the function and its rule are read where it is called.

Each becomes a block of its own that reads parameters alone, so that the rule can be put wherever an op
that has it is differentiated. A rule may call its own function: that call has the very same rule.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..analysis.activity import carries_derivative
from ..analysis.tangents import tangent_facts
from ..custom import Custom, custom_jvp, custom_vjp
from ..errors import Location, MissingRule, StructureError
from ..ir.graph import CUSTOM, Arg, Block, CustomRule, Op, Value, free_values
from ..ir.rewrite import substitute_block
from .branches import building
from .core import BUILTINS, Lowerer
from .handles import has_memory
from .inline import code_of
from .matching import Matching, entries_of, place_of
from .merge import Slot, fill
from .objects import guard
from .parameters import free_parameters, is_open
from .symbols import (
    BoundName,
    Closure,
    Conflict,
    Method,
    Outside,
    Partial,
    Record,
    Symbol,
    Walk,
    children,
    is_number,
    leaves,
    rebuild,
    same_constant,
    same_layout,
)
from .unwrap import unwrap

_NO_VALUES = (Closure, Method, Partial, BoundName, Walk, Conflict)
_DEEPEST = 3  # rules of one function that are read inside one another, for other arguments


@dataclass(frozen=True)
class Spec:
    """A function and its rule: `key` is the same for calls of the same function."""

    key: Any
    name: str
    function: Symbol
    kind: str
    rules: tuple[Symbol, ...]
    nondiff: tuple[int | str, ...]
    itself: Symbol  # what the rule is called with where it uses the function

    @property
    def rule_name(self) -> str:
        rule = self.rules[-1]
        code = getattr(rule, "code", None)
        return str(getattr(code, "name", None) or getattr(rule, "__name__", "the rule"))


@dataclass(eq=False)
class Reading:
    """A rule that is being read, for arguments like these."""

    key: Any
    arguments: list[Symbol]
    rule: CustomRule
    uses: int = 0


def call_custom(
    low: Lowerer, made: Custom, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    """The symbol of what a function with a rule returns."""
    name = getattr(made, "__name__", "function")
    guard(low, low.path(f"{name}.rules", made), lambda: made.rules, made.rules)
    if made.rules is None:
        raise MissingRule(
            f"'{name}' is a {type(made).__name__} function without a rule",
            low.location(),
            cure=f"give it one: {name}.{made.takes}",
        )
    spec = Spec(made, name, made.function, made.kind, made.rules, made.nondiff_argnums, made)
    return call_ruled(low, spec, args, kwargs)


def call_ruled(
    low: Lowerer, spec: Spec, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    """The symbol of what a call gives: an op that holds the function as a block."""
    names, symbols = _by_position(low, spec, args, kwargs)
    plain = {_place(low, spec, names, n, len(symbols)) for n in spec.nondiff}
    return Ruled(low, spec, names, symbols, plain).call()


def _by_position(
    low: Lowerer, spec: Spec, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> tuple[list[str], list[Symbol]]:
    """The names of the parameters, and all arguments by position, as rules take them."""
    function = spec.function
    defaults: dict[str, Any]
    if isinstance(function, Closure):
        parameters: Sequence[Any] = function.code.parameters
        defaults = dict(function.defaults)
    else:
        found = unwrap(function)
        parameters = free_parameters(found)
        defaults = {p.name: p.default for p in parameters if p.has_default}
        if is_open(found.function):
            code_of(low, found.function)
    positional = [p.name for p in parameters if p.kind.startswith("POSITIONAL")]
    variadic = any(p.kind == "VAR_POSITIONAL" for p in parameters)
    given, named = list(args), dict(kwargs)
    if len(given) > len(positional) and not variadic:
        low.refuse(
            f"{spec.name}() takes {len(positional)} positional arguments but {len(given)} were given"
        )
    for name in positional[len(given) :]:
        if name in named:
            given.append(named.pop(name))
        elif name in defaults:
            given.append(defaults[name])
        else:
            low.refuse(f"{spec.name}() missing a required positional argument: '{name}'")
    if named:
        low.refuse(
            f"{spec.name}(), which has a derivative rule, got the keyword argument "
            f"'{next(iter(named))}'",
            cure="rules take arguments by position: make it a parameter that can be given so",
        )
    names = positional + [f"argument {k + 1}" for k in range(len(positional), len(given))]
    return names, given


def _place(low: Lowerer, spec: Spec, names: list[str], argnum: int | str, count: int) -> int:
    place = names.index(argnum) if isinstance(argnum, str) and argnum in names else argnum
    if isinstance(place, int) and -count <= place < count:
        return place % count
    low.refuse(f"nondiff_argnums of '{spec.name}' name {argnum!r}, which it does not take")


class Ruled:
    """One call of a function with a rule."""

    def __init__(
        self, low: Lowerer, spec: Spec, names: list[str], symbols: list[Symbol], plain: set[int]
    ) -> None:
        self.low, self.spec, self.names, self.plain = low, spec, names, plain
        settled = [low.memory.settled(s) for s in symbols]
        self.symbols = [s if k in plain else t for k, (s, t) in enumerate(zip(symbols, settled))]
        self.places = [k for k in range(len(symbols)) if k not in plain]
        found = [v for k in self.places for v in values_of(self.symbols[k])]
        self.order = sorted(range(len(found)), key=lambda k: not differentiable(found[k]))
        self.values = [found[k] for k in self.order]
        self.inputs = sum(map(differentiable, found))
        self.pattern: Symbol = None  # what the function returns

    def call(self) -> Symbol:
        low, rules = self.low, self.low.program.rules
        params, primal = self._primal()
        given = list(primal.results)
        same = [r for r in rules if r.key is self.spec.key]
        reading = next((r for r in same if alike(r.arguments, self.symbols)), None)
        captured: list[Value] = []
        if reading is not None:
            reading.uses += 1
            rule = reading.rule
        else:
            if len(same) >= _DEEPEST:
                low.refuse(
                    f"the rule of '{self.spec.name}' calls it with ever other arguments",
                    cure="call it in its rule with the arguments that the rule gets",
                )
            outputs = tuple(k for k, v in enumerate(given) if differentiable(v))
            rule = CustomRule(self.spec.name, self.spec.kind, self.inputs, outputs)
            reading = Reading(self.spec.key, self.symbols, rule)
            rules.append(reading)
            try:
                blocks = self._vjp(rule) if self.spec.kind == "vjp" else self._jvp(rule)
            finally:
                rules.pop()
            rule.kind = "vjp" if self.spec.kind == "vjp" else "jvp"
            closed = (Block(tuple(params), primal.ops, primal.results), *blocks)
            captured = list(dict.fromkeys(v for b in closed for v in free_values(b)))
            rule.blocks = close(low, reading, blocks, len(self.values), captured)
        body = substitute_block(primal, dict(zip(params, self.values, strict=True)))
        low.builder.location = low.location()
        results = low.builder.emit_custom((*self.values, *captured), body, rule)
        remember_sharing(low, results, given, params, self.values)
        return fill(slotted(self.pattern), results)

    # -- the blocks --------------------------------------------------------------------------------

    def _primal(self) -> tuple[list[Value], Block]:
        symbols, params = self.fresh()

        def finish(result: Symbol) -> list[Arg]:
            self.pattern = result
            refuse_functions(self.low, result, f"'{self.spec.name}', which has a derivative rule,")
            return list(values_of(result))

        return params, self.read(self.spec.function, symbols, finish)

    def _vjp(self, rule: CustomRule) -> list[Block]:
        fwd, bwd = self.spec.rules
        residuals: list[Symbol] = []
        symbols, params = self.fresh()

        def forward(result: Symbol) -> list[Arg]:
            match = Matching(self.low, place_of(self.low, fwd))
            pair = entries_of(self.low, result)
            if pair is None or len(pair) != 2:
                match.refuse(
                    f"'{match.name(fwd)}', the forward rule of '{self.spec.name}', must return a "
                    f"pair (result, residuals), not {match.described(result)}",
                    "return (f(x), what the backward rule needs)",
                )
            refuse_functions(self.low, pair[1], f"the residuals of '{match.name(fwd)}'")
            residuals.append(pair[1])
            outs = match.leaves(self.pattern, pair[0], f"the result of '{match.name(fwd)}'")
            return [*outs, *values_of(pair[1])]

        first = self.read(fwd, symbols, forward)
        first = Block(tuple(params), first.ops, first.results)
        symbols, params = self.fresh()
        saved, kept = copied(self.low, residuals[0], "the residuals of a rule")
        seeds = [Value(None, tangent_facts(v.facts)) for v in self._outputs(rule)]
        g = self._beside(self.pattern, iter(seeds))

        def backward(result: Symbol) -> list[Arg]:
            match = Matching(self.low, place_of(self.low, bwd))
            wanted = [symbols[k] for k in self.places]
            each = entries_of(self.low, result)
            if each is None or len(each) != len(wanted):
                count = "a tuple of one cotangent" if len(wanted) == 1 else (
                    f"a tuple of {len(wanted)} cotangents"
                )
                named = ", ".join(self.names[k] for k in self.places)
                match.refuse(
                    f"'{match.name(bwd)}', the backward rule of '{self.spec.name}', must return "
                    f"{count} (for {named}), not {match.described(result)}",
                    "give one cotangent per argument, None where it is zero",
                )
            found: list[Arg] = []
            for k, like, part in zip(self.places, wanted, each, strict=True):
                what = f"the cotangent of '{self.names[k]}' from '{match.name(bwd)}'"
                found += match.cotangents(like, part, what)
            return [found[k] for k in self.order[: self.inputs]]

        plain = [self.symbols[k] for k in sorted(self.plain)]
        second = self.read(bwd, [*plain, saved, g], backward)
        return [first, Block((*params, *kept, *seeds), second.ops, second.results)]

    def _jvp(self, rule: CustomRule) -> list[Block]:
        symbols, params = self.fresh()
        dots = [Value(f"{p.hint}_dot" if p.hint else None, tangent_facts(p.facts))
                for p in params[: self.inputs]]  # fmt: skip
        by_leaf = dict(zip(params, dots, strict=False))
        primals = tuple(symbols[k] for k in self.places)
        seeds = iter([by_leaf[v] for s in primals for v in values_of(s) if v in by_leaf])
        tangents = tuple(self._beside(s, seeds) for s in primals)
        plain = [self.symbols[k] for k in sorted(self.plain)]
        function = self.spec.rules[0]
        summed = self.spec.kind == "jvps"

        def finish(result: Symbol) -> list[Arg]:
            first = next((f for f in self.spec.rules if f is not None), self.spec.function)
            match = Matching(self.low, place_of(self.low, first))
            pair = entries_of(self.low, result)
            if pair is None or len(pair) != 2:
                match.refuse(
                    f"'{match.name(function)}', the rule of '{self.spec.name}', must return a pair "
                    f"(result, tangent), not {match.described(result)}",
                    "return y, y_dot",
                )
            what = f"from the rule of '{self.spec.name}'"
            outs = match.leaves(self.pattern, pair[0], f"the result {what}")
            moved = match.cotangents(self.pattern, pair[1], f"the tangent {what}", outs)
            return [*outs, *(moved[k] for k in rule.outputs)]

        if summed:
            function = functools.partial(self._summed, tangents)
            block = self.read(function, symbols, finish)
        else:
            block = self.read(function, [*plain, primals, tangents], finish)
        return [Block((*params, *dots), block.ops, block.results)]

    def _summed(self, tangents: Sequence[Symbol], *symbols: Symbol) -> Symbol:
        """The result of the function, and the sum of the tangents that its arguments cause."""
        low, formulas = self.low, self.spec.rules
        if len(formulas) != len(tangents):
            match = Matching(low, place_of(low, next(filter(None, formulas), self.spec.function)))
            match.refuse(
                f"the rule of '{self.spec.name}' has {len(formulas)} formulas, for "
                f"{len(tangents)} arguments",
                "give one per argument, None where nothing flows",
            )
        y = low.call(self.spec.itself, list(symbols), {})
        total: Symbol = None
        for formula, dot in zip(formulas, tangents, strict=True):
            if formula is None or not any(True for _ in values_of(dot)):
                continue
            part = low.call(formula, [dot, y, *symbols], {})
            total = part if total is None else low.apply(operator.add, total, part)
        return (y, total)

    # -- symbols -----------------------------------------------------------------------------------

    def read(
        self, function: Symbol, args: list[Symbol], finish: Callable[[Symbol], list[Arg]]
    ) -> Block:
        """The block of a call, with the results that `finish` makes of what it returns."""
        low = self.low
        region = low.region()
        with low.places.inside(region), building(low, region):
            made = isinstance(function, functools.partial) and function.func == self._summed
            result = function(*args) if made else low.call(function, args, {})
            results = finish(low.memory.settled(result))
        if region.changes:
            low.refuse(
                f"'{self.spec.name}', which has a derivative rule, or the rule writes to a name or "
                "array of the function around it",
                cure="return what is new instead",
            )
        return region.close(results)

    def fresh(self) -> tuple[list[Symbol], list[Value]]:
        """The arguments with fresh values, and these values, those with a derivative first."""
        symbols, found = [], []
        for k, symbol in enumerate(self.symbols):
            if k not in self.plain:
                symbol, values = copied(self.low, symbol, f"'{self.names[k]}'")
                found += values
            symbols.append(symbol)
        return symbols, [found[k] for k in self.order]

    def _outputs(self, rule: CustomRule) -> list[Value]:
        every = list(values_of(self.pattern))
        return [every[k] for k in rule.outputs]

    def _beside(self, symbol: Symbol, seeds: Any) -> Symbol:
        """A structure with seeds for what has a derivative, zero or None for what has none."""
        if isinstance(symbol, Value):
            if differentiable(symbol):
                return next(seeds)
            return 0.0 if symbol.facts.is_numeric else None
        parts = None if isinstance(symbol, Outside) else children(symbol)
        if parts is None:
            return 0.0 if is_number(symbol) else None
        return rebuild(symbol, [self._beside(p, seeds) for p in parts])


def differentiable(value: Value) -> bool:
    """Whether a value has a derivative."""
    return value.facts.kind != "opaque" and carries_derivative(value.facts)


def values_of(symbol: Symbol) -> list[Value]:
    """The run-time values in a structure, in order."""
    return [leaf for leaf in leaves(symbol) if isinstance(leaf, Value)]


def copied(low: Lowerer, symbol: Symbol, what: str) -> tuple[Symbol, list[Value]]:
    """A structure with fresh values, which may be read and not written to, and these values."""
    why = f"{what} is written to in a function with a derivative rule, or in the rule"
    locked = (why, "take a copy first")
    found: list[Value] = []
    apart = low.memory.outermost.child()  # memory of the block's own

    def copy(part: Symbol) -> Symbol:
        if isinstance(part, Value):
            value = Value(part.hint, part.facts)
            low.memory.given.add(value)
            low.memory.locked[value] = locked
            low.memory.born[value] = apart
            found.append(value)
            return value
        parts = None if isinstance(part, Outside) else children(part)
        if parts is None:
            return part
        made = rebuild(part, [copy(p) for p in parts])
        if type(made) in (list, dict, Record):
            low.memory.root(made).locked = locked
        return made

    return copy(symbol), found


def slotted(symbol: Symbol) -> Symbol:
    """A structure with slots in place of its values, in order."""
    count = iter(range(len(values_of(symbol))))

    def slot(part: Symbol) -> Symbol:
        if isinstance(part, Value):
            return Slot(next(count))
        parts = None if isinstance(part, Outside) else children(part)
        return part if parts is None else rebuild(part, [slot(p) for p in parts])

    return slot(symbol)


def alike(a: Symbol, b: Symbol) -> bool:
    """Whether two arguments differ in no more than which values they hold."""
    if isinstance(a, Value) and isinstance(b, Value):
        return a.facts == b.facts
    if same_layout(a, b):
        return all(map(alike, children(a) or (), children(b) or ()))
    if isinstance(a, Outside) and isinstance(b, Outside):
        return a.value is b.value
    return same_constant(a, b)


def refuse_functions(low: Lowerer, symbol: Symbol, what: str) -> None:
    """Refuse what has no counterpart at run time."""
    for leaf in leaves(symbol):
        if isinstance(leaf, Conflict):
            low.arg(leaf)
        if isinstance(leaf, _NO_VALUES):
            low.refuse(
                f"{what} cannot hand out a function or an iterator",
                cure="hand out numbers, arrays and containers of such",
            )


def remember_sharing(
    low: Lowerer,
    results: Sequence[Value],
    given: Sequence[Symbol],
    params: Sequence[Value],
    values: Sequence[Value],
) -> None:
    """Note which results may be memory of the arguments `values`, called `params` in the block."""
    low.memory.merged(results, given)
    for result, source in zip(results, given, strict=True):
        found = low.memory.roots(source)
        for param, value in zip(params, values, strict=True):
            if has_memory(param.facts) and low.memory.root(param) in found:
                low.memory.share(result, low.memory.roots(value))


def close(
    low: Lowerer, reading: Reading, blocks: Sequence[Block], count: int, captured: Sequence[Value]
) -> tuple[Block, ...]:
    """The blocks of a rule with parameters for what they read from around, after `count` others.

    What uses the function inside its own rule is given that, too.
    """
    uses = 0

    def completed(block: Block) -> Block:
        return Block(block.params, tuple(map(complete, block.ops)), block.results)

    def complete(op: Op) -> Op:
        nonlocal uses
        if op.blocks:
            op = replace(op, blocks=tuple(map(completed, op.blocks)))
        if op.primitive is CUSTOM and op.attrs["rule"] is reading.rule:
            uses += 1
            op = replace(op, args=(*op.args, *captured))
        return op

    closed = []
    for block in map(completed, blocks):
        extra = [Value(v.hint, v.facts) for v in captured]
        params = (*block.params[:count], *extra, *block.params[count:])
        inner = Block((), block.ops, block.results)
        made = substitute_block(inner, dict(zip(captured, extra, strict=True)))
        closed.append(Block(params, made.ops, made.results))
    if captured and uses < reading.uses:
        low.refuse(
            f"'{reading.rule.name}' is used in the rule of another function that its own rule uses",
            cure="pass what they read from around as arguments",
        )
    return tuple(closed)


# -- rules for functions that are defined inside the one that is read -------------------------------


def _ruled(*args: Any) -> None:
    """Stands for a function with a rule that is defined inside the one that is read."""
    raise TypeError("this is never run")


def _maker(cls: type[Custom], names: tuple[str, ...], kind: str) -> Callable[..., Symbol]:
    def make(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
        order = ("function", "fwd", "bwd", "nondiff_argnums")
        if kind == "jvp":
            order = ("function", "nondiff_argnums", "jvp")
        given = {**dict(zip(order, args, strict=False)), **kwargs}
        if "function" not in given and args == []:
            return Partial(cls, (), given)
        if not {"function", *names} <= given.keys() <= set(order):
            low.refuse(
                f"inside a function that is differentiated, {cls.__name__} takes the function and "
                "its rule in one call",
                cure=f"write {cls.__name__}(f, {', '.join(f'{n}=...' for n in names)}), or define "
                "it outside",
            )
        nondiff = given.get("nondiff_argnums", ())
        nondiff = nondiff if isinstance(nondiff, tuple | list) else (nondiff,)
        rules = tuple(given[n] for n in names)
        return Partial(_ruled, (given["function"], kind, rules, tuple(nondiff)), {})

    return make


def _call_ruled(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    function, kind, rules, nondiff, *rest = args
    code = getattr(function, "code", None)
    name = getattr(code, "name", None) or getattr(function, "__name__", "function")
    itself = Partial(_ruled, (function, kind, rules, nondiff), {})
    return call_ruled(low, Spec(function, name, function, kind, rules, nondiff, itself), rest, kwargs)


BUILTINS[custom_vjp] = _maker(custom_vjp, ("fwd", "bwd"), "vjp")
BUILTINS[custom_jvp] = _maker(custom_jvp, ("jvp",), "jvp")
BUILTINS[_ruled] = _call_ruled

__all__ = ["Location", "Ruled", "StructureError", "call_custom", "call_ruled"]
