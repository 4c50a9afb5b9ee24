"""What a derivative is asked for: arguments by number or name, of one number; and what has none."""

from __future__ import annotations

from collections.abc import Sequence

from ..autodiff.reverse import Wanted
from ..calls.conform import is_differentiable
from ..errors import NotDifferentiable, NotScalar, SrcgradError
from ..ir.graph import Function
from ..ir.types import UNKNOWN, Facts

Argnums = int | str | Sequence[int | str]


def listed(argnums: Argnums) -> Sequence[int | str]:
    """The numbers and names, also where there is only one."""
    return [argnums] if isinstance(argnums, int | str) else argnums


def wanted_of(function: Function, argnums: Sequence[int | str]) -> list[Wanted]:
    """The parameters, or entries of `*args` and `**kwargs`, that a derivative is asked for.

    Numbers count positional arguments, as a caller gives them, negative ones from the end.

    Raises
    ------
    SrcgradError
        For a number or a name that the function has no argument for.
    """
    return [_named(function, a) if isinstance(a, str) else _numbered(function, a) for a in argnums]


def _numbered(function: Function, argnum: int) -> Wanted:
    kinds = [p.kind for p in function.signature]
    plain = [k for k, kind in enumerate(kinds) if kind.startswith("POSITIONAL")]
    star = kinds.index("VAR_POSITIONAL") if "VAR_POSITIONAL" in kinds else None
    given = function.params[star].facts.items if star is not None else ()
    count = None if given is None else len(plain) + len(given)  # None before any call
    place = argnum + count if argnum < 0 and count is not None else argnum
    if 0 <= place < len(plain):
        return Wanted(plain[place])
    if star is not None and place >= len(plain) and (count is None or place < count):
        return Wanted(star, place - len(plain))
    name = called(function)
    if count is None:
        problem = f"argument number {argnum} of {name} depends on how many it is called with"
    elif star is not None:
        problem = f"{name} was called with {count} positional arguments; none is number {argnum}"
    else:
        problem = f"{name} has no positional parameter number {argnum}"
    names = ", ".join(function.signature[k].name for k in plain)
    cure = f"count {names} from 0, or name one of them" if names else "name an argument"
    raise SrcgradError(problem, function.location, cure=cure)


def _named(function: Function, name: str) -> Wanted:
    names = [p.name for p in function.signature]
    if name in names:
        return Wanted(names.index(name))
    kinds = [p.kind for p in function.signature]
    if "VAR_KEYWORD" in kinds:
        position = kinds.index("VAR_KEYWORD")
        keys = function.params[position].facts.keys
        if keys is None or name in keys:
            return Wanted(position, name)
        problem = f"{called(function)} was called without an argument {name!r}"
        names += [str(k) for k in keys]
    else:
        problem = f"{called(function)} has no parameter {name!r}"
    raise SrcgradError(problem, function.location, cure=f"name one of {', '.join(names)}")


def facts_of_wanted(function: Function, wanted: Wanted) -> Facts:
    """What is known of an argument that a derivative is asked for."""
    facts = function.params[wanted.position].facts
    if wanted.entry is None:
        return facts
    if facts.items is None:
        return facts.element or UNKNOWN
    keys = facts.keys if facts.keys is not None else range(len(facts.items))
    return facts.items[list(keys).index(wanted.entry)]


def called(function: Function) -> str:
    """What messages call a function: as its source does."""
    where = function.location
    return where.function if where is not None and where.function else function.name


def describe(facts: Facts) -> str:
    """What a value is, for messages.

    >>> from ..ir.types import array, facts_of
    >>> describe(facts_of(3)), describe(array("int64")), describe(facts_of("a"))
    ('an integer', 'an array of int64', 'a string')
    """
    if facts.kind == "array":
        return f"an array of {facts.dtype}"
    plain = {
        "int": "an integer", "bool": "a truth value", "str": "a string", "none": "None",
        "object": "an object", "complex": "a complex number", "float": "a float",
    }  # fmt: skip
    if facts.cls is not None and facts.kind in ("opaque", "object"):
        return f"an object of type {facts.cls.__name__!r}"
    return plain.get(facts.kind, f"a {facts.kind}")


