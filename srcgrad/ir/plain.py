"""Numbers of classes of their own: which of them compute as plain numbers do."""

from __future__ import annotations

from ..errors import NotDifferentiable

_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "neg", "pos", "abs")


def check_plain(number: object) -> None:
    """Refuse a number of a class of its own that computes in its own way.

    Raises
    ------
    NotDifferentiable
        Naming the class.
    """
    cls = type(number)
    if cls in (int, float, complex):
        return
    own = (getattr(cls, f"__{side}{name}__", None) for name in _OPERATORS for side in ("", "r"))
    if any(hasattr(method, "__code__") for method in own):
        raise NotDifferentiable(
            f"a {cls.__name__} is not read: its operators are not those of a number",
            cure="pass a plain number: float(x)",
        )
