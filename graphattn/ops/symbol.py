"""Numbers that are not known yet: what is done to them is written down as an expression."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from graphattn.ops.expression import ONE, Node, apply, constant, text


class Symbol:
    """A number that is not known yet: what is done to it is written down."""

    __slots__ = ("node",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, node: Node) -> None:
        self.node = node

    def __repr__(self) -> str:
        return text(self.node)

    def __bool__(self) -> bool:
        raise TypeError(
            "a score is traced once, for all edges: it cannot choose by the value of a symbol with if, and, or, not; "
            "use graphattn.scores.where(condition, a, b)"
        )

    def __neg__(self) -> Symbol:
        return Symbol(apply("neg", self.node))

    def __add__(self, other: Any) -> Symbol:
        return _two("add", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return _two("add", other, self)

    def __sub__(self, other: Any) -> Symbol:
        return _two("sub", self, other)

    def __rsub__(self, other: Any) -> Symbol:
        return _two("sub", other, self)

    def __mul__(self, other: Any) -> Symbol:
        return _two("mul", self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return _two("mul", other, self)

    def __truediv__(self, other: Any) -> Symbol:
        return _two("div", self, other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return _two("div", other, self)

    def __pow__(self, power: int) -> Symbol:
        if not isinstance(power, int) or isinstance(power, bool):
            raise TypeError(f"only whole numbers are powers here, got {power!r}; use exp(power * log(x)) for others")
        product = ONE
        for _ in range(abs(power)):
            product = apply("mul", product, self.node)
        return Symbol(product if power >= 0 else apply("div", ONE, product))

    def __abs__(self) -> Symbol:
        return Symbol(apply("abs", self.node))

    def __lt__(self, other: Any) -> Symbol:
        return _two("lt", self, other)

    def __le__(self, other: Any) -> Symbol:
        return _two("le", self, other)

    def __gt__(self, other: Any) -> Symbol:
        return _two("lt", other, self)

    def __ge__(self, other: Any) -> Symbol:
        return _two("le", other, self)

    def __eq__(self, other: object) -> Symbol:  # type: ignore[override]
        return _two("eq", self, other)


def node_of(x: Any) -> Node:
    """The node of a symbol or a number.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(x, Symbol):
        return x.node
    if isinstance(x, int | float) and not isinstance(x, bool):
        return constant(x)
    if isinstance(x, Tensor):
        raise TypeError(
            "a score takes tensors by name, so that they get their gradients: custom(..., edge={'length': length}) and "
            "pair.edge['length']"
        )
    raise TypeError(f"a score is made of symbols and numbers, got {type(x).__name__}")


def _two(op: str, a: Any, b: Any) -> Symbol:
    return Symbol(apply(op, node_of(a), node_of(b)))


def function(op: str, x: Any) -> Any:
    """A function of one number, of a symbol or of a plain number."""
    return Symbol(apply(op, node_of(x)))