def check_arguments(function: Function, wanted: Sequence[Wanted]) -> None:
    """Refuse to differentiate with respect to integers, strings and the like.

    Raises
    ------
    NotDifferentiable
        Naming the argument, what it is, and what to pass instead.
    """
    for one in wanted:
        facts = facts_of_wanted(function, one)
        if is_differentiable(facts):
            continue
        parameter = function.signature[one.position].name
        name = parameter if one.entry is None else str(one.entry)
        if isinstance(one.entry, int):
            name = f"{parameter}[{one.entry}]"
        cure = "differentiate with respect to another argument, by argnums"
        if facts.kind in ("int", "bool"):
            cure = "pass a float, for instance 3.0 for 3"
        elif facts.kind == "array":
            cure = f"pass floats, for instance {name}.astype(float)"
        elif facts.kind in ("list", "tuple", "dict", "object") and facts.items:
            cure = "put floats into it, for instance 3.0 for 3"
        elif facts.kind == "opaque":
            cure = (
                "make its class a dataclass, or pass the numbers and arrays themselves, "
                "alone or in lists, tuples and dicts"
            )
        what = describe(facts)
        if facts.items:
            what = f"a {facts.kind} without any float in it"
        raise NotDifferentiable(
            f"argument {name!r} of {called(function)} is {what}, which has no derivative",
            function.location,
            cure=cure,
        )


def check_scalar(function: Function, facts: Facts) -> None:
    """Refuse to take the gradient of what is known not to be one real number.

    Raises
    ------
    NotScalar, NotDifferentiable
        Saying what the function returns, and what to return instead.
    """
    where, name = function.location, called(function)
    if facts.kind in ("tuple", "list", "dict", "object"):
        raise NotScalar(
            f"{name} returns {'an' if facts.kind == 'object' else 'a'} {facts.kind}; "
            "a gradient is taken of one number",
            where,
            cure="return the loss alone, or (loss, anything else) with has_aux=True",
        )
    if facts.kind == "none":
        raise NotScalar(f"{name} returns nothing", where, cure="return the loss")
    if facts.kind == "undefined":
        raise NotScalar(f"{name} never returns", where, cure="return the loss on some path")
    if facts.ndim:
        raise NotScalar(
            f"{name} returns an array of shape {facts.shape_text()}; a gradient is taken of one number",
            where,
            cure="sum it, for instance with np.sum, or use srcgrad.vjp",
        )
    if not is_differentiable(facts) and facts.kind != "opaque":
        cure = "return a float"
        what = facts.dtype if facts.dtype is not None else describe(facts)
        raise NotDifferentiable(f"{name} returns {what}, which has no derivative", where, cure=cure)
    if facts.kind == "complex" or facts.dtype in ("complex64", "complex128"):
        raise NotScalar(
            f"{name} returns a complex number; a gradient is taken of one real number",
            where,
            cure="return a real number, for instance np.real(z) or np.abs(z); of a holomorphic "
            "function, ask for the derivative with holomorphic=True",
        )


def check_holomorphic(function: Function, facts: Facts) -> None:
    """Refuse the derivative of a holomorphic function where what is returned is no complex number.

    Raises
    ------
    NotScalar, NotDifferentiable
        Saying what the function returns, and what to return instead.
    """
    where, name = function.location, called(function)
    if facts.kind in ("complex", "unknown") or (facts.dtype or "").startswith("complex"):
        if not facts.ndim:
            return
        raise NotScalar(
            f"{name} returns an array of shape {facts.shape_text()}; a gradient is taken of one number",
            where,
            cure="sum it, for instance with np.sum, or use srcgrad.jacobian",
        )
    raise NotDifferentiable(
        f"{name} returns {describe(facts)}, and holomorphic=True is for functions of complex numbers "
        "that return one",
        where,
        cure="leave holomorphic out",
    )


def check_real(function: Function, arguments: Sequence[Facts], result: Facts | None) -> None:
    """Refuse derivatives by complex numbers, and of complex `result`s row by row, which are no matrices.

    Raises
    ------
    NotDifferentiable
        Saying what to do instead.
    """
    if any(map(holds_complex, arguments)):
        raise NotDifferentiable(
            f"{called(function)} takes complex numbers, by which there is no one derivative",
            function.location,
            cure="take the real and the imaginary part as arguments of their own, or use srcgrad.jvp",
        )
    if result is not None and holds_complex(result):
        raise NotDifferentiable(
            f"{called(function)} returns complex numbers, of which this would see the real part alone",
            function.location,
            cure="use srcgrad.jacfwd or jvp, or return the real and the imaginary part",
        )


def holds_complex(facts: Facts) -> bool:
    """Whether there are complex numbers in a value."""
    parts = facts.items or (() if facts.element is None else (facts.element,))
    return facts.is_complex or any(map(holds_complex, parts))


def only_the_call_tells(facts: Facts) -> bool:
    """Whether a result that passes `check_scalar` may still not be one real number."""
    return not facts.is_scalar


def refusal(name: str) -> str:
    """What generated code says where only the call tells that a result is not one number."""
    return f"{name} must return one number"
