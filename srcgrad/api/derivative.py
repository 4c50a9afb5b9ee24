"""What `grad` returns: a function that srcgrad generates from another, once per kind of arguments."""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import SrcgradError, StructureError
from ..kinds import OPERATORS

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from ..calls.lookup import Binder, Programs, Recent
    from ..ir.graph import Function
    from ..ir.types import Facts
    from ..pipeline import Program

Argnums = int | str | Sequence[int | str]


@functools.cache
def road() -> ModuleType:
    """The pipeline, imported when it is first needed."""
    from .. import pipeline
    from ..nested import operators as nested

    nested.install(OPERATORS)
    return pipeline


@functools.cache
def shared_programs() -> Recent[Any]:
    """The programs of the functions that were differentiated last: `grad(f)(x)` made twice is one."""
    from ..calls.lookup import Recent

    return Recent(64)


class Transformed:
    """A function that srcgrad generates from another: what `grad`, `hessian`, `hvp` and so on return.

    Call it like the function itself. `source` is the generated text for any real numbers and arrays,
    `specialize(*args).source` the text that runs for these arguments.
    """

    __srcgrad_transform__ = True
    operator = ""  # which graph transform it is, in operators.TRANSFORMS

    def __init__(self, function: Callable[..., Any], argnums: Argnums, **options: Any) -> None:
        self.function = function
        self.options: dict[str, Any] = {"argnums": argnums, **options}
        if not callable(function) and not isinstance(function, staticmethod | classmethod):
            raise SrcgradError(
                f"{self.called} takes a function, and this is an object of type "
                f"{type(function).__name__!r}",
                cure="pass the function itself, not the result of calling it",
            )
        self.argnums = self.options["argnums"] = _normal(argnums)
        self._programs: Programs[Program] | None = None
        self._bound: Recent[Transformed] | None = None
        self._home: tuple[Any, str] | None = None  # the object and the name that give it, if bound
        self._in_class: str | None = None
        functools.update_wrapper(self, function, updated=())
        self.__wrapped__ = function

    @property
    def called(self) -> str:
        """The name of the operator, as it was called."""
        return self.operator

    def again(self, function: Callable[..., Any], argnums: Argnums) -> Transformed:
        """The same operator of another function."""
        return type(self)(function, **{**self.options, "argnums": argnums})

    # -- how its parameters differ from the function's -------------------------------------------

    def rebound(self, binder: Binder) -> Binder:
        """What binds the arguments of a call, given what binds those of the function."""
        return binder

    def inner(self, given: Mapping[str, Facts] | None) -> Mapping[str, Facts] | None:
        """What is known of the function's arguments, given what is known of this one's."""
        return given

    # -- what it shows --------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The generated source for any real numbers and arrays, as a module."""
        return self._all_programs().general(None).generated.text

    @property
    def graph(self) -> Function:
        """The graph that the source was written from; it prints."""
        return self._all_programs().general(None).graph

    def specialize(self, *args: Any, **kwargs: Any) -> Specialized:
        """The program that runs for arguments like these."""
        program, given = self._all_programs().program(self._bind(args, kwargs))
        return Specialized(self, program, given)

    def save(self, path: str | Path) -> None:
        """Write the generated source as a module of its own, which needs NumPy alone.

        Classes of yours that it makes instances of, and functions that it calls without reading them,
        are imported from where they are.

        Raises
        ------
        SrcgradError
            If it reads a function or a value that no import reaches.
        """
        save(self._all_programs().general(None), path)

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", repr(self.function))
        return f"<{self.called} of {name} with respect to {self.argnums!r}>"

    # -- as a method, pickled, copied -----------------------------------------------------------

    def __set_name__(self, owner: type, name: str) -> None:
        self._in_class = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        get = getattr(type(self.function), "__get__", None)
        if get is None:
            return self
        from ..calls.lookup import ByIdentity, Recent

        if self._bound is None:
            self._bound = Recent(64)
        key = (ByIdentity(instance), owner)
        bound = self._bound.get(key)
        if bound is None:
            function = get(self.function, instance, owner)
            unbound = function is self.function and self._in_class is not None
            argnums = _after_self(self.argnums) if unbound else self.argnums
            bound = self.again(function, argnums)
            if self._in_class is not None:
                bound._home = (owner if instance is None else instance, self._in_class)
            self._bound.put(key, bound)
        return bound

    def __reduce__(self) -> Any:
        if self._home is not None:
            return getattr, self._home
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in getattr(self, "__qualname__", "").split("."):
            found = getattr(found, part, None)
        if found is self:
            return self.__qualname__
        return _restore, (type(self), self.function, self.options)

    # -- calling --------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        programs = self._programs or self._all_programs()
        bound = programs.bind(*args, **kwargs)
        key = programs.key_of(bound)
        program = programs.get(key) or programs.made(key, bound)
        return program.run(*bound)

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """One value per parameter; wrong counts and names are reported as Python reports them."""
        return self._all_programs().bind(*args, **kwargs)

    def _given(self, bound: tuple[Any, ...]) -> dict[str, Facts]:
        return self._all_programs().facts(bound)

    def _all_programs(self) -> Programs[Program]:
        if self._programs is None:
            self._programs = _programs_of(self)
        return self._programs


