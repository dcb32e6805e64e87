"""No decoder sees the future: what comes later may change, and what came before stays as it was."""

import pytest
import torch
from torch import nn

import graphattn as ga
from graphattn.models import LanguageModel
from graphattn.nn import MultiheadAttention, PerformerFeatures, Seq2SeqHead, TransformerDecoder, TransformerDecoderLayer
from graphattn.nn.positions import ALiBi, RelativeBias, Rotary
from graphattn.ops.normalizers import NORMALIZERS

EMBED, HEADS, SIZES = 12, 3, [7, 1, 6]
CUT = 4  # what comes from here on in a sequence is its future


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def is_past():
    return torch.cat([torch.arange(size) < CUT for size in SIZES])


def check(fn, x, other):
    """The past of fn(x) is that of fn(x with the future of `other`), and the future is not."""
    past = is_past()
    changed = torch.where(past.view(-1, *[1] * (x.ndim - 1)), x, other)
    before, after = fn(x), fn(changed)
    torch.testing.assert_close(after[past], before[past])
    assert (after - before)[~past].abs().max() > 1e-6


def numbers():
    return torch.randn(sum(SIZES), EMBED, dtype=torch.float64)


GRAPHS = {
    "causal": ga.causal(SIZES),
    "window": ga.window(SIZES, radius=3, causal=True),
    "strided": ga.strided(SIZES, stride=2, causal=True),
}


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("score", ["dot", "cosine", "additive", "sum"])
@pytest.mark.parametrize("normalize", NORMALIZERS)
def test_attention(graph, score, normalize):
    layer = MultiheadAttention(EMBED, HEADS, score=score, normalize=normalize).double()
    check(lambda x: layer(x.abs(), GRAPHS[graph]), numbers(), numbers())


@pytest.mark.parametrize("graph", GRAPHS)
def test_features_of_a_performer(graph):
    """Its constant is that of all keys, and cancels."""
    features = PerformerFeatures(EMBED // HEADS)
    layer = MultiheadAttention(EMBED, HEADS, normalize="linear", feature_map=features).double()
    check(lambda x: layer(x, GRAPHS[graph]), numbers(), numbers())


def test_hashed_attention():
    layer = ga.nn.LSHAttention(EMBED, HEADS, num_buckets=2, rounds=2).double().eval()

    def fn(x):
        torch.manual_seed(1)
        return layer(x, GRAPHS["causal"])

    check(fn, numbers(), numbers())


@pytest.mark.parametrize("kind", ["plain", "post-norm", "rotary", "ALiBi", "T5"])
def test_decoder(kind):
    def layer():
        attention = MultiheadAttention(EMBED, HEADS, rotary=Rotary(EMBED // HEADS) if kind == "rotary" else None)
        return TransformerDecoderLayer(EMBED, HEADS, attention=attention, norm_first=kind != "post-norm")

    bias = {"ALiBi": ALiBi(HEADS), "T5": RelativeBias(HEADS, bidirectional=False)}.get(kind)
    decoder = TransformerDecoder([layer(), layer()], norm=nn.LayerNorm(EMBED), bias=bias).double().eval()
    memory = torch.randn(9, EMBED, dtype=torch.float64)
    look = ga.bipartite(SIZES, [4, 2, 3])
    check(lambda x: decoder(x, ga.causal(SIZES), memory, look), numbers(), numbers())


def tokens():
    return torch.randint(1, 6, (sum(SIZES),)), torch.randint(6, 11, (sum(SIZES),))


def test_language_model():
    model = LanguageModel(11, EMBED, HEADS, 2).double().eval()
    check(lambda given: model(given, SIZES), *tokens())


def test_head_for_sequences():
    head = Seq2SeqHead(11, EMBED, HEADS, 2, start=0, end=10).double().eval()
    nodes, graph = torch.randn(9, EMBED, dtype=torch.float64), ga.complete([4, 2, 3])
    check(lambda given: head(nodes, graph, given, SIZES), *tokens())


@pytest.mark.parametrize("decoder", [ga.nn.BahdanauDecoder, ga.nn.LuongDecoder])
@pytest.mark.parametrize("align", [ga.nn.Alignment, ga.nn.LocalAlignment])
def test_recurrent_decoders(decoder, align):
    encoder = ga.nn.RecurrentEncoder(11, 5, 6)
    model = ga.models.Seq2Seq(encoder, decoder(11, 5, align(6, 12), 12), start=0, end=10).double()
    sources = [torch.tensor([3, 4]), torch.tensor([5, 6, 7]), torch.tensor([2])]
    given = torch.randint(1, 6, (3, 6))
    changed = torch.where(torch.arange(6) < CUT, given, given + 5)
    before, after = model(sources, given), model(sources, changed)
    torch.testing.assert_close(after.logits[:, :CUT], before.logits[:, :CUT])
    torch.testing.assert_close(after.alignments[:CUT], before.alignments[:CUT])
    assert (after.logits - before.logits)[:, CUT:].abs().min() > 0
