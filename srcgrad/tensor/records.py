"""What is remembered of eager operations: memory and its versions, values read, nodes of the graph."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from ..errors import SrcgradError

if TYPE_CHECKING:
    from ..ir.graph import Primitive


class TensorError(SrcgradError, RuntimeError):
    """A use of Tensors that PyTorch refuses too, or that would leave a gradient wrong."""


class Storage:
    """One piece of memory. `version` counts the writes to it through any Tensor that shares it."""

    __slots__ = ("sharers", "version")

    def __init__(self) -> None:
        self.version = 0
        self.sharers: WeakValueDictionary[int, Handle] | None = None

    def share(self, *tensors: Handle) -> None:
        """Remember that these Tensors look at this memory."""
        if self.sharers is None:
            self.sharers = WeakValueDictionary()
        for tensor in tensors:
            self.sharers[id(tensor)] = tensor

    def is_shared(self) -> bool:
        """Whether more than one living Tensor looks at this memory."""
        return self.sharers is not None and len(self.sharers) > 1


class Accumulator:
    """The place where a Tensor's gradient gathers: `grad` is None until something arrives."""

    __slots__ = ("grad",)

    def __init__(self) -> None:
        self.grad: Handle | None = None


class Reading:
    """The value of a leaf as operations read it: its memory, at one version."""

    __slots__ = ("accumulator", "array", "storage", "version")

    def __init__(
        self, array: np.ndarray, storage: Storage, accumulator: Accumulator | None
    ) -> None:
        self.array = array
        self.storage = storage
        self.version = storage.version
        self.accumulator = accumulator  # None where the leaf requires no gradient


class Handle:
    """What a Tensor holds.

    `node` made it, or is None for a leaf. `accumulator` is where its gradient goes: that of a leaf
    that requires one, or of another Tensor that retains its own.
    """

    __slots__ = (
        "__weakref__", "_accumulator", "_array", "_node", "_reading", "_required", "_storage",
    )  # fmt: skip

    _array: np.ndarray
    _storage: Storage
    _node: Node | None
    _required: bool
    _accumulator: Accumulator | None
    _reading: Reading | None

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this Tensor are recorded."""
        return self._required or self._node is not None


_numbers = itertools.count()


class Node:
    """One recorded operation: what ran, on what, and what came out.

    In `args` and `kwargs` a Node or a Reading stands for each Tensor; `operands` lists them, and the
    arrays beside them, in order. Numbers rise along the graph. `value` is None once `backward` has
    freed the node.
    """

    __slots__ = (
        "accumulator", "args", "kwargs", "label", "number", "operands", "primitive", "shown",
        "storage", "value", "version",
    )  # fmt: skip

    def __init__(
        self,
        label: str,
        primitive: Primitive | None,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        value: Any,
    ) -> None:
        self.number = next(_numbers)
        self.label = label
        self.primitive = primitive
        self.args = args
        self.kwargs = kwargs
        self.operands = [*operands_in(args), *operands_in(kwargs)]
        self.value = value
        self.storage: Storage | None = None
        self.version = 0
        self.accumulator: Accumulator | None = None  # where the Tensor retains its gradient
        self.shown: str | None = None

    @property
    def is_freed(self) -> bool:
        return self.value is None

    def free(self) -> None:
        """Let go of everything that was kept for the backward sweep."""
        self.value = None
        self.args, self.kwargs, self.operands = (), {}, []


def is_record(value: Any) -> bool:
    """Whether a value is an instance of a dataclass, the fields of which may hold Tensors."""
    return hasattr(type(value), "__dataclass_fields__")


ATOMS = frozenset({bool, int, float, complex, str, type(None), type(Ellipsis), np.ndarray, Reading})


def operands_in(arg: Any) -> Iterator[Any]:
    """The nodes, readings and arrays that recorded arguments hold, in order."""
    if isinstance(arg, Node | Reading | np.ndarray | np.generic):
        yield arg
    elif type(arg) in ATOMS:
        return
    elif isinstance(arg, tuple | list):
        for item in arg:
            yield from operands_in(item)
    elif isinstance(arg, dict):
        for item in arg.values():
            yield from operands_in(item)
    elif isinstance(arg, slice):
        yield from operands_in((arg.start, arg.stop, arg.step))
    elif is_record(arg):
        yield from operands_in([getattr(arg, name) for name in arg.__dataclass_fields__])


def rebuilt(arg: Any, change: Callable[[Any], Any]) -> Any:
    """A structure of arguments with `change` applied to everything in it that is no structure."""
    if type(arg) in ATOMS or isinstance(arg, Handle):
        return change(arg)
    if isinstance(arg, tuple):
        items = [rebuilt(item, change) for item in arg]
        return type(arg)(*items) if hasattr(arg, "_fields") else tuple(items)
    if isinstance(arg, list):
        return [rebuilt(item, change) for item in arg]
    if isinstance(arg, dict):
        return {key: rebuilt(item, change) for key, item in arg.items()}
    if isinstance(arg, slice):
        return slice(*(rebuilt(part, change) for part in (arg.start, arg.stop, arg.step)))
    if is_record(arg):
        new = copy.copy(arg)
        for name in arg.__dataclass_fields__:
            object.__setattr__(new, name, rebuilt(getattr(arg, name), change))
        return new
    return change(arg)


def owner(array: np.ndarray) -> Any:
    """The object whose memory an array looks at.

    >>> a = np.zeros(4)
    >>> owner(a[1:].reshape(3, 1)) is a
    True
    """
    found: Any = array
    while isinstance(found, np.ndarray) and found.base is not None:
        found = found.base
    return found


def check_version(record: Any) -> None:
    """Refuse a value that was changed in place since it was recorded.

    Raises
    ------
    TensorError
        If there was a write to its memory through any Tensor.
    """
    storage = record.storage if isinstance(record, Reading | Node) else None
    if storage is not None and storage.version != record.version:
        array = record.array if isinstance(record, Reading) else record.value
        raise TensorError(
            "one of the variables needed for gradient computation has been modified by an inplace "
            f"operation: a Tensor of shape {np.shape(array)} is at version {storage.version}; "
            f"expected version {record.version} instead",
            cure="change it after backward(), or compute with a copy: x.clone()",
        )
