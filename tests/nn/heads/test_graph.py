"""One output per graph, by each pooling."""

import pytest
import torch

import graphattn as ga
from graphattn.nn import GraphHead

EMBED, SIZES = 6, [4, 1, 3]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("pooling", ["mean", "first", "attention"])
def test_graph_head(pooling):
    head, x = GraphHead(EMBED, 5, pooling=pooling, num_heads=2), torch.randn(8, EMBED)
    pieces = x.split(SIZES)
    if pooling == "mean":
        pooled = torch.stack([piece.mean(0) for piece in pieces])
    elif pooling == "first":
        pooled = torch.stack([piece[0] for piece in pieces])
    else:
        zero = torch.zeros(4, dtype=torch.int64)
        pooled = torch.cat([head.attention(piece, zero[: len(piece)], 1) for piece in pieces])
    torch.testing.assert_close(head(x, ga.complete(SIZES)), head.out(pooled))


def test_graphs_without_nodes():
    x, graph = torch.randn(3, EMBED), ga.complete([0, 3])
    assert torch.equal(GraphHead(EMBED, 2).pool(x, graph)[0], torch.zeros(EMBED))
    with pytest.raises(ValueError, match="one of the batch has none"):
        GraphHead(EMBED, 2, pooling="first")(x, graph)
    with pytest.raises(ValueError, match="pooling is one of mean, first, attention; got 'max'"):
        GraphHead(EMBED, 2, pooling="max")


@pytest.mark.parametrize("pooling", ["mean", "first", "attention"])
def test_an_edge_index_is_one_graph_and_there_may_be_none(pooling):
    head, x = GraphHead(EMBED, 2, pooling=pooling), torch.randn(4, EMBED)
    torch.testing.assert_close(head(x, torch.tensor([[0], [1]])), head(x, ga.complete(4)))
    assert head(x[:0], ga.complete([])).shape == (0, 2)
    with pytest.raises(ValueError, match=r"graph must have 4 destinations and 4 sources.* it has 5 and 5"):
        head(x, ga.complete([2, 3]))
