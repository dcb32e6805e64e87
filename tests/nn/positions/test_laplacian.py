"""Laplacian eigenvectors against dense linear algebra."""

import networkx as nx
import pytest
import torch
from expectation import assert_mean

import graphattn as ga
from graphattn.nn.positions import (
    LaplacianPositions,
    laplacian_eigenvectors,
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
