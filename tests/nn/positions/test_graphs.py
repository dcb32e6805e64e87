"""Positions in graphs, each by its published formula."""

import networkx as nx
import pytest
import torch
from expectation import assert_mean

import graphattn as ga
from graphattn.nn.positions import (
    DegreeEncoding,
    LaplacianPositions,
    PathBias,
    SpatialBias,
    laplacian_eigenvectors,
    random_walk_returns,
    shortest_paths,
)

KARATE = ga.from_networkx(nx.karate_club_graph())
SMALL = ga.Graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 4)  # a path of three, and a node alone


def test_laplacian_eigenvectors():
    waves = laplacian_eigenvectors(KARATE, 4).double()
    adjacency = torch.from_numpy(nx.to_numpy_array(nx.karate_club_graph(), weight=None))
    root = adjacency.sum(1).rsqrt()
    matrix = torch.eye(34) - root[:, None] * adjacency * root
    values = torch.linalg.eigvalsh(matrix)
    torch.testing.assert_close(matrix @ waves, waves * values[1:5], atol=1e-5, rtol=0)
    torch.testing.assert_close(waves.t() @ waves, torch.eye(4).double(), atol=1e-5, rtol=0)


def test_laplacian_of_a_batch_is_that_of_each_and_small_graphs_are_filled_up():
    both = laplacian_eigenvectors(ga.batch([SMALL, KARATE]), 5)
    torch.testing.assert_close(both[4:].abs(), laplacian_eigenvectors(KARATE, 5).abs(), atol=1e-5, rtol=0)
    assert both[:4, 3:].abs().max() == 0
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        laplacian_eigenvectors(KARATE, 0)


def test_laplacian_of_a_large_graph():
    graph = ga.window(700, radius=1)
    waves = laplacian_eigenvectors(graph, 2).double()
    dense = torch.from_numpy(nx.normalized_laplacian_matrix(nx.path_graph(700)).toarray())
    values = torch.linalg.eigvalsh(dense)[1:3]
    torch.testing.assert_close(dense @ waves, waves * values, atol=1e-5, rtol=0)


def test_signs_flip_in_training_only_and_for_a_whole_graph():
    torch.manual_seed(0)
    graph = ga.batch([KARATE, KARATE])
    waves, layer = laplacian_eigenvectors(graph, 3), LaplacianPositions(3, 3)
    layer.map.weight.data, layer.map.bias.data = torch.eye(3), torch.zeros(3)
    flipped = []
    for _ in range(200):
        out = layer(waves, graph)
        signs = torch.stack([(out[part] / waves[part]).nanmedian(0).values for part in (slice(34), slice(34, 68))])
        torch.testing.assert_close(out, waves * signs.repeat_interleave(34, 0))
        flipped.append(signs.flatten())
    flipped = torch.stack(flipped)  # six signs, each as often −1 as 1 and independent of the others
    assert_mean(flipped, 0.0, rather_than=1.0)
    assert_mean(flipped.unsqueeze(1) * flipped.unsqueeze(2), torch.eye(6), rather_than=torch.ones(6, 6))
    assert torch.equal(layer.eval()(waves, graph), waves)


def test_random_walk():
    adjacency = torch.from_numpy(nx.to_numpy_array(nx.karate_club_graph(), weight=None)).float()
    walk = adjacency / adjacency.sum(1, keepdim=True)
    want = torch.stack([torch.matrix_power(walk, step).diagonal() for step in range(1, 6)], 1)
    torch.testing.assert_close(random_walk_returns(KARATE, 5), want)
    assert random_walk_returns(SMALL, 3)[3].tolist() == [0, 0, 0]


def test_degree():
    layer = DegreeEncoding(1, 3)
    got = layer(ga.Graph(torch.tensor([[0, 1, 2], [1, 1, 1]]), 4))
    z_in, z_out = layer.of_in.weight, layer.of_out.weight
    want = torch.stack([z_in[0] + z_out[1], z_in[1] + z_out[1], z_in[0] + z_out[1], z_in[0] + z_out[0]])
    torch.testing.assert_close(got, want)


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
