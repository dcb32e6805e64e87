"""Return probabilities of random walks against powers of the dense matrix."""

import networkx as nx
import pytest
import torch

import graphattn as ga
from graphattn.nn.positions import (
    random_walk_returns,
)

KARATE = ga.from_networkx(nx.karate_club_graph())
SMALL = ga.Graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 4)  # a path of three, and a node alone


def test_random_walk():
    adjacency = torch.from_numpy(nx.to_numpy_array(nx.karate_club_graph(), weight=None)).float()
    walk = adjacency / adjacency.sum(1, keepdim=True)
    want = torch.stack([torch.matrix_power(walk, step).diagonal() for step in range(1, 6)], 1)
    torch.testing.assert_close(random_walk_returns(KARATE, 5), want)
    assert random_walk_returns(SMALL, 3)[3].tolist() == [0, 0, 0]


def test_parallel_edges_count_each():
    graph = ga.Graph(torch.tensor([[0, 0, 0, 1, 2], [1, 1, 2, 0, 0]]), 3)
    torch.testing.assert_close(random_walk_returns(graph, 2), torch.tensor([[0, 1], [0, 2 / 3], [0, 1 / 3]]))


def test_errors():
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        random_walk_returns(KARATE, 0)
    with pytest.raises(ValueError, match="not one number of nodes"):
        random_walk_returns(ga.bipartite(2, 3), 1)
