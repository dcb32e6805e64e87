"""Functions of symbols, for scores written by a user."""

from __future__ import annotations

from typing import Any

from graphattn.ops.expression import apply
from graphattn.ops.symbol import Symbol, function, node_of


def exp(x: Any) -> Any:
    """e^x."""
    return function("exp", x)


def log(x: Any) -> Any:
    """The natural logarithm."""
    return function("log", x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return function("tanh", x)


def sigmoid(x: Any) -> Any:
    """1 / (1 + e^−x)."""
    return function("sigmoid", x)


def sqrt(x: Any) -> Any:
    """The square root."""
    return function("sqrt", x)


def abs(x: Any) -> Any:
    """The absolute value, whose derivative at zero is zero."""
    return function("abs", x)


def sin(x: Any) -> Any:
    """The sine of x in radians."""
    return function("sin", x)


def cos(x: Any) -> Any:
    """The cosine of x in radians."""
    return function("cos", x)


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where a condition such as `x < 1` holds, else `b`. The other one takes no part in gradients."""
    return Symbol(apply("where", node_of(condition), node_of(a), node_of(b)))


def maximum(a: Any, b: Any) -> Any:
    """The larger one."""
    return where(Symbol(apply("lt", node_of(a), node_of(b))), b, a)


def minimum(a: Any, b: Any) -> Any:
    """The smaller one."""
    return where(Symbol(apply("lt", node_of(b), node_of(a))), b, a)


def clamp(x: Any, low: Any = None, high: Any = None) -> Any:
    """x, at least `low` and at most `high`."""
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


def relu(x: Any) -> Any:
    """max(x, 0)."""
    return maximum(x, 0)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x where it is positive, else negative_slope · x."""
    return where(Symbol(apply("lt", node_of(0), node_of(x))), x, negative_slope * Symbol(node_of(x)))


def softplus(x: Any) -> Any:
    """log(1 + e^x), computed without overflow."""
    return maximum(x, 0) + log(1 + exp(-abs(x)))
