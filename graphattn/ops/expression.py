"""Small expressions of numbers: how they are written down, simplified, differentiated and evaluated by PyTorch.

An expression is a directed acyclic graph of `Node`s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

_UNARY: dict[str, tuple[Callable[[float], float], Callable[[Tensor], Tensor]]] = {
    "neg": (lambda x: -x, torch.neg),
    "exp": (math.exp, torch.exp),
    "log": (math.log, torch.log),
    "tanh": (math.tanh, torch.tanh),
    "sigmoid": (lambda x: 1 / (1 + math.exp(-x)), torch.sigmoid),
    "sqrt": (math.sqrt, torch.sqrt),
    "abs": (abs, torch.abs),
    "sin": (math.sin, torch.sin),
    "cos": (math.cos, torch.cos),
}
_BINARY: dict[str, tuple[Callable[[float, float], Any], Callable[[Any, Any], Any]]] = {
    "add": (lambda a, b: a + b, lambda a, b: a + b),
    "sub": (lambda a, b: a - b, lambda a, b: a - b),
    "mul": (lambda a, b: a * b, lambda a, b: a * b),
    "div": (lambda a, b: a / b, lambda a, b: a / b),
    "lt": (lambda a, b: float(a < b), lambda a, b: a < b),
    "le": (lambda a, b: float(a <= b), lambda a, b: a <= b),
    "eq": (lambda a, b: float(a == b), lambda a, b: a == b),
}
SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "eq": "=="}
COMPARISONS = ("lt", "le", "eq")


class Node:
    """One operation: its name, what it is applied to, and for leaves what it stands for.

    Equal nodes are one object, so that what occurs twice is computed once.
    """

    __slots__ = ("__weakref__", "args", "op", "value")
    _known: ClassVar[dict[tuple[Any, ...], Node]] = {}

    op: str
    args: tuple[Node, ...]
    value: Any

    def __new__(cls, op: str, args: tuple[Node, ...] = (), value: Any = None) -> Node:
        """The node of this operation, the same one each time."""
        key = op, tuple(map(id, args)), id(value) if isinstance(value, Node) else repr(value)
        found = cls._known.get(key)
        if found is None:
            found = super().__new__(cls)
            found.op, found.args, found.value = op, args, value
            cls._known[key] = found
        return found

    def __repr__(self) -> str:
        return text(self)


def constant(value: float) -> Node:
    """A number."""
    return Node("const", (), float(value))


ZERO, ONE = constant(0), constant(1)


def apply(op: str, *args: Node) -> Node:
    """An operation, computed at once where its arguments are numbers, and without what changes nothing."""
    numbers = [arg.value for arg in args if arg.op == "const"]
    if len(numbers) == len(args) and op in {*_UNARY, *_BINARY}:
        try:
            return constant((_UNARY.get(op) or _BINARY[op])[0](*numbers))
        except (ArithmeticError, ValueError):
            pass  # such as log 0, which the kernel computes as PyTorch does
    a, b = args[0], args[-1]
    if op == "add" and ZERO in args:
        return b if a is ZERO else a
    if op == "sub" and b is ZERO:
        return a
    if op == "sub" and a is ZERO:
        return apply("neg", b)
    if op == "mul" and ZERO in args:
        return ZERO
    if op == "mul" and ONE in args:
        return b if a is ONE else a
    if op == "div" and (b is ONE or a is ZERO):
        return a
    if op == "neg" and a.op == "neg":
        return a.args[0]
    if op == "where" and args[1] is args[2]:
        return args[1]
    if op == "where" and a.op == "const":
        return args[1] if a.value else args[2]
    return Node(op, args)


def walk(*roots: Node) -> Iterator[Node]:
    """Every node below, each once, arguments before what is computed of them."""
    seen: set[int] = set()

    def visit(node: Node) -> Iterator[Node]:
        if id(node) in seen:
            return
        seen.add(id(node))
        for arg in node.args:
            yield from visit(arg)
        yield node

    for root in roots:
        yield from visit(root)


def derivative(node: Node, leaf: Node) -> Node:
    """∂ node / ∂ leaf. At a kink it is that of one side; an untaken branch of `where` has no part in it."""
    found: dict[int, Node] = {}
    for each in walk(node):
        found[id(each)] = ONE if each is leaf else _rule(each, [found[id(arg)] for arg in each.args])
    return found[id(node)]


def _rule(node: Node, inner: list[Node]) -> Node:
    if all(each is ZERO for each in inner) or node.op in COMPARISONS:
        return ZERO
    if node.op in ("add", "sub"):
        return apply(node.op, *inner)
    if node.op == "where":
        return apply("where", node.args[0], inner[1], inner[2])
    a, da = node.args[0], inner[0]
    if node.op == "mul":
        return apply("add", apply("mul", da, node.args[1]), apply("mul", a, inner[1]))
    if node.op == "div":  # (da − (a / b) db) / b
        return apply("div", apply("sub", da, apply("mul", node, inner[1])), node.args[1])
    return apply("mul", _outer(node, a), da)


def _outer(node: Node, a: Node) -> Node:
    """The derivative of a function of one number at a."""
    if node.op == "neg":
        return constant(-1)
    if node.op == "exp":
        return node
    if node.op == "log":
        return apply("div", ONE, a)
    if node.op == "tanh":
        return apply("sub", ONE, apply("mul", node, node))
    if node.op == "sigmoid":
        return apply("mul", node, apply("sub", ONE, node))
    if node.op == "sqrt":
        return apply("div", constant(0.5), node)
    if node.op == "abs":
        return apply("where", apply("lt", a, ZERO), constant(-1), apply("where", apply("lt", ZERO, a), ONE, ZERO))
    if node.op == "sin":
        return apply("cos", a)
    if node.op == "cos":
        return apply("neg", apply("sin", a))
    raise ValueError(f"{node.op} has no derivative")


def text(node: Node) -> str:
    """The expression as one line."""
    if node.op == "const":
        return f"{node.value:g}"
    if node.op == "reduce":
        return f"sum_d({text(node.value)})"
    if not node.args:
        return str(node.value)
    if node.op in SYMBOLS:
        return f"({text(node.args[0])} {SYMBOLS[node.op]} {text(node.args[1])})"
    if node.op == "neg":
        return f"-{text(node.args[0])}"
    return f"{node.op}({', '.join(map(text, node.args))})"


def evaluate(node: Node, leaves: Mapping[Node, Any]) -> Any:
    """The value of an expression, given that of its leaves; differentiable any number of times.

    Gradients are those of `derivative`, so that a branch that is not taken does not make them NaN.
    """
    if node in leaves:
        return leaves[node]
    names = [each for each in walk(node) if each in leaves]
    tensors = [leaves[each] for each in names]
    if not any(isinstance(x, Tensor) for x in tensors):
        return _compute(node, leaves)
    return _Evaluate.apply(node, names, *tensors)


def _compute(node: Node, leaves: Mapping[Node, Any]) -> Any:
    values: dict[int, Any] = {}
    for each in walk(node):
        inner = [values[id(arg)] for arg in each.args]
        if each in leaves:
            values[id(each)] = leaves[each]
        elif each.op == "const":
            values[id(each)] = each.value
        elif each.op == "where":
            values[id(each)] = _select(*inner)
        elif each.op in _BINARY:
            values[id(each)] = _BINARY[each.op][1](*inner)
        elif all(isinstance(x, int | float) for x in inner):
            values[id(each)] = _UNARY[each.op][1](torch.tensor(inner[0], dtype=torch.float64)).item()
        else:
            values[id(each)] = _UNARY[each.op][1](*inner)
    return values[id(node)]


def _select(condition: Any, a: Any, b: Any) -> Any:
    if not isinstance(condition, Tensor):
        return a if condition else b
    return torch.where(condition, a, b)


class _Evaluate(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(node: Node, names: list[Node], *tensors: Any) -> Tensor:
        return torch.as_tensor(_compute(node, dict(zip(names, tensors, strict=True))))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.node, ctx.names = inputs[0], inputs[1]
        ctx.given = [None if isinstance(x, Tensor) else x for x in inputs[2:]]
        ctx.save_for_backward(*(x for x in inputs[2:] if isinstance(x, Tensor)))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        saved = iter(ctx.saved_tensors)
        values = [next(saved) if each is None else each for each in ctx.given]
        leaves = dict(zip(ctx.names, values, strict=True))
        grads: list[Tensor | None] = []
        for leaf, value, needed in zip(ctx.names, values, ctx.needs_input_grad[2:], strict=True):
            if not needed:
                grads.append(None)
                continue
            slope = evaluate(derivative(ctx.node, leaf), leaves)
            grads.append((grad * slope).sum_to_size(value.shape))
        return None, None, *grads
