"""Expressions: values and derivatives against PyTorch's autograd, for random ones too."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphattn.ops import symbols
from graphattn.ops.expression import ONE, ZERO, Node, apply, constant, derivative, evaluate, text, walk
from graphattn.ops.symbol import Symbol

X, Y = Node("leaf", (), "x"), Node("leaf", (), "y")
UNARY = ["neg", "exp", "tanh", "sigmoid", "abs", "sin", "cos"]
TORCH = {
    "neg": torch.neg, "exp": torch.exp, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "abs": torch.abs,
    "sin": torch.sin, "cos": torch.cos,
}  # fmt: skip


def trees(depth=3):
    leaf = st.one_of(st.sampled_from(["x", "y"]), st.floats(-2, 2, allow_nan=False).map(lambda x: round(x, 2)))
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(UNARY), inner),
            st.tuples(st.sampled_from(["add", "sub", "mul"]), inner, inner),
            st.tuples(st.just("where"), inner, inner, inner, inner),
        ),
        max_leaves=8,
    )


def as_node(tree):
    if isinstance(tree, float):
        return constant(tree)
    if isinstance(tree, str):
        return {"x": X, "y": Y}[tree]
    if tree[0] == "where":
        a, b, c, d = map(as_node, tree[1:])
        return apply("where", apply("lt", a, b), c, d)
    return apply(tree[0], *map(as_node, tree[1:]))


def as_torch(tree, x, y):
    if isinstance(tree, float):
        return torch.tensor(tree, dtype=torch.float64)
    if isinstance(tree, str):
        return {"x": x, "y": y}[tree]
    args = [as_torch(each, x, y) for each in tree[1:]]
    if tree[0] == "where":
        return torch.where(args[0] < args[1], args[2], args[3])
    return (
        TORCH[tree[0]](*args)
        if len(args) == 1
        else {"add": torch.add, "sub": torch.sub, "mul": torch.mul}[tree[0]](*args)
    )


@settings(max_examples=150)
@given(tree=trees())
def test_random_expressions_against_autograd(tree):
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(5, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))
    want = (as_torch(tree, x, y) + 0 * x * y).clamp(-1e6, 1e6)
    found = torch.as_tensor(evaluate(as_node(tree), {X: x, Y: y}), dtype=torch.float64).expand(5).clamp(-1e6, 1e6)
    torch.testing.assert_close(found, want)
    if (want.abs() < 1e6).all() and found.requires_grad:
        grads = [
            torch.autograd.grad(each.sum(), [x, y], allow_unused=True, materialize_grads=True) for each in (found, want)
        ]
        torch.testing.assert_close(*grads, equal_nan=True)


def test_derivatives_can_be_taken_again():
    x = torch.randn(4, dtype=torch.float64, requires_grad=True)
    y = torch.randn(4, dtype=torch.float64, requires_grad=True)
    node = apply("mul", apply("tanh", apply("mul", X, Y)), apply("exp", apply("div", X, apply("add", constant(3), Y))))
    assert torch.autograd.gradgradcheck(lambda x, y: evaluate(node, {X: x, Y: y}), (x, y))


def test_what_changes_nothing_is_left_out():
    assert apply("add", X, ZERO) is X and apply("mul", X, ONE) is X and apply("mul", X, ZERO) is ZERO
    assert apply("neg", apply("neg", X)) is X
    assert apply("add", constant(2), constant(3)) is constant(5)
    assert apply("where", apply("lt", ZERO, ONE), X, Y) is X
    assert derivative(apply("add", X, Y), Y) is ONE and derivative(X, Y) is ZERO


def test_equal_nodes_are_one():
    assert apply("mul", X, Y) is apply("mul", X, Y)
    shared = apply("tanh", X)
    assert len(list(walk(apply("add", shared, apply("mul", shared, shared))))) == 4


def test_operators_of_symbols():
    x = Symbol(X)
    value = 2 - (1 + x) * 3 / (4 - x) ** 2 + abs(-x) - x**-1
    at = torch.tensor(0.5, dtype=torch.float64)
    assert evaluate(value.node, {X: at}).item() == pytest.approx(2 - 1.5 * 3 / 3.5**2 + 0.5 - 2)
    for comparison, truth in ((x < 1, True), (x <= 0.5, True), (x > 1, False), (x >= 0.6, False), (x == 0.5, True)):
        assert bool(evaluate(comparison.node, {X: at})) is truth


@pytest.mark.parametrize("at", [-3.0, -0.5, 0.4, 20.0, 800.0])
def test_functions(at):
    x, tensor = Symbol(X), torch.tensor([at], dtype=torch.float64)
    pairs = [
        (symbols.softplus(x), torch.nn.functional.softplus(tensor)),
        (symbols.leaky_relu(x, 0.1), torch.nn.functional.leaky_relu(tensor, 0.1)),
        (symbols.relu(x), tensor.relu()),
        (symbols.clamp(x, -1, 2), tensor.clamp(-1, 2)),
        (symbols.minimum(x, 0.2), tensor.clamp(max=0.2)),
        (symbols.maximum(0.2, x), tensor.clamp(min=0.2)),
    ]
    for symbol, want in pairs:
        torch.testing.assert_close(evaluate(symbol.node, {X: tensor}), want)


def test_text():
    assert text((2 * Symbol(X) + symbols.tanh(Symbol(Y))).node) == "((2 * x) + tanh(y))"
