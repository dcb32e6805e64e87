"""Hard attention: draws follow the weights, and gradients follow the published estimators."""

import pytest
import torch

import graphattn as ga
from graphattn.nn import Reinforce, gumbel_softmax, log_probability, sample_edges, straight_through

GRAPH = ga.Graph(torch.tensor([[3, 0, 1, 4, 1, 2], [0, 0, 2, 2, 2, 3]]), num_dst=4, num_src=5)
ROWS = [[0, 1], [], [2, 3, 4], [5]]


def test_draws_follow_the_weights():
    p = torch.tensor([0.1, 0.2, 0.7])
    weights = p.repeat(4000).unsqueeze(1)
    choice = sample_edges(weights, ga.bipartite(4000, 3), generator=torch.Generator().manual_seed(0)).view(4000, 3)
    assert torch.equal(choice.sum(1), torch.ones(4000))
    torch.testing.assert_close(choice.mean(0), p, rtol=0, atol=0.025)  # three standard deviations


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
    hard = ga.nn.normalize_edges(scores, GRAPH, "argmax")
    assert not hard.requires_grad
    soft = ga.nn.normalize_edges(scores, GRAPH)
    through = straight_through(hard, soft)
    assert torch.equal(through, hard)
    values = torch.randn(5, 1, 2)
    loss = ga.nn.weighted_sum(through, values, GRAPH).square().sum()
    (grad,) = torch.autograd.grad(loss, scores, retain_graph=True)
    out = ga.nn.weighted_sum(hard, values, GRAPH)
    (expected,) = torch.autograd.grad((ga.nn.weighted_sum(soft, values, GRAPH) * 2 * out).sum(), scores)
    torch.testing.assert_close(grad, expected)


def test_log_probability():
    weights = torch.tensor([0.25, 0.75, 0.5, 0.25, 0.25, 1.0]).unsqueeze(1)
    choice = torch.tensor([0.0, 1, 0, 1, 0, 1]).unsqueeze(1)
    graph = ga.Graph(torch.tensor([[3, 0, 1, 4, 1, 2], [0, 0, 1, 1, 1, 2]]), num_src=5)
    torch.testing.assert_close(log_probability(choice, weights, graph).exp().flatten(), torch.tensor([0.75, 0.25, 1.0]))


def test_reinforce_is_unbiased_whatever_the_baseline():
    """The mean over all choices, each with its probability, of the surrogate's gradient is that of the mean reward."""
    scores = torch.randn(3, dtype=torch.float64, requires_grad=True)
    rewards = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    p = scores.softmax(0)
    (expected,) = torch.autograd.grad((p * rewards).sum(), scores)
    surrogate = Reinforce().double().eval()
    surrogate.baseline.fill_(0.3)
    total = torch.zeros(3, dtype=torch.float64)
    for choice in range(3):
        loss = surrogate(scores.log_softmax(0)[choice : choice + 1], rewards[choice : choice + 1])
        total -= p[choice].detach() * torch.autograd.grad(loss, scores)[0]
    torch.testing.assert_close(total, expected)


def test_the_baseline_moves_in_training_only():
    surrogate = Reinforce(decay=0.9)
    surrogate(torch.zeros(2), torch.tensor([1.0, 3.0]))
    assert surrogate.baseline.item() == pytest.approx(0.2)
    surrogate.eval()(torch.zeros(2), torch.tensor([1.0, 3.0]))
    assert surrogate.baseline.item() == pytest.approx(0.2)


def test_errors():
    with pytest.raises(ValueError, match="temperature must be positive, got 0"):
        gumbel_softmax(torch.zeros(6, 1), GRAPH, temperature=0)
    with pytest.raises(ValueError, match=r"decay is a share in \[0, 1\), got 1"):
        Reinforce(1.0)
