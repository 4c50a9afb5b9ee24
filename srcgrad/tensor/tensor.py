"""`Tensor`: an array with a gradient beside it, used as in PyTorch and through NumPy's own functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import NotScalar, StructureError
from . import mode
from .display import text_of
from .methods import Methods
from .operators import OPERANDS, call, recorder
from .records import Accumulator, Handle, Node, Storage, TensorError
from .values import check_float, is_recorded, plain

# Functions that write into their first argument; NumPy's dispatch would let them by unnoticed.
WRITERS = frozenset({"copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"})


class NonScalarBackward(TensorError, NotScalar):
    """`backward()` without `gradient` of a Tensor of several entries."""


class Tensor(Methods):
    """An array that may require a gradient.

    Operations on it run at once, on NumPy arrays. Where an operand requires a gradient they are
    recorded, and `backward()` turns what was recorded into a generated function, once for each
    structure, that adds to the leaves' `.grad`.

    Parameters
    ----------
    data : array_like
        Copied. Numbers without a dtype of their own get NumPy's: float64, int64, bool.
    dtype : dtype, optional
    requires_grad : bool
        Whether gradients shall gather in `grad`.

    Raises
    ------
    NotDifferentiable
        If integers, truth values or complex numbers are to require a gradient.

    Notes
    -----
    Where PyTorch and NumPy differ, a name means what it means for NumPy arrays: `size` is a number,
    `std()` divides by n, an index that gives one number gives a copy. Plain arrays beside a Tensor
    are constants, read where they stand; writes to them between an operation and `backward()` are
    not noticed, as writes to Tensors are.

    Examples
    --------
    >>> x = Tensor([0.0, 1.0, 2.0, 3.0], requires_grad=True)
    >>> y = 2 * np.dot(x, x)
    >>> y
    tensor(28., grad_fn=<MulBackward0>)
    >>> y.backward()
    >>> x.grad
    tensor([ 0.,  4.,  8., 12.])
    """

    __slots__ = ()
    __hash__ = object.__hash__

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = False) -> None:
        array = np.array(_data(data), dtype=dtype)
        if array.dtype.kind not in "biufc":
            raise StructureError(
                f"a Tensor holds numbers, not {array.dtype.name}: {data!r}",
                cure="pass numbers, or lists of numbers of equal lengths",
            )
        self._hold(array, Storage(), None)
        if requires_grad:
            self.requires_grad_()

    def _hold(self, array: np.ndarray, storage: Storage, node: Node | None) -> None:
        self._array = array
        self._storage = storage
        self._node = node
        self._required = False
        self._accumulator = None
        self._reading = None

    # -- what it holds ------------------------------------------------------------------------------

    @property
    def data(self) -> Tensor:
        """A Tensor of the same memory without a gradient; what is assigned is copied into it."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        if isinstance(value, Tensor) and value._storage is self._storage:
            return
        with mode.no_grad():
            self.copy_(value)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def size(self) -> int:
        """The number of entries, as of a NumPy array."""
        return self._array.size

    @property
    def dtype(self) -> np.dtype:
        return self._array.dtype

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this Tensor."""
        return self._node is None

    @property
    def grad_fn(self) -> GradientFunction | None:
        """The derivative of the operation that made this Tensor; None for a leaf."""
        return None if self._node is None else GradientFunction(self._node)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this Tensor are recorded."""
        return self._required or self._node is not None

    @requires_grad.setter
    def requires_grad(self, required: bool) -> None:
        if self._node is not None:
            if not required:
                raise TensorError(
                    "you can only change requires_grad flags of leaf variables",
                    cure="use x.detach(), which shares the memory and requires no gradient",
                )
            return
        if required:
            check_float(self.dtype)
            if self._accumulator is None:
                self._accumulator = Accumulator()
        self._required = bool(required)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` and return the Tensor itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self) -> Tensor | None:
        """The gradient gathered so far, None before the first; its memory stays the same."""
        accumulator = self._accumulator
        return None if accumulator is None else accumulator.grad  # type: ignore[return-value]

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor) or (value.shape, value.dtype) != (
                self.shape,
                self.dtype,
            ):
                raise StructureError(
                    f"grad must be None or a Tensor of {self.dtype.name} of shape {self.shape}, "
                    f"not {value!r}",
                    cure="x.grad.zero_() to begin anew",
                )
            value = value.detach() if value.requires_grad else value
        if self._accumulator is None:
            self._accumulator = Accumulator()
        self._accumulator.grad = value

    def retain_grad(self) -> None:
        """Let `backward` leave the gradient of this Tensor in `grad`, though it is no leaf."""
        if not self.requires_grad:
            raise TensorError(
                "can't retain_grad on Tensor that has requires_grad=False",
                cure="x.requires_grad_() before the operations that are to be recorded",
            )
        if self._node is not None and self._node.accumulator is None:
            if self.dtype.kind == "c":
                check_float(self.dtype)
            self._node.accumulator = self._accumulator = Accumulator()

    # -- gradients ----------------------------------------------------------------------------------

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool = False,
        create_graph: bool = False,
    ) -> None:
        """Add the gradient of this Tensor to the `grad` of every leaf that it depends on.

        Parameters
        ----------
        gradient : array_like, optional
            What each entry of this Tensor counts for, in its shape; 1 where there is one entry.
        retain_graph : bool
            Keep what was recorded, so that `backward` can run again.
        create_graph : bool
            Must be False: derivatives of derivatives are for `srcgrad.grad`.

        Raises
        ------
        NotScalar
            Without `gradient`, unless this Tensor has one entry.
        StructureError
            If `gradient` has another shape.
        MissingRule
            If a recorded operation has no derivative rule.
        TensorError
            If nothing was recorded, the graph has been freed, or a value that is needed was changed
            in place. No `grad` has changed then.

        Examples
        --------
        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).backward(gradient=[1.0, 10.0])
        >>> x.grad
        tensor([ 2., 40.])
        """
        if not self.requires_grad:
            raise TensorError(
                "element 0 of tensors does not require grad and does not have a grad_fn",
                cure="create a leaf that it depends on with requires_grad=True, outside no_grad",
            )
        if create_graph:
            raise TensorError(
                "backward(create_graph=True) is not supported",
                cure="differentiate a function twice: srcgrad.grad(lambda x: srcgrad.grad(f)(x))",
            )
        seed = self._seed(gradient)
        from .backward import backward, grad_of

        if self._node is not None:
            backward(self._make, self._node, seed, retain_graph)
        else:
            grad = grad_of(self._make, self._accumulator, self._array)
            grad._array[...] += seed
            grad._storage.version += 1

    def _seed(self, gradient: Any) -> Any:
        if self.dtype.kind == "c":
            check_float(self.dtype)
        if gradient is None:
            if self.size != 1:
                raise NonScalarBackward(
                    "grad can be implicitly created only for scalar outputs, "
                    f"and this Tensor has the shape {self.shape}",
                    cure="y.sum().backward(), or y.backward(gradient=srcgrad.ones_like(y))",
                )
            return np.ones(self.shape, self.dtype)[() if self.ndim == 0 else ...]
        given = np.asarray(_data(gradient))
        if given.shape != self.shape:
            raise StructureError(
                f"Mismatch in shape: the gradient has a shape of {given.shape} and the Tensor has a "
                f"shape of {self.shape}",
                cure="pass one number for each entry of the Tensor",
            )
        return given.astype(self.dtype)[() if self.ndim == 0 else ...]

    def detach(self) -> Tensor:
        """A Tensor of the same memory that requires no gradient.

        >>> (Tensor([1.0, 2.0], requires_grad=True) * 3).detach()
        tensor([3., 6.])
        """
        made = self._make(self._array, self._storage, None)
        self._storage.share(self, made)
        return made

    @staticmethod
    def _make(array: np.ndarray, storage: Storage, node: Node | None) -> Tensor:
        made = Tensor.__new__(Tensor)
        made._hold(array, storage, node)
        return made

    @staticmethod
    def __srcgrad_apply__(derivative: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a `@grad` function does with Tensors: `derivative(*args, **kwargs)` comes here."""
        from .calls import apply

        return apply(Tensor._make, derivative, args, kwargs)

    # -- NumPy's protocols --------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not all(isinstance(i, OPERANDS) for i in inputs):
            return NotImplemented
        given = [np.asarray(i) if isinstance(i, list | tuple) else i for i in inputs]
        tensors: list[Handle] = []
        values = plain(given, tensors)
        out = kwargs.pop("out", ())
        if (
            any(isinstance(o, Tensor) for o in out)
            or (out and is_recorded(tensors))
            or method == "at"
        ):
            _refuse_out(ufunc)
        if method != "__call__" or out:
            if is_recorded(tensors):
                recorder().refuse_ufunc_method(ufunc, method)
            value = getattr(ufunc, method)(*values, **kwargs, **({"out": out} if out else {}))
            return value if out else recorder().results(self._make, None, value, tensors)
        function = ufunc if kwargs else recorder().operator_of(ufunc)
        return call(self._make, function, tuple(given), kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(t, Tensor | np.ndarray) for t in types):
            return NotImplemented
        if function.__name__ in WRITERS or kwargs.get("out") is not None:
            _refuse_out(function)
        return call(self._make, function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self._readable("NumPy")
        if copy or (dtype is not None and np.dtype(dtype) != array.dtype):
            if copy is False:
                raise ValueError(
                    f"a Tensor of {self.dtype.name} is no array of {dtype} without a copy"
                )
            return array.astype(dtype or array.dtype)
        return array

    def _readable(self, what: str) -> np.ndarray:
        if is_recorded([self]):
            raise TensorError(
                f"Can't hand a Tensor that requires grad to {what}: its gradient would be lost",
                cure="x.detach().numpy() for the numbers; NumPy's functions of Tensors, such as "
                "np.stack([x, y]), for what is to be differentiated",
            )
        view = self._array.view()
        view.flags.writeable = False
        return view

    def numpy(self) -> np.ndarray:
        """The entries as an array of the same memory, not to be written to.

        Raises
        ------
        TensorError
            If this Tensor requires a gradient: detach it first.
        """
        return self._readable("numpy()")

    # -- looking at it ------------------------------------------------------------------------------

    def __repr__(self) -> str:
        if self._node is not None:
            return text_of(self._array, f"grad_fn=<{self._node.label}>")
        return text_of(self._array, *(["requires_grad=True"] if self._required else []))

    def __format__(self, spec: str) -> str:
        return format(self._array.item() if self.ndim == 0 and spec else repr(self), spec)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._node is not None:
            raise TensorError(
                "Only Tensors created explicitly by the user (graph leaves) can be copied and pickled",
                cure="x.detach(), or x.clone() for a copy that gradients flow through",
            )
        return _restored, (self._array.copy(), self._required, self.grad)


class GradientFunction:
    """What `grad_fn` shows of the operation that made a Tensor: its name and its gradient's source."""

    __slots__ = ("_node",)

    def __init__(self, node: Node) -> None:
        self._node = node

    @property
    def source(self) -> str:
        """The generated source that `backward()` runs, the programs of later operations first.

        Raises
        ------
        TensorError
            If a `backward()` from another Tensor has freed the graph.

        Examples
        --------
        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> print(np.sin(x).grad_fn.source)
        # The gradient of recorded Tensor operations, generated by srcgrad.
        #     return np.sin(x)
        # For x: float64[2].
        import numpy as np
        <BLANKLINE>
        <BLANKLINE>
        def expression_backward(saved, g, grad_x):
            (x,) = saved
            grad_x[...] += g * np.cos(x)
        ...
        """
        from .backward import source_of

        return source_of(self._node)

    def name(self) -> str:
        """PyTorch's name for the derivative of the operation, where it has one.

        >>> (Tensor(1.0, requires_grad=True) * 2).grad_fn.name()
        'MulBackward0'
        """
        return self._node.label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GradientFunction) and other._node is self._node

    def __hash__(self) -> int:
        return hash(self._node)

    def __repr__(self) -> str:
        return f"<{self._node.label}>"


def _data(data: Any) -> Any:
    """What NumPy makes an array of, for data that may be a Tensor."""
    return data._array if isinstance(data, Tensor) else data


def _restored(array: np.ndarray, required: bool, grad: Tensor | None) -> Tensor:
    made = Tensor._make(array, Storage(), None)
    made.requires_grad = required
    if grad is not None:
        made.grad = grad
    return made


def _refuse_out(function: Any) -> None:
    raise TensorError(
        f"np.{function.__name__} cannot write its result into an array or Tensor given to it, when "
        "Tensors are involved",
        cure="use the result that it returns; x.copy_(result) under no_grad puts it into x",
    )
