"""Functions with a derivative rule of their own: the function and its rule are read where it is called.

Each becomes a block of its own that reads parameters alone, so that the rule can be put wherever an op
that has it is differentiated. A rule may call its own function: that call has the very same rule.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..custom import Custom
from ..errors import MissingRule
from ..ir.graph import Arg, Block, CustomRule, Value, free_values
from ..ir.rewrite import substitute_block
from .branches import building
from .closing import (
    Reading,
    alike,
    close,
    copied,
    differentiable,
    own_value,
    refuse_functions,
    refuse_recursion,
    remember_sharing,
    slotted,
    values_of,
)
from .core import Lowerer
from .inline import code_of
from .matching import Matching, entries_of, place_of
from .merge import fill
from .objects import guard
from .parameters import free_parameters, is_open
from .symbols import Closure, Outside, Symbol, children, is_number, rebuild
from .unwrap import unwrap

_DEEPEST = 4  # rules of one function that are read inside one another, for other arguments


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
        self.symbols = [low.memory.settled(s) for s in symbols]
        self.places = [k for k in range(len(symbols)) if k not in plain]
        every = [(k, v) for k, s in enumerate(self.symbols) for v in values_of(s)]
        moves = [k not in plain and differentiable(v) for k, v in every]
        self.order = sorted(range(len(every)), key=lambda i: not moves[i])  # inputs come first
        self.values = [every[i][1] for i in self.order]
        self.inputs = sum(moves)
        # Where the values of the arguments with a derivative stand among those of such arguments.
        given = [i for i, (k, _) in enumerate(every) if k not in plain]
        self.moving = [given.index(i) for i in self.order[: self.inputs]]
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
            outputs = tuple(k for k, v in enumerate(given) if differentiable(v))
            kind = "unread" if len(same) >= _DEEPEST else "vjp" if self.is_vjp else "jvp"
            rule = CustomRule(self.spec.name, kind, self.inputs, outputs)
            reading = Reading(self.spec.key, self.symbols, rule)
            blocks: list[Block] = []
            if kind != "unread":
                rules.append(reading)
                stack, low.stack = low.stack, []  # a rule that uses its function is no recursion
                try:
                    blocks = self._vjp(rule) if self.is_vjp else self._jvp(rule)
                finally:
                    rules.pop()
                    low.stack = stack
            refuse_recursion(low, blocks, self.spec.name)
            closed = (Block(tuple(params), primal.ops, primal.results), *blocks)
            captured = list(dict.fromkeys(v for b in closed for v in free_values(b)))
            rule.blocks = close(low, reading, blocks, len(self.values), captured)
        body = substitute_block(primal, dict(zip(params, self.values, strict=True)))
        low.builder.location = low.location()
        results = low.builder.emit_custom((*self.values, *captured), body, rule)
        remember_sharing(low, results, given, params, self.values)
        return fill(slotted(self.pattern), results)

    @property
    def is_vjp(self) -> bool:
        return self.spec.kind == "vjp"

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

        Matching(self.low, place_of(self.low, fwd)).takes(
            fwd, len(symbols), f"the forward rule of '{self.spec.name}'", "the arguments"
        )
        first = self.read(fwd, symbols, forward)
        first = Block(tuple(params), first.ops, first.results)
        symbols, params = self.fresh()
        saved, kept = copied(self.low, residuals[0], "the residuals of a rule")
        seeds = [own_value(self.low, None, v) for v in self._outputs(rule)]
        g = self._beside(self.pattern, iter(seeds))

        def backward(result: Symbol) -> list[Arg]:
            match = Matching(self.low, place_of(self.low, bwd))
            wanted = [symbols[k] for k in self.places]
            each = entries_of(self.low, result)
            if each is None or len(each) != len(wanted):
                count = (
                    "a tuple of one cotangent"
                    if len(wanted) == 1
                    else (f"a tuple of {len(wanted)} cotangents")
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
            return [found[k] for k in self.moving]

        plain = [symbols[k] for k in sorted(self.plain)]
        Matching(self.low, place_of(self.low, bwd)).takes(
            bwd,
            len(plain) + 2,
            f"the backward rule of '{self.spec.name}'",
            "what is not differentiated, the residuals, and the cotangent",
        )
        second = self.read(bwd, [*plain, saved, g], backward, seeds)
        return [first, Block((*params, *kept, *seeds), second.ops, second.results)]

    def _jvp(self, rule: CustomRule) -> list[Block]:
        symbols, params = self.fresh()
        moving = params[: self.inputs]
        dots = [own_value(self.low, f"{p.hint}_dot" if p.hint else None, p) for p in moving]
        by_leaf = dict(zip(params, dots, strict=False))
        primals = tuple(symbols[k] for k in self.places)
        seeds = iter([by_leaf[v] for s in primals for v in values_of(s) if v in by_leaf])
        tangents = tuple(self._beside(s, seeds) for s in primals)
        plain = [symbols[k] for k in sorted(self.plain)]
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
            Matching(self.low, place_of(self.low, function)).takes(
                function,
                len(plain) + 2,
                f"the rule of '{self.spec.name}'",
                "what is not differentiated, the primals, and the tangents",
            )
            block = self.read(function, [*plain, primals, tangents], finish, dots)
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
        self,
        function: Symbol,
        args: list[Symbol],
        finish: Callable[[Symbol], list[Arg]],
        own: Sequence[Value] = (),
    ) -> Block:
        """The block of a call, with the results that `finish` makes of what it returns.

        To the values of its `own` it may write.
        """
        low = self.low
        region = low.region()
        with low.places.inside(region), building(low, region):
            made = isinstance(function, functools.partial) and function.func == self._summed
            result = function(*args) if made else low.call(function, args, {})
            results = finish(low.memory.settled(result))
            roots = {low.memory.root(v) for v in own}
        if any(key[0] is not low.places.heap or key[1] not in roots for key in region.changes):
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
            copy, values = copied(self.low, symbol, f"'{self.names[k]}'")
            found += values
            symbols.append(copy)
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
