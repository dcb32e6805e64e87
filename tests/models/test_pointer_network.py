"""The pointer network's probabilities against the formula, step by step, and its answers against a search."""

import itertools

import pytest
import torch

from graphattn.models import PointerNetwork


@pytest.fixture
def network():
    torch.manual_seed(0)
    return PointerNetwork(2, hidden_dim=8).double()


def step_by_step(network, x, places):
    """log p of an answer, with one cell step and one softmax at a time."""
    embedded = torch.cat([network.embed(x), network.stop])
    states, (h, c) = network.encoder(embedded)
    keys = network.key(states)
    state = (torch.cat([h[0], h[1]])[None], torch.cat([c[0], c[1]])[None])
    fed, total, visited = network.first, 0.0, []
    for place in [*places, len(x)]:
        d, state = network.decoder(fed, state)
        u = torch.stack([network.vector[0] @ (key + network.query.weight @ d[0]).tanh() for key in keys])
        u[visited] = -torch.inf
        total = total + u.log_softmax(0)[place]
        visited.append(place)
        fed = embedded[place : place + 1]
    return total


def test_log_probability(network):
    sets = [torch.randn(4, 2, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)]
    places = [torch.tensor([2, 0, 3]), torch.tensor([1])]
    got = network(sets, places)
    for x, answer, log_p in zip(sets, places, got, strict=True):
        torch.testing.assert_close(log_p, step_by_step(network, x, answer.tolist()))
    network.zero_grad()
    got.sum().backward()
    ours = [p.grad.clone() for p in network.parameters()]
    network.zero_grad()
    sum(step_by_step(network, x, a.tolist()) for x, a in zip(sets, places, strict=True)).backward()
    torch.testing.assert_close(ours, [p.grad for p in network.parameters()])


def test_all_answers_together_are_certain(network):
    x = torch.randn(3, 2, dtype=torch.float64)
    answers = [list(a) for m in range(4) for a in itertools.permutations(range(3), m)]
    log_p = network([x] * len(answers), [torch.tensor(a, dtype=torch.int64) for a in answers])
    assert log_p.exp().sum().item() == pytest.approx(1)


def test_pointing_takes_the_best_at_each_step(network):
    sets = [torch.randn(n, 2, dtype=torch.float64) for n in (5, 2, 4)]
    for x, answer in zip(sets, network.point(sets), strict=True):
        weights = network.weights(x, answer)
        assert torch.equal(weights.argmax(1), torch.cat([answer, torch.tensor([len(x)])]))
        torch.testing.assert_close(weights.sum(1), torch.ones(len(answer) + 1, dtype=torch.float64))


def test_answers_that_cannot_be(network):
    x = torch.zeros(3, 2, dtype=torch.float64)
    with pytest.raises(ValueError, match="one answer for each set, got 1 for 2 sets"):
        network([x, x], [torch.tensor([0])])
    for place in (3, -1):
        with pytest.raises(ValueError, match=r"from 0, but of \[0, 1, -?\d\] one is not there"):
            network([x, x], [torch.tensor([0]), torch.tensor([1, place])])
    with pytest.raises(ValueError, match="names an element twice"):
        network([x], [torch.tensor([1, 1])])


def test_errors():
    with pytest.raises(ValueError, match="hidden_dim must be even and at least 2, got 7"):
        PointerNetwork(2, hidden_dim=7)
