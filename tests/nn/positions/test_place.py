"""Positions of nodes within their graphs."""

import pytest
import torch

import graphattn as ga
from graphattn.nn.positions import (
    distances,
    places,
    sizes_of,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_places():
    assert sizes_of(ga.Graph(torch.tensor([[0], [1]]), 4)) == ((4,), (4,))
    dst, src = places(ga.union(ga.hub([3, 2], hubs=1), ga.window([3, 2], radius=1)))
    assert dst.tolist() == src.tolist() == [0, 1, 2, 0, 1]
    graph = ga.bipartite([1, 2], [2, 1])
    assert distances(graph, None, None).tolist() == [0, 1, 0, -1]
    assert distances(graph, torch.tensor([5, 6, 7]), torch.tensor([0, 1, 2])).tolist() == [-5, -4, -4, -5]
