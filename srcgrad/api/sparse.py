"""Sparse Jacobians and Hessians: the structure is found, its columns coloured, each colour one sweep."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NotDifferentiable, SrcgradError, StructureError
from ..kinds import OPERATORS
from .derivative import road
from .pushforward import linearize
from .reverse import grad, vjp

if TYPE_CHECKING:
    from ..analysis.colouring import Coloured
    from ..analysis.structure import Structure
    from ..calls.lookup import Programs, Recent
    from ..ir.graph import Function

__all__ = [
    "SparseDerivative",
    "SparseHessian",
    "SparseJacobian",
    "sparse_hessian",
    "sparse_jacobian",
]

Array = NDArray[Any]
MODES = (None, "forward", "reverse")
RELATIVE = 1e-6  # how far the product along a random direction may be off, to be taken for rounding


def _scipy() -> Any:
    try:
        import scipy.sparse
    except ImportError as error:
        raise SrcgradError(
            "sparse derivatives are SciPy matrices, and SciPy is not installed",
            cure="pip install 'srcgrad[sparse]', or use srcgrad.linearize column by column",
        ) from error
    return scipy.sparse


@dataclass(frozen=True, slots=True)
class _Graph:
    """The graph that structures are read off, as long as the function is what it was."""

    function: Function

    def is_current(self) -> bool:
        """As a program of this graph would be; there is no need to generate one."""
        from ..codegen.load import Generated
        from ..pipeline import Program

        nothing = Generated("", self.function.name, {}, {}, {})
        return Program(self.function, nothing, lambda: None).is_current()

    @property
    def measured(self) -> bool:
        """Whether it holds for the sizes of these arguments alone."""
        from ..calls.lookup import measured

        return measured(self.function.captures)


class SparseDerivative:
    """A function that returns a sparse matrix: what `sparse_jacobian` and `sparse_hessian` return.

    `colours` is the number of colours at the last call, `colouring` the colour of each column (of each
    row where `mode` is "reverse"), `sweeps` how many sweeps the last call took.
    """

    _what = "sparse_jacobian"

    def __init__(
        self,
        function: Callable[..., Any],
        argnum: int | str,
        structure: Any,
        mode: str | None,
        check: bool,
    ) -> None:
        if not callable(function):
            raise SrcgradError(
                f"{self._what} differentiates a function, not {type(function).__name__!r}",
                cure="pass the function itself, not the result of calling it",
            )
        if not isinstance(argnum, int | str) or isinstance(argnum, bool):
            raise SrcgradError(
                f"{self._what} is by one array argument, and argnums is {argnum!r}",
                cure="give the number or the name of one argument; for several, call it for each",
            )
        if mode not in MODES:
            raise SrcgradError(
                f"there is no mode {mode!r}", cure='use "forward", "reverse" or None'
            )
        self.function = function
        self.argnum = argnum
        self.check = check
        self.mode = mode
        self.sweeps = 0
        self._given: Any = None
        self._graphs: Programs[_Graph] | None = None
        self._found: Recent[tuple[_Graph, _Found]] | None = None
        self._coloured: Coloured | None = None
        self._of_given: Coloured | None = None
        if structure is not None:
            self._given = _pattern(structure)

    # -- what it shows ----------------------------------------------------------------------------

    @property
    def colours(self) -> int:
        """How many colours the last call or the given structure has."""
        return self._last().colours

    @property
    def colouring(self) -> Array:
        """The colour of each column, or of each row in reverse mode; -1 for what is empty."""
        return self._last().colouring

    def _last(self) -> Coloured:
        if self._coloured is None:
            raise SrcgradError(
                "the colours are known after the first call", cure="call it, or .structure(*args)"
            )
        return self._coloured

    def structure(self, *args: Any) -> Any:
        """Where the matrix can be other than zero, as a `scipy.sparse.csr_array` of truth values.

        It holds on the path that the function takes for these arguments, through its branches and loops,
        for all values that take the same path; entries that happen to be zero count. It may be passed as
        `structure=` to save finding it again.
        """
        coloured = self._prepared(args)[0]
        ones = np.ones(coloured.indices.size, bool)
        return _scipy().csr_array((ones, coloured.indices, coloured.indptr), coloured.shape)

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", repr(self.function))
        return f"<{self._what} of {name} with respect to {self.argnum!r}>"

    # -- finding the structure --------------------------------------------------------------------

    def _differentiated(self) -> Callable[..., Any]:
        """The function that the matrix is the Jacobian of."""
        return self.function

    def _prepared(self, args: tuple[Any, ...]) -> tuple[Coloured, int]:
        """The coloured structure for these arguments, and the place of the one differentiated by."""
        from ..analysis.structure import structure_of
        from ..calls.lookup import Recent
        from ..operators.wanted import wanted_of

        graphs = self._graphs or self._all_graphs()
        bound = graphs.bind(*args)
        kind = graphs.key_of(bound)
        graph = graphs.get(kind) or graphs.made(kind, bound)
        wanted = wanted_of(graph.function, [self.argnum])[0]
        at, x = wanted.position, bound[wanted.position]
        if wanted.entry is not None or at >= len(args) or args[at] is not x:
            raise SrcgradError(
                f"{self._what} is by an argument that is given by position",
                cure="wrap the function, so that the array is an argument of its own",
            )
        _check_array(x, graph.function.signature[at].name)
        if self._given is not None:
            if self._of_given is None or self._of_given.shape != self._given[0]:
                self._of_given = self._coloured_as(*self._given)
            if self._of_given.shape[1] != x.size:
                raise StructureError(
                    f"the structure given has {self._of_given.shape[1]} columns, and the argument "
                    f"{x.size} entries",
                    cure="pass what .structure(*args) returns for arguments of these shapes",
                )
            self._coloured = self._of_given
            return self._coloured, at
        known = self._found.get(kind) if self._found is not None else None
        if known is None or known[0] is not graph or not known[1].holds(bound, graph.function):
            found = structure_of(graph.function, bound, at)
            coloured = self._coloured_as(found.shape, found.indptr, found.indices)
            known = graph, _Found.of(found, coloured, bound, graph.function)
            self._found = self._found or Recent(16)
            self._found.put(kind, known)
        self._coloured = known[1].coloured
        return self._coloured, at

    def _all_graphs(self) -> Programs[_Graph]:
        from ..calls.lookup import Programs

        function, pipeline = self._differentiated(), road()
        self._graphs = Programs(
            pipeline.binder(function), lambda given: _Graph(pipeline.primal(function, given))
        )
        return self._graphs

    def _coloured_as(self, shape: tuple[int, int], indptr: Array, indices: Array) -> Coloured:
        from ..analysis.colouring import coloured

        return coloured(shape, indptr, indices, self.mode)

    # -- calling ----------------------------------------------------------------------------------

    def __call__(self, *args: Any) -> Any:
        sparse = _scipy()
        coloured, at = self._prepared(args)
        x = args[at]
        y, multiply = self._swept(args, at, coloured.reverse)
        if isinstance(y, np.ndarray) and y.dtype.kind == "c":
            raise NotDifferentiable(
                "a sparse Jacobian is of a real array, and the result is complex",
                cure="return its real or its imaginary part",
            )
        if not isinstance(y, np.ndarray) or y.size != coloured.shape[0]:
            raise StructureError(
                f"the structure given has {coloured.shape[0]} rows, and the result "
                f"{np.size(y)} entries",
                cure="pass what .structure(*args) returns for arguments of these shapes",
            )
        like = y if coloured.reverse else x
        columns = [
            multiply((coloured.colouring == c).astype(like.dtype).reshape(like.shape))
            for c in range(coloured.colours)
        ]
        self.sweeps = coloured.colours
        dtype = np.result_type(y.dtype, x.dtype)
        values = np.zeros(coloured.indices.size, dtype)
        if columns:
            values[:] = np.stack(columns)[coloured.sweep, coloured.at]
        matrix = sparse.csr_array((values, coloured.indices, coloured.indptr), coloured.shape)
        if self.check:
            self._compare(matrix, multiply, like, coloured.reverse)
        return matrix

    def _swept(
        self, args: tuple[Any, ...], at: int, reverse: bool
    ) -> tuple[Any, Callable[[Array], Array]]:
        """The value, and what multiplies by the matrix, or with `reverse`, by its transpose."""
        function = self._differentiated()
        if reverse:
            y, pullback = vjp(function, *args)
            return y, lambda w: np.ravel(pullback(w)[at])
        y, pushforward = linearize(function, *args)
        before: tuple[Any, ...] = (None,) * at
        return y, lambda v: np.ravel(pushforward(*before, v))

    def _compare(
        self, matrix: Any, multiply: Callable[[Array], Array], like: Array, reverse: bool
    ) -> None:
        direction = np.random.default_rng(0).standard_normal(like.shape).astype(like.dtype)
        right = multiply(direction)
        self.sweeps += 1
        left = (matrix.T if reverse else matrix) @ direction.ravel()
        scale = np.abs(right).max(initial=0.0) + (abs(matrix) @ np.ones(matrix.shape[1])).max(
            initial=0
        )
        rounding = max(RELATIVE, 1e3 * float(np.finfo(like.dtype).eps))
        if not np.all(np.abs(left - right) <= rounding * scale):
            worst = int(np.argmax(np.abs(left - right)))
            raise StructureError(
                f"the structure does not hold all entries: along a random direction, "
                f"{'column' if reverse else 'row'} {worst} gives {left[worst]:.6g}, "
                f"and the derivative is {right[worst]:.6g}",
                cure="leave structure= out, or pass what .structure(*args) returns",
            )


class SparseJacobian(SparseDerivative):
    """What `sparse_jacobian` returns."""


class SparseHessian(SparseDerivative):
    """What `sparse_hessian` returns; the columns are coloured so that symmetry is made use of."""

    _what = "sparse_hessian"

    def _differentiated(self) -> Callable[..., Any]:
        if not hasattr(self, "_gradient"):
            self._gradient = grad(self.function, self.argnum)
        return self._gradient

    def _coloured_as(self, shape: tuple[int, int], indptr: Array, indices: Array) -> Coloured:
        from ..analysis.colouring import coloured_symmetric

        if shape[0] != shape[1]:
            raise StructureError(
                f"a Hessian is square, and the structure given is {shape[0]} by {shape[1]}",
                cure="pass what .structure(*args) returns",
            )
        return coloured_symmetric(indptr, indices)


@dataclass(frozen=True, slots=True)
class _Found:
    """A structure with copies of what it was read off."""

    coloured: Coloured
    arguments: dict[int, Any]
    captures: dict[int, Any]
    unknowable: bool

    @staticmethod
    def of(found: Structure, coloured: Coloured, bound: tuple[Any, ...], graph: Function) -> _Found:
        arguments = {k: copy.deepcopy(bound[k]) for k in found.arguments}
        captures = {k: copy.deepcopy(graph.captures[k].read()) for k in found.captures}
        return _Found(coloured, arguments, captures, found.unknowable)

    def holds(self, bound: tuple[Any, ...], graph: Function) -> bool:
        """Whether all that was consulted is what it was."""
        if self.unknowable:
            return False
        return all(_alike(v, bound[k]) for k, v in self.arguments.items()) and all(
            _alike(v, graph.captures[k].read()) for k, v in self.captures.items()
        )


def _alike(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return bool(a.dtype != object and np.array_equal(a, b))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_alike, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(_alike(v, b[k]) for k, v in a.items())
    if isinstance(a, int | float | complex | str | np.generic | None):
        return bool(a == b)
    return callable(a) and a is b


def _check_array(x: Any, name: str) -> None:
    if not isinstance(x, np.ndarray):
        raise NotDifferentiable(
            f"a sparse derivative is by one array, and {name!r} is of type {type(x).__name__!r}",
            cure="make it an array, for instance with np.asarray",
        )
    if x.ndim == 0:
        raise NotDifferentiable(
            f"a sparse derivative is by many numbers, and {name!r} is a single one",
            cure="use srcgrad.jvp",
        )
    if x.dtype.kind != "f":
        raise NotDifferentiable(
            f"{name!r} is an array of {x.dtype}, and a sparse derivative is by real numbers",
            cure="for integers, pass x.astype(float)",
        )


def _pattern(structure: Any) -> tuple[tuple[int, int], Array, Array]:
    """The pattern of a sparse or dense matrix."""
    given = structure if hasattr(structure, "tocsr") else np.asarray(structure)
    if not hasattr(given, "tocsr") and given.ndim != 2:
        raise StructureError(
            f"a structure is a matrix, and this has {given.ndim} dimensions",
            cure="pass what .structure(*args) returns",
        )
    matrix = _scipy().csr_array(given)
    matrix.sum_duplicates()
    return matrix.shape, matrix.indptr.copy(), matrix.indices.copy()


def sparse_jacobian(
    function: Callable[..., Any],
    argnums: int | str = 0,
    structure: Any = None,
    mode: str | None = None,
    check: bool = False,
) -> SparseJacobian:
    """The Jacobian of an array by an array, as a sparse matrix, in as many sweeps as it needs colours.

    Which entries can be other than zero is found by following the indices through the function; columns
    (or rows) that share no row are computed in one sweep of forward (or reverse) mode. A tridiagonal
    Jacobian takes 3 sweeps, of whatever size it is.

    Parameters
    ----------
    function : callable
        Returns one array; what `srcgrad.vjp` can differentiate.
    argnums : int or str
        The argument to differentiate by, by position or name: an array of real numbers.
    structure : sparse matrix, optional
        Where the Jacobian can be other than zero: what `.structure(*args)` returned. Otherwise it is
        found at the first call for arguments of these shapes, and found again whenever a value has
        changed that the path through the function, or an index, was read off.
    mode : "forward", "reverse" or None
        One sweep per group of columns, or of rows; None for whichever takes fewer.
    check : bool
        Compare the product of the matrix and a random direction with the derivative: one more sweep.

    Raises
    ------
    NotDifferentiable, StructureError
        If the argument or the result is not one array, or the structure given does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> J = sparse_jacobian(lambda x: x[1:] ** 2 - x[:-1])
    >>> J(np.array([1.0, 2.0, 3.0, 4.0])).toarray()
    array([[-1.,  4.,  0.,  0.],
           [ 0., -1.,  6.,  0.],
           [ 0.,  0., -1.,  8.]])
    >>> J.colours, J.sweeps
    (2, 2)
    """
    return SparseJacobian(function, argnums, structure, mode, check)


def sparse_hessian(
    function: Callable[..., Any],
    argnums: int | str = 0,
    structure: Any = None,
    check: bool = False,
) -> SparseHessian:
    """The Hessian of a number by an array, as a sparse matrix; as `sparse_jacobian`, of the gradient.

    Symmetry is made use of: each sweep multiplies the Hessian by a vector, and an entry is read in its
    row or in its column. An arrow takes 2 sweeps.

    Examples
    --------
    >>> import numpy as np
    >>> H = sparse_hessian(lambda x: np.sum(x[0] * x[1:] ** 2))
    >>> H(np.array([1.0, 2.0, 3.0])).toarray()
    array([[0., 4., 6.],
           [4., 2., 0.],
           [6., 0., 2.]])
    >>> H.colours
    2
    """
    return SparseHessian(function, argnums, structure, None, check)


OPERATORS.update({sparse_jacobian: None, sparse_hessian: None})