class Derivative(Transformed):
    """What `grad` and `value_and_grad` return."""

    operator = "gradient"

    def __init__(
        self,
        function: Callable[..., Any],
        argnums: Argnums,
        *,
        value: bool = False,
        has_aux: bool = False,
        holomorphic: bool = False,
    ) -> None:
        self.value = value
        self.has_aux = has_aux
        self._writing: Programs[Program] | None = None  # the programs that write into buffers
        super().__init__(function, argnums, value=value, has_aux=has_aux, holomorphic=holomorphic)

    @property
    def called(self) -> str:
        return "value_and_grad" if self.value else "grad"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The gradient; with `out=`, in these arrays, structured as it is.

        `out` is the function's own argument where it has one of that name.
        """
        programs = self._programs or self._all_programs()
        if "out" in kwargs and "out" not in programs.names:
            return self._written(kwargs.pop("out"), args, kwargs)
        bound = programs.bind(*args, **kwargs)
        key = programs.key_of(bound)
        program = programs.get(key)
        if program is None:
            apply = _applier(bound)
            if apply is not None:
                return apply(self, args, kwargs)
            program = programs.made(key, bound)
        return program.run(*bound)

    def _written(self, out: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The gradient, written into `out`."""
        from ..calls.buffers import arrays_in, check_buffers
        from ..calls.lookup import Programs, picked

        if self._writing is None:
            make = functools.partial(
                road().gradient_program, self.function, into=True, **self.options
            )
            self._writing = Programs(self._all_programs().bind, make)
        programs = self._writing
        bound = programs.bind(*args, **kwargs)
        if _applier(bound) is not None:
            raise SrcgradError(
                "out= is for arrays; what is asked for here is the gradient of a Tensor",
                cure="call backward(), which adds to the memory of .grad",
            )
        check_buffers(out, picked(self.argnums, programs.bind, bound), arrays_in(list(bound)))
        key = programs.key_of(bound)
        program = programs.get(key) or programs.made(key, bound)
        return program.run(*bound, out)


class Specialized:
    """One generated program, for arguments of one kind."""

    def __init__(
        self, derivative: Transformed, program: Program, given: Mapping[str, Facts]
    ) -> None:
        self._derivative = derivative
        self._program = program
        self._given = given
        self.source = program.generated.text
        self.graph = program.graph

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program.

        Raises
        ------
        StructureError
            For arguments that another program is generated for.
        """
        bound = self._derivative._bind(args, kwargs)
        given = self._derivative._given(bound)
        for name, facts in given.items():
            if facts != self._given[name]:
                raise StructureError(
                    f"this program is for {name}: {self._given[name]}, not for {name}: {facts}",
                    cure="call the derivative itself, which finds the program to run",
                )
        return self._program.run(*bound)

    def save(self, path: str | Path) -> None:
        """Write this program as a module of its own, as `Derivative.save` does.

        Raises
        ------
        SrcgradError
            If it reads a function or a value that no import reaches.
        """
        save(self._program, path)

    def __repr__(self) -> str:
        return f"<generated {self._program.generated.name}>"


def save(program: Program, path: str | Path) -> None:
    """Write a program as a module of its own."""
    from pathlib import Path

    from ..codegen.save import standalone

    Path(path).write_text(standalone(program.generated, program.graph), encoding="utf-8")


def _programs_of(derivative: Transformed) -> Programs[Program]:
    from ..calls.lookup import Programs, hashable, identity_of

    shared, f, options = shared_programs(), derivative.function, derivative.options
    key = (identity_of(f), derivative.operator, *map(hashable, options.values()))
    programs: Programs[Program] | None = shared.get(key)
    if programs is None:
        make = functools.partial(road().program_of, derivative)
        programs = Programs(road().binder(derivative), make)
        shared.put(key, programs)
    return programs


def _normal(argnums: Any) -> int | str | tuple[int | str, ...]:
    """`argnums` as plain numbers and names."""
    if isinstance(argnums, str):
        return argnums
    if isinstance(argnums, tuple | list | range):
        return tuple(a for each in argnums for a in [_normal(each)] if not isinstance(a, tuple))
    if not isinstance(argnums, bool) and hasattr(argnums, "__index__"):
        return operator.index(argnums)
    raise SrcgradError(
        f"argnums is {argnums!r}",
        cure="give the number or the name of an argument, or a tuple of these",
    )


def _after_self(argnums: Argnums) -> Argnums:
    """The arguments of a method, for the function it is, which takes the object, too."""
    if isinstance(argnums, int):
        return argnums + 1 if argnums >= 0 else argnums
    if isinstance(argnums, str):
        return argnums
    return tuple(a + 1 if isinstance(a, int) and a >= 0 else a for a in argnums)


def _applier(value: Any) -> Callable[..., Any] | None:
    """How a type of argument has derivatives applied to it, if one of the arguments has such a type.

    A Tensor has: it wants the value now, and the gradient when `backward()` is called.
    """
    apply: Callable[..., Any] | None = getattr(type(value), "__srcgrad_apply__", None)
    if apply is not None:
        return apply
    parts: Iterable[Any] = ()
    if isinstance(value, tuple | list):
        parts = value
    elif isinstance(value, dict):
        parts = value.values()
    elif hasattr(type(value), "__dataclass_fields__"):
        parts = [getattr(value, name) for name in value.__dataclass_fields__]
    return next((apply for part in parts if (apply := _applier(part)) is not None), None)


def _restore(
    kind: type[Transformed], function: Callable[..., Any], options: Mapping[str, Any]
) -> Transformed:
    return kind(function, **options)


def binder_of(function: Callable[..., Any]) -> Binder:
    """What binds the arguments of a call, made once."""
    from ..calls.lookup import identity_of

    shared, key = shared_programs(), ("binder", identity_of(function))
    found: Binder | None = shared.get(key)
    if found is None:
        found = road().binder(function)
        shared.put(key, found)
    return found


def parameters_given(count: int, star: int | None) -> int:
    """To how many parameters so many arguments by position go; the others keep their defaults."""
    return count if star is None else min(count, star + 1)
