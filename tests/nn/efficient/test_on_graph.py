"""A layer on a graph that follows from another: made once for the same sizes."""

import torch

import graphattn as ga

EMBED, HEADS = 12, 3


def test_a_graph_is_made_once_for_the_same_sizes():
    calls = []

    def connect(graph):
        calls.append(graph.sizes)
        return ga.window(graph.sizes, radius=1)

    layer, x = ga.nn.OnGraph(ga.nn.MultiheadAttention(EMBED, HEADS), connect), torch.randn(7, EMBED)
    layer(x, ga.complete([4, 3]))
    layer(x, ga.complete([4, 3]))
    layer(x, ga.complete([3, 4]))
    assert calls == [(4, 3), (3, 4)]
