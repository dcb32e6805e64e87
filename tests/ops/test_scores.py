"""Scores as objects: by name, with their settings, and what they refuse."""

import math

import pytest
import torch

import graphattn as ga
from graphattn.ops.scores import Additive, Cosine, Dot, NoScore, Sum, get_score


@pytest.mark.parametrize(("name", "kind"), [("dot", Dot), ("cosine", Cosine), ("sum", Sum), ("none", NoScore)])
def test_by_name(name, kind):
    assert get_score(name) == kind()
    assert kind.name == name


@pytest.mark.parametrize("score", [Dot(), Cosine(2.0), Sum(0.1), Additive(torch.zeros(3, 5)), NoScore()])
def test_objects_pass_through(score):
    assert get_score(score) is score


def test_unknown_names():
    with pytest.raises(ValueError, match='score is one of "dot", "cosine", "sum", "none", "additive"; got \'mlp\''):
        get_score("mlp")
    with pytest.raises(ValueError, match="needs its vector"):
        get_score("additive")
    with pytest.raises(TypeError, match=r"score is a name or one of graphattn\.scores' objects, got type"):
        get_score(Dot)


def test_default_scales():
    assert Dot().default_scale(7) == pytest.approx(1 / math.sqrt(7))
    assert Dot().default_scale(0) == 1
    assert [score.default_scale(7) for score in (Cosine(), Sum(), Additive(torch.zeros(1, 7)), NoScore())] == [1] * 4


Q, K = torch.tensor([[[1.0, 2.0, 2.0]]]), torch.tensor([[[0.0, -3.0, 4.0]]])  # lengths 3 and 5, product 2


def test_dot():
    assert Dot()(Q, K, torch.tensor([[7.0]]), 0.5).item() == 8


def test_cosine():
    assert Cosine(3.0)(Q, K, torch.tensor([[7.0]]), 0.5).item() == pytest.approx(3 * 0.5 * 2 / 15 + 7)
    assert Cosine()(torch.zeros(1, 1, 3), K, None, 1.0).item() == 0


def test_sum():
    q, k = torch.tensor([[1.0, 1.0]]), torch.tensor([[-2.0, 2.0]])
    found = Sum(0.1)(q, k, torch.tensor([[-3.0, 4.0]]), 2.0)
    torch.testing.assert_close(found, torch.tensor([[2 * 0.1 * -4, 2 * 7.0]]))


def test_additive():
    vector = torch.tensor([[1.0, 10.0, 100.0]])
    # q + k = (1, −1, 6)
    assert Additive(vector)(Q, K, torch.tensor([[7.0]]), 0.5).item() == pytest.approx(0.5 * (1 - 2 + 600) + 7)
    tanh = Additive(vector, "tanh")(Q, K, None, 1.0).item()
    assert tanh == pytest.approx(-9 * math.tanh(1) + 100 * math.tanh(6))


def test_additive_refuses():
    with pytest.raises(ValueError, match='activation is "leaky_relu" or "tanh", got \'relu\''):
        Additive(torch.zeros(3, 5), "relu")
    with pytest.raises(ValueError, match=r"the vector of an additive score is \[H, D\], got shape \[5\]"):
        Additive(torch.zeros(5))


def test_a_zero_vector_has_cosine_zero_and_a_finite_gradient():
    graph = ga.complete(3)
    x = torch.zeros(3, 1, 2, requires_grad=True)
    out, weights = ga.attention(x, x, torch.ones(3, 1, 1), graph, score="cosine", return_weights=True)
    torch.testing.assert_close(weights, torch.full((9, 1), 1 / 3))
    out.sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_the_sharpness_learns(backend):
    graph = ga.testing.zoo()["hub"]
    torch.manual_seed(0)
    x = torch.randn(graph.num_nodes, 3, 5, dtype=torch.float64, requires_grad=True)
    beta = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda beta: ga.attention(x, x, x, graph, score=Cosine(beta), backend=backend).sin(), (beta,), fast_mode=True
    )
