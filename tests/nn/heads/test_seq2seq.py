"""One sequence per graph."""

import pytest
import torch

import graphattn as ga
from graphattn.nn import Seq2SeqHead

EMBED, SIZES = 6, [4, 1, 3]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


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
