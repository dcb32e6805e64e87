"""Bahdanau's and Luong's decoders against their equations, one step of one sentence at a time."""

import pytest
import torch

from graphattn.nn import (
    Alignment,
    BahdanauDecoder,
    HardAlignment,
    LocalAlignment,
    LuongDecoder,
)
from graphattn.nn.recurrent import Encoded

SIZES = [3, 1, 5]


def make(kind, align, cell):
    torch.manual_seed(0)
    decoder = kind(11, 3, align, 7, cell=cell).double()
    encoded = Encoded(torch.randn(9, 6, dtype=torch.float64), SIZES, torch.randn(3, 7, dtype=torch.float64))
    return decoder, encoded, torch.randint(11, (3, 4))


def softmax_context(align, query, memory):
    """The general score's context and weights of one query."""
    alpha = torch.stack([query @ align.key.weight @ h for h in memory]).softmax(0)
    return alpha @ memory, alpha


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("kind", [BahdanauDecoder, LuongDecoder])
def test_equations(kind, cell):
    align = Alignment(4, 6, score="general")
    decoder, encoded, tokens = make(kind, align, cell)
    got = decoder(tokens, encoded)
    assert got.log_prob is None
    for b, memory in enumerate(encoded.memory.split(SIZES)):
        h = torch.tanh(decoder.start(encoded.summary[b]))
        state = (h, torch.zeros_like(h)) if cell == "lstm" else h
        feature = torch.zeros(4, dtype=torch.float64)
        for t, token in enumerate(tokens[b]):
            e = decoder.embedding.weight[token]
            if kind is BahdanauDecoder:
                c, alpha = softmax_context(align, h, memory)
                state = decoder.cell(torch.cat([e, c]), state)
                h = state[0] if cell == "lstm" else state
                pairs = decoder.join(torch.cat([h, e, c]))
                feature = torch.maximum(pairs[0::2], pairs[1::2])
            else:
                state = decoder.cell(torch.cat([e, feature]), state)
                h = state[0] if cell == "lstm" else state
                c, alpha = softmax_context(align, h, memory)
                feature = torch.tanh(decoder.join(torch.cat([c, h])))
            torch.testing.assert_close(got.logits[b, t], decoder.output(feature))
            torch.testing.assert_close(got.alignments[t].split(SIZES)[b], alpha)


def test_cells_are_the_papers_unless_given():
    for kind, cell in ((BahdanauDecoder, torch.nn.GRUCell), (LuongDecoder, torch.nn.LSTMCell)):
        assert isinstance(kind(11, 3, Alignment(4, 6), 7).cell, cell)
    with pytest.raises(ValueError, match='cell is "gru" or "lstm", got \'rnn\''):
        LuongDecoder(11, 3, Alignment(4, 6), 7, cell="rnn")


@pytest.mark.parametrize("predict", [True, False])
def test_local_alignments_lie_in_the_window(predict):
    align = LocalAlignment(4, 6, radius=1, predict=predict)
    decoder, encoded, tokens = make(LuongDecoder, align, "gru")
    alignments = decoder(tokens, encoded).alignments
    assert alignments.shape == (4, 9)
    for t, row in enumerate(alignments):
        for size, weights in zip(SIZES, row.split(SIZES), strict=True):
            seen = weights.nonzero().squeeze(1).tolist()
            assert len(seen) <= 3
            if not predict:
                assert seen == [j for j in range(size) if abs(j - t) <= 1]


def test_hard_attention_tells_how_likely_its_places_were():
    align = HardAlignment(4, 6)
    decoder, encoded, tokens = make(BahdanauDecoder, align, "lstm")
    got = decoder(tokens, encoded)
    assert got.log_prob.shape == (3, 4)
    assert got.log_prob[1].eq(0).all()  # a memory of one part leaves no choice
    assert (got.log_prob[[0, 2]] < 0).all()
    assert got.alignments.unique().tolist() == [0, 1]
    got.log_prob.sum().backward()
    assert align.vector.grad.abs().max() > 1e-9


@pytest.mark.parametrize("align", [Alignment, HardAlignment, LocalAlignment])
@pytest.mark.parametrize("kind", [BahdanauDecoder, LuongDecoder])
def test_autocast(kind, align):
    """Its linear maps run in half precision, its recurrent cell does not."""
    torch.manual_seed(0)
    decoder = kind(11, 3, align(4, 6, score="general"), 7).eval()
    encoded = Encoded(torch.randn(9, 6), SIZES, torch.randn(3, 7))
    tokens = torch.randint(11, (3, 4))
    want = decoder(tokens, encoded).logits
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = decoder(tokens, encoded).logits
    torch.testing.assert_close(found.float(), want, atol=0.05, rtol=0.05)
    found.float().square().sum().backward()
    assert all(parameter.grad.norm() > 1e-3 for parameter in [decoder.embedding.weight, decoder.cell.weight_hh])


def test_tokens_of_other_inputs():
    decoder, encoded, tokens = make(LuongDecoder, Alignment(4, 6), "gru")
    for wrong in (tokens[:2], tokens[:, :0], tokens[0]):
        with pytest.raises(ValueError, match=r"tokens must be \[3, 1 or more\], got \["):
            decoder(wrong, encoded)
