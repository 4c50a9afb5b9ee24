"""What Python's own syntax does to Tensors: operators, indexing, updates in place, conversions."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from ..errors import StructureError
from .records import Handle, Node, Storage, TensorError
from .values import is_recorded, plain

# What may stand beside a Tensor in an expression.
OPERANDS = (Handle, np.ndarray, np.generic, int, float, complex, list, tuple)


@functools.cache
def recorder() -> Any:
    """The module that runs and records operations, loaded when the first one comes."""
    from . import record

    return record


def call(make: Any, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `function` gives for these arguments, recorded where it has to be."""
    return recorder().call(make, function, args, kwargs)


def _binary(function: Callable[..., Any], swapped: bool = False) -> Callable[[Any, Any], Any]:
    def method(self: Operators, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        if isinstance(other, list | tuple):
            other = np.asarray(other)  # a list times a number would repeat the list
        return call(self._make, function, (other, self) if swapped else (self, other), {})

    return method


def _unary(function: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda self: call(self._make, function, (self,), {})


def _updating(function: Callable[..., Any], ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    def method(self: Operators, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        return self._update(function, ufunc, other)

    return method


class Operators(Handle):
    """The operators of a Tensor. `_make` makes a Tensor of an array."""

    __slots__ = ()
    __hash__ = object.__hash__

    @staticmethod
    def _make(array: np.ndarray, storage: Storage, node: Node | None) -> Any:
        raise NotImplementedError

    __add__, __radd__ = _binary(operator.add), _binary(operator.add, swapped=True)
    __sub__, __rsub__ = _binary(operator.sub), _binary(operator.sub, swapped=True)
    __mul__, __rmul__ = _binary(operator.mul), _binary(operator.mul, swapped=True)
    __truediv__, __rtruediv__ = _binary(operator.truediv), _binary(operator.truediv, swapped=True)
    __floordiv__ = _binary(operator.floordiv)
    __rfloordiv__ = _binary(operator.floordiv, swapped=True)
    __mod__, __rmod__ = _binary(operator.mod), _binary(operator.mod, swapped=True)
    __divmod__ = _binary(divmod)
    __rdivmod__ = _binary(divmod, swapped=True)
    __pow__, __rpow__ = _binary(operator.pow), _binary(operator.pow, swapped=True)
    __matmul__, __rmatmul__ = _binary(operator.matmul), _binary(operator.matmul, swapped=True)
    __and__, __rand__ = _binary(operator.and_), _binary(operator.and_, swapped=True)
    __or__, __ror__ = _binary(operator.or_), _binary(operator.or_, swapped=True)
    __xor__, __rxor__ = _binary(operator.xor), _binary(operator.xor, swapped=True)
    __lshift__, __rshift__ = _binary(operator.lshift), _binary(operator.rshift)
    __lt__, __le__ = _binary(operator.lt), _binary(operator.le)
    __gt__, __ge__ = _binary(operator.gt), _binary(operator.ge)
    __eq__, __ne__ = _binary(operator.eq), _binary(operator.ne)
    __neg__, __pos__ = _unary(operator.neg), _unary(operator.pos)
    __abs__, __invert__ = _unary(abs), _unary(operator.invert)
    __iadd__, __isub__ = _updating(operator.add, np.add), _updating(operator.sub, np.subtract)
    __imul__ = _updating(operator.mul, np.multiply)
    __itruediv__ = _updating(operator.truediv, np.divide)
    __ifloordiv__ = _updating(operator.floordiv, np.floor_divide)
    __imod__, __ipow__ = _updating(operator.mod, np.remainder), _updating(operator.pow, np.power)
    __imatmul__ = _updating(operator.matmul, np.matmul)
    __iand__ = _updating(operator.and_, np.bitwise_and)
    __ior__ = _updating(operator.or_, np.bitwise_or)
    __ixor__ = _updating(operator.xor, np.bitwise_xor)

    # -- indexing -----------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        if (
            self._array.ndim == 0
        ):  # no part can be taken of a number: x[None] and x[...] give it shape
            return np.reshape(self, np.shape(self._array[plain(index, [])]))  # type: ignore[call-overload]
        return call(self._make, operator.getitem, (self, _index(index)), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        tensors: list[Handle] = [self]
        given = plain(value, tensors)
        if is_recorded([self]) and self._node is None:
            _refuse_leaf("a view of a leaf Variable that requires grad", "x[i] = v")
        if is_recorded(tensors):
            raise TensorError(
                "writing an entry of a Tensor is not recorded, and its gradient would be wrong",
                cure="compute the whole: np.where(mask, v, x), np.concatenate, np.stack; or write "
                "v.detach() into a Tensor that requires no gradient",
            )
        self._array[plain(index, [])] = given
        self._storage.version += 1

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __iter__(self) -> Iterator[Any]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[k] for k in range(len(self._array)))

    # -- updates in place ---------------------------------------------------------------------------

    def _update(self, function: Callable[..., Any], ufunc: np.ufunc, other: Any) -> Any:
        """`x += other` and its like.

        Unrecorded, it writes into the memory. Recorded, the Tensor becomes what `x + other` gives:
        nobody can tell the difference while no other Tensor looks at the memory.
        """
        tensors: list[Handle] = [self]
        given = plain(other, tensors)
        if is_recorded([self]) and self._node is None:
            _refuse_leaf("a leaf Variable that requires grad", "x += v")
        if not is_recorded(tensors):
            ufunc(self._array, given, out=self._array, casting="same_kind")
            self._storage.version += 1
            return self
        if self._storage.is_shared():
            raise TensorError(
                "an update in place is not recorded while another Tensor shares the memory",
                cure="write y = y + v for y += v",
            )
        made: Handle = call(self._make, function, (self, other), {})
        if made._array.shape != self._array.shape or made._array.dtype != self._array.dtype:
            raise StructureError(
                f"the result, {made._array.dtype.name} of shape {made._array.shape}, cannot take the "
                f"place of {self._array.dtype.name} of shape {self._array.shape}",
                cure="write y = y + v for y += v",
            )
        if self._node is not None and self._node.accumulator is not None:
            assert made._node is not None
            made._node.accumulator, self._node.accumulator = self._node.accumulator, None
        self._array, self._storage, self._node = made._array, made._storage, made._node
        return self

    def add_(self, other: Any, alpha: float = 1) -> Any:
        """`x += alpha * other`."""
        return self._update(operator.add, np.add, other if alpha == 1 else alpha * other)

    def sub_(self, other: Any, alpha: float = 1) -> Any:
        """`x -= alpha * other`."""
        return self._update(operator.sub, np.subtract, other if alpha == 1 else alpha * other)

    def mul_(self, other: Any) -> Any:
        """`x *= other`."""
        return self._update(operator.mul, np.multiply, other)

    def div_(self, other: Any) -> Any:
        """`x /= other`."""
        return self._update(operator.truediv, np.divide, other)

    def copy_(self, other: Any) -> Any:
        """Write the entries of `other`, broadcast, into the memory."""
        self[...] = other
        return self

    def fill_(self, value: float) -> Any:
        """Write one number into every entry."""
        return self.copy_(value)

    def zero_(self) -> Any:
        """Write zeros into the memory: what `x.grad.zero_()` does before another gradient is taken."""
        return self.copy_(0)

    # -- conversions --------------------------------------------------------------------------------

    def item(self, *index: Any) -> Any:
        """The one entry, or the one at an index, as a Python number."""
        if index:
            return self._array.item(*index)
        if self._array.size != 1:
            raise StructureError(
                f"a Tensor with {self._array.size} elements cannot be converted to Scalar",
                cure="x.tolist(), or x[i].item()",
            )
        return self._array.item()

    def tolist(self) -> Any:
        """The entries as Python numbers in nested lists."""
        return self._array.tolist()

    def data_ptr(self) -> int:
        """The address of the first entry: the same as long as the memory is."""
        return int(self._array.__array_interface__["data"][0])

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise StructureError(
                f"the truth value of a Tensor with {self._array.size} elements is ambiguous",
                cure="x.any() or x.all()",
            )
        return bool(self._array)

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return operator.index(self.item())

    def __float__(self) -> float:
        if is_recorded([self]):
            raise TensorError(
                "float() of a Tensor that requires grad would lose its gradient",
                cure="x.item() for the number; np.sin(x) for math.sin(x)",
            )
        return float(self.item())

    def __round__(self, digits: int = 0) -> Any:
        return call(self._make, np.round, (self, digits), {})


def _index(index: Any) -> Any:
    """An index with arrays for the lists in it: data of the program rather than part of its text."""
    if isinstance(index, tuple):
        return tuple(_index(part) for part in index)
    return np.asarray(index) if isinstance(index, list) else index


def _refuse_leaf(what: str, example: str) -> NoReturn:
    raise TensorError(
        f"{what} is being used in an in-place operation.",
        cure=f"with srcgrad.no_grad(): {example}  for a step of an optimiser; or compute a new Tensor",
    )
