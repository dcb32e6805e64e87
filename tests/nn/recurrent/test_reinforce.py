"""REINFORCE: an unbiased gradient whatever the baseline."""

import pytest
import torch
from expectation import assert_mean

import graphattn as ga
from graphattn.nn import Reinforce
from graphattn.nn.functional import log_probability, sample_edges

CHANCES = torch.tensor([[0.1, 0.5], [0.2, 0.3], [0.7, 0.2]])  # of three edges, in two heads
MANY = 20_000
MANY_GRAPHS = ga.bipartite(MANY, 3)


def seeded():
    return torch.Generator().manual_seed(0)


def of_each(edges):
    """Numbers of edges, one row for each destination that draws by itself."""
    return edges.view(MANY, 3, 2)


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


@pytest.mark.parametrize("baseline", [0.0, 5.0])
def test_reinforce_is_unbiased_where_edges_are_drawn(baseline):
    """All three together: the mean over many draws of the surrogate's gradient is that of the mean reward."""
    scores = CHANCES.double().log().repeat(MANY, 1).requires_grad_()
    rewards = torch.tensor([[1.0, 3.0], [-2.0, 0.0], [0.5, 1.0]], dtype=torch.float64)
    weights = ga.nn.functional.normalize_edges(scores, MANY_GRAPHS)
    choice = sample_edges(weights, MANY_GRAPHS, generator=seeded())
    surrogate = Reinforce().double()
    surrogate.baseline.fill_(baseline)
    log_prob = log_probability(choice, weights, MANY_GRAPHS)
    loss = surrogate(log_prob, (of_each(choice) * rewards).sum(1))
    (grad,) = torch.autograd.grad(-loss * log_prob.numel(), scores)
    want = CHANCES * (rewards - (CHANCES * rewards).sum(0))
    assert_mean(of_each(grad), want, rather_than=-want)


def test_the_baseline_moves_in_training_only():
    surrogate = Reinforce(decay=0.9)
    surrogate(torch.zeros(2), torch.tensor([1.0, 3.0]))
    assert surrogate.baseline.item() == pytest.approx(0.2)
    surrogate.eval()(torch.zeros(2), torch.tensor([1.0, 3.0]))
    assert surrogate.baseline.item() == pytest.approx(0.2)
