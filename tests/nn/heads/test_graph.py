"""Three shapes of an answer: for each node, for each graph, a sequence."""

import pytest
import torch

import graphattn as ga
from graphattn.nn import GraphHead, NodeHead, Seq2SeqHead

EMBED, SIZES = 6, [4, 1, 3]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_node_head():
    head, x = NodeHead(EMBED, 5, dropout=0.5).eval(), torch.randn(8, EMBED)
    torch.testing.assert_close(head(x, ga.complete(SIZES)), x @ head.out.weight.T + head.out.bias)
    head.train()
    assert not torch.equal(head(x), head(x))


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


def head_of(**options):
    return Seq2SeqHead(7, 8, 2, 2, start=5, end=6, memory_dim=EMBED, **options).double().eval()


def test_loss_is_the_cross_entropy_of_each_sequence():
    head, x, graph = head_of(), torch.randn(8, EMBED, dtype=torch.float64), ga.complete(SIZES)
    targets = [torch.tensor([1, 2]), torch.tensor([], dtype=torch.int64), torch.tensor([4, 0, 3, 3])]
    total, count = 0.0, 0
    for nodes, target in zip(x.split(SIZES), targets, strict=True):
        given, wanted = torch.cat([torch.tensor([5]), target]), torch.cat([target, torch.tensor([6])])
        scores = head(nodes, ga.complete(len(nodes)), given, [len(given)])
        total -= scores.log_softmax(1)[torch.arange(len(wanted)), wanted].sum()
        count += len(wanted)
    torch.testing.assert_close(head.loss(x, graph, targets), total / count)


def test_generate_scores_are_what_the_loss_says():
    head, x, graph = head_of(), torch.randn(8, EMBED, dtype=torch.float64), ga.complete(SIZES)
    for found, nodes in zip(
        head.generate(x, graph, max_length=6, num_beams=3, length_penalty=0.0), x.split(SIZES), strict=True
    ):
        for hypothesis in found:
            if len(hypothesis.tokens) < 6:
                target = [torch.tensor(hypothesis.tokens, dtype=torch.int64)]
                loss = head.loss(nodes, ga.complete(len(nodes)), target) * (len(hypothesis.tokens) + 1)
                assert hypothesis.score == pytest.approx(-loss.item(), abs=1e-4)


def test_sequences_that_do_not_fit():
    head, x = head_of(), torch.randn(8, EMBED, dtype=torch.float64)
    with pytest.raises(ValueError, match="targets holds a sequence for each of 3 graphs, got 2"):
        head.loss(x, ga.complete(SIZES), [torch.tensor([1])] * 2)
    with pytest.raises(ValueError, match=r"graph must have 8 destinations and 8 sources"):
        head.generate(x, ga.complete([4, 3]), max_length=2)
