"""ALiBi's slopes are those of the paper."""

import pytest
import torch

import graphattn as ga
from graphattn.nn.positions import (
    ALiBi,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_alibi_slopes_are_the_papers():
    assert ALiBi(8).slopes.tolist() == [2.0**-h for h in range(1, 9)]
    twelve = ALiBi(12).slopes
    torch.testing.assert_close(twelve[8:], 2.0 ** (-torch.tensor([1, 3, 5, 7]) / 2))
    assert twelve[:8].tolist() == ALiBi(8).slopes.tolist()
    graph, bias = ga.causal(5), ALiBi(4)
    src, dst = graph.edge_index
    torch.testing.assert_close(bias(graph), -(dst - src)[:, None] * bias.slopes)
    far = bias(ga.bipartite(1, 3), torch.tensor([7]), torch.tensor([5, 6, 7]))
    torch.testing.assert_close(far, -torch.tensor([2, 1, 0])[:, None] * bias.slopes)
