"""`vmap`: a function of one example, applied to many at once, as generated source."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SrcgradError, StructureError
from ..kinds import OPERATORS
from .derivative import Specialized, road

if TYPE_CHECKING:
    from ..calls.lookup import Binder, Programs
    from ..ir.graph import Block, Function
    from ..ir.types import Facts
    from ..pipeline import Program

__all__ = ["Vmapped", "vmap"]

Axes = Any  # an axis, None, or a tuple of these, one per entry of a container
AUTO = "auto"


class Vmapped:
    """A function applied to many examples at once: what `vmap` returns."""

    __srcgrad_transform__ = True

    def __init__(self, function: Callable[..., Any], in_axes: Any, out_axes: int) -> None:
        if not callable(function):
            raise SrcgradError(
                f"vmap takes a function, and this is an object of type {type(function).__name__!r}",
                cure="pass the function itself, not the result of calling it",
            )
        if isinstance(in_axes, list):
            in_axes = tuple(in_axes)
        _check_axes(in_axes, "in_axes")
        if isinstance(out_axes, bool) or not isinstance(out_axes, int):
            raise SrcgradError(f"out_axes is {out_axes!r}", cure="give one axis, such as 0 or -1")
        self.function = function
        self.in_axes = in_axes
        self.out_axes = out_axes
        self._programs: dict[Hashable, Programs[Program]] = {}
        self._binder: Binder | None = None
        functools.update_wrapper(self, function, updated=())
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound, programs, _ = self._prepared(args, kwargs)
        key = programs.key_of(bound)
        program = programs.get(key) or programs.made(key, bound)
        return program.run(*bound)

    def specialize(self, *args: Any, **kwargs: Any) -> Specialized:
        """The program that runs for arguments like these; it has `source` and `graph`."""
        bound, programs, _ = self._prepared(args, kwargs)
        program, given = programs.program(bound)
        return Specialized(self, program, given)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", repr(self.function))
        return f"<vmap of {name} over the axes {self.in_axes!r}>"

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        return self._prepared(args, kwargs)[0]

    def _given(self, bound: tuple[Any, ...]) -> dict[str, Facts]:
        return next(iter(self._programs.values())).facts(bound)

    def _prepared(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], Programs[Program], tuple[Axes, ...]]:
        """One value per parameter, the programs for such calls, and the axes of each parameter."""
        from ..calls.lookup import Programs

        bind = self._binder = self._binder or road().binder(self.function)
        bound = bind(*args, **kwargs)
        axes = self._axes(bind, args, kwargs)
        found = tuple(
            _matched(value, wanted, name)
            for value, wanted, name in zip(bound, axes, bind.__names__, strict=True)
        )
        _check_sizes(bound, found, bind.__names__)
        programs = self._programs.get(found)
        if programs is None:
            make = functools.partial(self._make, axes=found)
            programs = self._programs[found] = Programs(bind, make)
        return bound, programs, found

    def _axes(self, bind: Binder, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """What `in_axes` says of each parameter: of one by keyword, the first axis."""
        given = self.in_axes
        if not isinstance(given, tuple):
            given = (given,) * len(args)
        elif len(given) != len(args):
            raise StructureError(
                f"vmap was given in_axes for {len(given)} arguments, and called with {len(args)}",
                cure="give in_axes one entry for each argument that is passed by position",
            )
        marked = bind(*map(_Marked, given), **{k: _Marked(0) for k in kwargs})
        return [_unmarked(m) for m in marked]

    def _make(self, given: Mapping[str, Facts], axes: tuple[Axes, ...]) -> Program:
        """The program for arguments of these facts."""
        from dataclasses import replace

        from ..calls.overlap import keeping_apart
        from ..ir.rewrite import map_bodies
        from ..optimize.passes import optimize

        graph, examples = self._graph(given, axes)
        made = map_bodies(optimize(map_bodies(graph, as_made)), as_written)
        lines = _header(examples, given)
        program: Program = road().finish(made, lines)
        return replace(program, run=keeping_apart(program.run, examples))

    def graph_for(self, given: Mapping[str, Facts] | None) -> Function:
        """Its graph for arguments of these facts, to be transformed further."""
        if given is None:
            raise SrcgradError(
                "the source of a derivative of vmap depends on the number of axes of its arguments",
                cure="call it, or use specialize(*args)",
            )
        if isinstance(self.in_axes, tuple):
            axes = [*self.in_axes, *[None] * (len(given) - len(self.in_axes))]
        else:
            axes = self._axes_of_all(given)
        found = tuple(
            _matched_facts(facts, each, name)
            for (name, facts), each in zip(given.items(), axes, strict=True)
        )
        return self._graph(given, found)[0]

    def _axes_of_all(self, given: Mapping[str, Facts]) -> list[Any]:
        """The axes where one stands for all: a default that nobody may have passed is shared.

        Raises
        ------
        StructureError
            Where an array may be the default or an argument: nobody has said which.
        """
        import numpy as np

        from ..frontend.parameters import signature_of
        from ..ir.types import CONTAINERS, NUMERIC

        axes: list[Any] = []
        for parameter in signature_of(self.function):
            facts = given[parameter.name]
            plain = facts.kind in NUMERIC and facts.dims == ()
            if parameter.has_default and (plain or facts.kind not in (*NUMERIC, *CONTAINERS)):
                axes.append(None)
                continue
            if parameter.has_default and isinstance(
                parameter.default, np.ndarray | list | tuple | dict
            ):
                raise StructureError(
                    f"whether examples of {parameter.name} are given here, or its default for all of "
                    "them, is not known where vmap is handed to another operator",
                    cure="give in_axes an entry for each argument, for instance (0, None)",
                )
            axes.append(self.in_axes)
        return axes

    def rebound(self, binder: Binder) -> Binder:
        """What binds the arguments of a call: the same as for the function."""
        return binder

    def _graph(
        self, given: Mapping[str, Facts], axes: tuple[Axes, ...]
    ) -> tuple[Function, Function]:
        """The graph over all examples, and that of one."""
        from ..autodiff.vmap import one_of, sizes_of, vmapped

        ones = {
            name: one_of(facts, each)
            for (name, facts), each in zip(given.items(), axes, strict=True)
        }
        sizes = [s for f, a in zip(given.values(), axes, strict=True) for s in sizes_of(f, a)]
        graph = road().primal(self.function, ones)
        return vmapped(graph, axes, self.out_axes, sizes[0]), graph


class _Marked:
    """An entry of `in_axes` on its way through the binder."""

    def __init__(self, axes: Any) -> None:
        self.axes = axes


def _unmarked(value: Any) -> Any:
    """The axes that arrived at a parameter; a default that nobody passed is shared."""
    if isinstance(value, _Marked):
        return value.axes
    if isinstance(value, tuple) and any(isinstance(v, _Marked) for v in value):
        return tuple(_unmarked(v) for v in value)
    if isinstance(value, dict) and any(isinstance(v, _Marked) for v in value.values()):
        return {k: _unmarked(v) for k, v in value.items()}
    return None


def _check_axes(axes: Any, where: str) -> None:
    if axes is None or (isinstance(axes, int) and not isinstance(axes, bool)):
        return
    if isinstance(axes, tuple | list):
        for k, each in enumerate(axes):
            _check_axes(each, f"{where}[{k}]")
    elif isinstance(axes, dict):
        for key, each in axes.items():
            _check_axes(each, f"{where}[{key!r}]")
    else:
        raise StructureError(
            f"{where} is {axes!r}", cure="give an axis, None, or a tuple, list or dict of these"
        )


def _entries(value: Any) -> list[tuple[str, Any]] | None:
    """The entries of a container, with how each is written; None of what is none."""
    if isinstance(value, Mapping):
        return [(f"[{k!r}]", v) for k, v in value.items()]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return [(f".{k}", v) for k, v in zip(value._fields, value, strict=True)]
    if isinstance(value, list | tuple):
        return [(f"[{k}]", v) for k, v in enumerate(value)]
    if hasattr(type(value), "__dataclass_fields__") and not isinstance(value, type):
        return [(f".{k}", getattr(value, k)) for k in type(value).__dataclass_fields__]
    return None


def _matched(value: Any, axes: Any, name: str) -> Axes:
    """The axes of each number of an argument, none negative; of a container, a tuple of its entries'.

    Raises
    ------
    StructureError
        Where `in_axes` has another structure than the argument, or an axis that it has not.
    """
    parts = _entries(value)
    if parts is not None:
        if axes is None:
            return None
        if isinstance(axes, int):
            each: list[Any] = [axes] * len(parts)
        else:
            wanted = _entries(axes) or []
            if (
                isinstance(axes, dict)
                and isinstance(value, Mapping)
                and axes.keys() == value.keys()
            ):
                wanted = [(k, axes[k]) for k in value]
            elif len(wanted) != len(parts) or isinstance(axes, dict):
                raise StructureError(
                    f"in_axes for {name} is {axes!r}, which has not the structure of the argument: "
                    f"{_shown(value)}",
                    cure="give one axis for all of it, or the same containers with an axis each",
                )
            each = [a for _, a in wanted]
        found = tuple(
            _matched(v, a, f"{name}{key}") for (key, v), a in zip(parts, each, strict=True)
        )
        return found if any(f is not None for f in found) else None
    if axes is None:
        return None
    if not isinstance(axes, int):
        raise StructureError(
            f"in_axes for {name} is {axes!r}, where the argument is {_shown(value)}",
            cure="give one axis, or None",
        )
    if value is None or isinstance(value, str):
        return None
    rank = np.ndim(value) if isinstance(value, np.ndarray) else 0
    if not -rank <= axes < rank:
        raise StructureError(
            f"vmap was to take the examples of {name} along axis {axes}, but it is {_shown(value)}, "
            f"which has {rank} {'axis' if rank == 1 else 'axes'}",
            cure=f"pass an array with the examples along an axis, or None in in_axes to share {name}",
        )
    return axes % rank


def _matched_facts(facts: Facts, axes: Any, name: str) -> Axes:
    """`_matched` for what is known of an argument."""
    if axes is None or facts.kind in ("none", "str", "function", "opaque"):
        return None
    if facts.items is not None:
        parts = [axes] * len(facts.items) if isinstance(axes, int) else list(_parts(axes))
        if len(parts) != len(facts.items):
            raise StructureError(f"in_axes for {name} is {axes!r}, which has not its structure")
        found = tuple(
            _matched_facts(f, a, f"{name}[{k}]")
            for k, (f, a) in enumerate(zip(facts.items, parts, strict=True))
        )
        return found if any(f is not None for f in found) else None
    rank = facts.ndim or 0
    if not isinstance(axes, int) or not -rank <= axes < rank:
        raise StructureError(
            f"vmap was to take the examples of {name} along {axes!r}, and it has {rank} axes",
            cure=f"pass an array, or None in in_axes to share {name}",
        )
    return axes % rank


def _parts(axes: Any) -> Any:
    return axes.values() if isinstance(axes, dict) else axes


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"a {type(value).__name__} {value!r}"


def _leaves(value: Any, axes: Axes, name: str) -> Iterator[tuple[str, Any, int]]:
    """The batched arrays of an argument, with their names and axes."""
    if isinstance(axes, tuple):
        for (key, part), each in zip(_entries(value) or [], axes, strict=True):
            yield from _leaves(part, each, f"{name}{key}")
    elif axes is not None:
        yield name, value, axes


def _check_sizes(bound: tuple[Any, ...], axes: tuple[Axes, ...], names: tuple[str, ...]) -> None:
    found = [
        (name, np.shape(leaf), axis, np.shape(leaf)[axis])
        for value, each, parameter in zip(bound, axes, names, strict=True)
        for name, leaf, axis in _leaves(value, each, parameter)
    ]
    if not found:
        raise StructureError(
            "vmap was given nothing to take examples from: every entry of in_axes is None",
            cure="give the axis of at least one argument",
        )
    if len({size for *_, size in found}) > 1:
        told = ", ".join(
            f"{name} of shape {shape} has {size} along axis {axis}"
            for name, shape, axis, size in found
        )
        raise StructureError(
            f"vmap got different numbers of examples: {told}",
            cure="pass arrays with as many examples each, or None in in_axes for what is shared",
        )


def as_made(block: Block) -> Block:
    """The block with all of it marked as a transformation's, so that it is tidied as adjoints are.

    What was so before is marked as derived, and says no more which line of the user's it belongs to.
    """
    from dataclasses import replace

    from ..ir.graph import Block

    ops = tuple(
        replace(
            op,
            adjoint=True,
            derived=op.ours,
            location=None if op.ours else op.location,
            blocks=tuple(map(as_made, op.blocks)),
        )
        for op in block.ops
    )
    return Block(block.params, ops, block.results)


def as_written(block: Block) -> Block:
    """The block with the user's own lines told apart again: they are printed as they were written."""
    from dataclasses import replace

    from ..ir.graph import Block

    ops = tuple(
        replace(op, adjoint=op.derived, blocks=tuple(map(as_written, op.blocks)))
        for op in block.ops
    )
    return Block(block.params, ops, block.results)


def _header(graph: Function, given: Mapping[str, Facts]) -> list[str]:
    parts = ", ".join(f"{name}: {facts}" for name, facts in given.items())
    return [f"{graph.name} of many examples at once, generated by srcgrad.", f"For {parts}."]


def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: int = 0) -> Vmapped:
    """A function of one example, applied to many at once: without a loop wherever NumPy needs none.

    Parameters
    ----------
    function : callable
        A function of one example; a gradient, too: `vmap(grad(loss), in_axes=(None, 0))` gives the
        gradient at each example.
    in_axes : int, None, or a tuple of these
        Along which axis the examples of each argument lie; None for an argument that all examples
        share. Of a container, the axis of all arrays in it, or a container of axes. Arguments by
        keyword have their examples along the first axis.
    out_axes : int
        Along which axis the results of the examples are stacked.

    Raises
    ------
    StructureError
        If the arguments have different numbers of examples, or `in_axes` is not structured as they are.
    UnsupportedSyntax, MissingRule
        At the first call: what stands in the way, and where.

    Examples
    --------
    >>> vmap(lambda x: np.sum(x * x))(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([ 5., 25.])
    """
    return Vmapped(function, in_axes, out_axes)


OPERATORS[vmap] = None
