"""Pairs that no edge links, drawn for a loss: each as often as any other."""

import pytest
import torch
from expectation import assert_mean

pytest.importorskip("torch_geometric")

from graphattn.nn.pyg.conv.negative_pairs import negative_pairs, weighted_negative_pairs

NODES, EDGES, DRAWS = 7, torch.tensor([[0, 0, 1, 3, 6], [1, 2, 4, 3, 2]]), 1000


def counted(pairs, weights=None):
    counts = torch.zeros(NODES, NODES)
    return counts.index_put_((pairs[0], pairs[1]), torch.ones(pairs.size(1)) if weights is None else weights)


def expected(ratio):
    """What is drawn, spread evenly over the pairs that no edge links either way; nobody is a pair with itself."""
    free = ~torch.eye(NODES, dtype=torch.bool)
    free[EDGES[0], EDGES[1]] = free[EDGES[1], EDGES[0]] = False
    return free * int(ratio * EDGES.size(1)) / free.sum()


def one_way(ratio):
    """The same, were all drawn from a node to one after it."""
    return 2 * expected(ratio).triu()


@pytest.mark.parametrize("ratio", [1.0, 1.5])
def test_every_pair_without_an_edge_is_drawn_equally_often(ratio):
    draws = torch.stack([counted(negative_pairs(EDGES, NODES, ratio, None, False)) for _ in range(DRAWS)])
    assert_mean(draws, expected(ratio), rather_than=one_way(ratio))


def test_a_compiled_program_draws_the_same():
    draws = [counted(*weighted_negative_pairs(EDGES, None, NODES, 1.5, None, False)) for _ in range(DRAWS)]
    assert_mean(torch.stack(draws), expected(1.5), rather_than=one_way(1.5))
