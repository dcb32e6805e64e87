"""Hard attention: draws follow the weights, and gradients follow the published estimators."""

import pytest
import torch
from expectation import assert_mean

import graphattn as ga
from graphattn.nn import Reinforce
from graphattn.nn.functional import gumbel_softmax, log_probability, sample_edges, straight_through

GRAPH = ga.Graph(torch.tensor([[3, 0, 1, 4, 1, 2], [0, 0, 2, 2, 2, 3]]), num_dst=4, num_src=5)
ROWS = [[0, 1], [], [2, 3, 4], [5]]
CHANCES = torch.tensor([[0.1, 0.5], [0.2, 0.3], [0.7, 0.2]])  # of three edges, in two heads
MANY = 20_000
MANY_GRAPHS = ga.bipartite(MANY, 3)
UNIFORM = torch.full((3, 2), 1 / 3)


def seeded():
    return torch.Generator().manual_seed(0)


def of_each(edges):
    """Numbers of edges, one row for each destination that draws by itself."""
    return edges.view(MANY, 3, 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_draws_follow_the_weights(dtype):
    weights = CHANCES.to(dtype).repeat(MANY, 1)
    choice = of_each(sample_edges(weights, MANY_GRAPHS, generator=seeded()))
    assert torch.equal(choice.sum(1), choice.new_ones(MANY, 2))
    assert_mean(choice, CHANCES, rather_than=UNIFORM)
    assert_mean(choice[:, :, :1] * choice[:, :, 1:].mT, CHANCES[:, :1] * CHANCES[:, 1:].mT)  # heads are independent


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_hard_gumbel_softmax_is_a_draw_whatever_the_temperature(temperature):
    scores = CHANCES.log().repeat(MANY, 1)
    choice = of_each(gumbel_softmax(scores, MANY_GRAPHS, temperature=temperature, generator=seeded()))
    assert_mean(choice, CHANCES, rather_than=UNIFORM)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_soft_gumbel_softmax_has_the_concrete_distribution(temperature):
    """Of two edges: logit(y) · τ is logistic around the difference of the scores (Maddison et al., section 3.1)."""
    scores = torch.tensor([0.4, -0.8], dtype=torch.float64).repeat(MANY).unsqueeze(1)
    y = gumbel_softmax(scores, ga.bipartite(MANY, 2), temperature=temperature, hard=False, generator=seeded())
    logits = -y.view(MANY, 2).log().diff().flatten() * temperature - 1.2
    assert_mean(logits, 0.0, rather_than=1.2)
    assert_mean(logits.square(), torch.pi**2 / 3, rather_than=1.0)
    assert_mean(logits < 1, torch.tensor(1.0).sigmoid(), rather_than=0.5)


def test_draws_repeat_with_the_seed_and_differ_between_heads():
    weights = torch.full((300, 2), 0.1)
    first, again, other = (
        sample_edges(weights, ga.bipartite(30, 10), generator=torch.Generator().manual_seed(s)) for s in (5, 5, 6)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[:, 0], first[:, 1])


def test_nothing_of_weight_zero_is_drawn():
    weights = torch.tensor([1.0, 0, 0, 1, 0, 1]).unsqueeze(1)
    assert torch.equal(sample_edges(weights, GRAPH), weights)


def test_gumbel_softmax_is_the_formula():
    scores = torch.randn(6, 1, requires_grad=True)
    soft = gumbel_softmax(scores, GRAPH, temperature=0.7, hard=False, generator=torch.Generator().manual_seed(3))
    noise = -torch.empty(6, 1).exponential_(generator=torch.Generator().manual_seed(3)).log()
    for row in ROWS:
        torch.testing.assert_close(soft[row], ((scores + noise)[row] / 0.7).softmax(dim=0))
    hard = gumbel_softmax(scores, GRAPH, temperature=0.7, generator=torch.Generator().manual_seed(3))
    for row in filter(None, ROWS):
        assert hard[row].argmax() == soft[row].argmax()
        assert sorted(hard[row].flatten().tolist()) == [0.0] * (len(row) - 1) + [1.0]
    grad = torch.randn(6, 1)
    torch.testing.assert_close(*(torch.autograd.grad(x, scores, grad)[0] for x in (hard, soft)))


def test_argmax_gives_its_scores_no_gradient_and_straight_through_does():
    scores = torch.randn(6, 1, requires_grad=True)
    hard = ga.nn.functional.normalize_edges(scores, GRAPH, "argmax")
    assert not hard.requires_grad
    soft = ga.nn.functional.normalize_edges(scores, GRAPH)
    through = straight_through(hard, soft)
    assert torch.equal(through, hard)
    values = torch.randn(5, 1, 2)
    loss = ga.nn.functional.weighted_sum(through, values, GRAPH).square().sum()
    (grad,) = torch.autograd.grad(loss, scores, retain_graph=True)
    out = ga.nn.functional.weighted_sum(hard, values, GRAPH)
    (expected,) = torch.autograd.grad((ga.nn.functional.weighted_sum(soft, values, GRAPH) * 2 * out).sum(), scores)
    torch.testing.assert_close(grad, expected)


def test_log_probability():
    weights = torch.tensor([0.25, 0.75, 0.5, 0.25, 0.25, 1.0]).unsqueeze(1)
    choice = torch.tensor([0.0, 1, 0, 1, 0, 1]).unsqueeze(1)
    graph = ga.Graph(torch.tensor([[3, 0, 1, 4, 1, 2], [0, 0, 1, 1, 1, 2]]), num_src=5)
    torch.testing.assert_close(log_probability(choice, weights, graph).exp().flatten(), torch.tensor([0.75, 0.25, 1.0]))


def test_errors():
    with pytest.raises(ValueError, match="temperature must be positive, got 0"):
        gumbel_softmax(torch.zeros(6, 1), GRAPH, temperature=0)
    with pytest.raises(ValueError, match=r"decay is a share in \[0, 1\), got 1"):
        Reinforce(1.0)
