"""Shortest paths against NetworkX, and the biases made of them."""

import networkx as nx
import pytest
import torch

import graphattn as ga
from graphattn.nn.positions import (
    PathBias,
    SpatialBias,
    shortest_paths,
)

KARATE = ga.from_networkx(nx.karate_club_graph())
SMALL = ga.Graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 4)  # a path of three, and a node alone


def test_shortest_paths():
    pairs, distance, _ = shortest_paths(ga.batch([SMALL, KARATE]), max_distance=4)
    assert pairs == ga.complete([4, 34])
    assert distance[:16].view(4, 4).tolist() == [[0, 1, 2, 5], [1, 0, 1, 5], [2, 1, 0, 5], [5, 5, 5, 0]]
    lengths = dict(nx.all_pairs_shortest_path_length(nx.karate_club_graph()))
    want = [min(lengths[i][j], 4) for i in range(34) for j in range(34)]
    assert distance[16:].tolist() == want
    bias = SpatialBias(4, num_heads=3)
    assert torch.equal(bias(distance), bias.table.weight[distance])
    assert bias.table.weight.shape == (6, 3)


@pytest.mark.parametrize("max_distance", [2, 7])
def test_edges_of_the_paths(max_distance):
    torch.manual_seed(0)
    one_way = ga.Graph(torch.randint(9, (2, 14)), 9)
    graph = ga.batch([SMALL, one_way, KARATE])
    src, dst = graph.edge_index
    pairs, distance, edges = shortest_paths(graph, max_distance)
    attr, bias = torch.randn(graph.num_edges, 3), PathBias(3, max_distance, num_heads=2)
    got = bias(attr, edges)
    for pair, (j, i) in enumerate(pairs.edge_index.t().tolist()):
        path = [edge for edge in edges[pair].tolist() if edge >= 0]
        assert edges[pair, len(path) :].tolist() == [-1] * (max_distance - len(path))
        assert len(path) == (0 if distance[pair] > max_distance else distance[pair])
        here, want = i, torch.zeros(2)
        for n, edge in enumerate(path):
            assert dst[edge] == here
            here = int(src[edge])
            want += attr[edge] @ bias.weight[n] / len(path)
        if 0 < len(path) < max_distance:
            assert here == j
        torch.testing.assert_close(got[pair], want)


def test_paths_of_graphs_without_edges():
    none = ga.Graph(torch.empty(2, 0, dtype=torch.int64), 2)
    pairs, distance, edges = shortest_paths(none, 3)
    assert pairs == ga.complete(2)
    assert distance.tolist() == [0, 4, 4, 0]
    assert edges.tolist() == [[-1] * 3] * 4
