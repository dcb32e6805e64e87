"""Pictures of attention: drawn without a screen, with what was asked for in them, and clear errors."""

import matplotlib
import pytest
import torch

import graphattn as ga

matplotlib.use("agg")
from matplotlib import pyplot as plt

from graphattn import viz


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def weights_of(graph, heads=None):
    torch.manual_seed(0)
    shape = (graph.num_edges,) if heads is None else (graph.num_edges, heads)
    return torch.rand(shape)


def test_a_sequence_is_a_matrix_with_words():
    graph = ga.causal(4)
    weights = weights_of(graph, 3)
    ax = viz.plot_attention(graph, weights, labels=["the", "cat", "sat", "."])
    drawn = torch.as_tensor(ax.images[0].get_array())
    expected = torch.zeros(4, 4)
    expected[graph.edge_index[1], graph.edge_index[0]] = weights.mean(1)
    torch.testing.assert_close(drawn, expected)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["the", "cat", "sat", "."]
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title()


def test_a_grid_is_laid_over_the_image():
    graph = ga.grid((4, 6), 3)
    ax = viz.plot_attention(graph, weights_of(graph), image=torch.rand(3, 8, 12), node=7)
    heat = torch.as_tensor(ax.images[1].get_array())
    assert heat.shape == (8, 12)
    seen = graph.edge_index[0][graph.edge_index[1] == 7]
    assert set((heat[::2, ::2].reshape(-1) > 0).nonzero().squeeze(1).tolist()) == set(seen.tolist())
    with pytest.raises(ValueError, match="no multiple of a grid"):
        viz.plot_attention(graph, weights_of(graph), image=torch.rand(7, 12))


def test_a_small_network_and_a_molecule():
    graph = ga.Graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3)
    ax = viz.plot_attention(graph, weights_of(graph))
    assert len(ax.patches) == 4
    pytest.importorskip("rdkit")
    ax = viz.plot_attention(graph, weights_of(graph), molecule="CCO")
    assert {text.get_text() for text in ax.texts} == {"C", "O"}
    with pytest.raises(ValueError, match="2 atoms and the graph 3"):
        viz.plot_attention(graph, weights_of(graph), molecule="CC")


def test_two_sets_of_nodes():
    graph = ga.bipartite([2], [3])
    ax = viz.plot_attention(graph, weights_of(graph), labels=["x", "y"], src_labels=["a", "b", "c"])
    assert ax.images[0].get_array().shape == (2, 3)


def test_what_cannot_be_drawn():
    graph = ga.complete(3)
    with pytest.raises(ValueError, match="style must be"):
        viz.plot_attention(graph, weights_of(graph), style="cloud")
    with pytest.raises(ValueError, match=r"weights are \[E\] or \[E, H\] with 9 edges"):
        viz.plot_attention(graph, torch.ones(8))
    with pytest.raises(ValueError, match="one text for each of 3 nodes"):
        viz.plot_attention(graph, weights_of(graph), labels=["a"])
    with pytest.raises(ValueError, match="too large to draw"):
        viz.plot_attention(ga.Graph(torch.tensor([[0], [1]]), num_nodes=5000), torch.ones(1), style="matrix")
    with pytest.raises(ValueError, match="grid of two axes"):
        viz.plot_attention(graph, weights_of(graph), style="image")


def test_alignment():
    ax = viz.plot_alignment(torch.rand(2, 3), ["je", "t'", "aime"], ["love", "you"])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["je", "t'", "aime"]
    with pytest.raises(ValueError, match=r"\[target, source\]"):
        viz.plot_alignment(torch.rand(3), ["a"], ["b"])


def test_rollout_is_the_product_of_layers():
    graphs = [ga.causal(4), ga.complete(4)]
    weights = []
    for graph in graphs:
        _, found = ga.attention(*torch.rand(3, 4, 2, 3), graph, return_weights=True)
        weights.append(found)
    found = viz.rollout(graphs, weights)
    torch.testing.assert_close(found.sum(1), torch.ones(4))
    matrices = []
    for graph, weight in zip(graphs, weights, strict=True):
        matrix = torch.zeros(4, 4)
        matrix[graph.edge_index[1], graph.edge_index[0]] = weight.mean(1)
        matrices.append((torch.eye(4) + matrix) / 2)
    torch.testing.assert_close(found, matrices[1] @ matrices[0])
    alone = ga.Graph(torch.tensor([[0], [1]]), num_nodes=3)
    assert viz.rollout(alone, [torch.ones(1)])[2].tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="one graph for each layer"):
        viz.rollout(graphs, weights[:1])


def test_heads_share_their_colors():
    graph = ga.complete(5)
    weights = weights_of(graph, 6)
    figure = viz.head_grid(graph, weights, labels=list("abcde"))
    drawn = [ax.images[0].get_clim() for ax in figure.axes if ax.images and ax.get_title()]
    assert len(drawn) == 6 and len(set(drawn)) == 1


def test_cost_of_kinds_of_graphs():
    figure = viz.plot_cost({"full": ga.complete, "window": lambda n: ga.window(n, 4)}, [64, 256, 1024])
    full, window = (line.get_ydata() for line in figure.axes[0].lines)
    assert full[2] / full[1] > 12 and window[2] / window[1] < 6
    with pytest.raises(ValueError, match="needs a kind"):
        viz.plot_cost({}, [1])
