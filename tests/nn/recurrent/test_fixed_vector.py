"""Without attention every step gets the summary."""

import pytest
import torch

from graphattn.nn import (
    Alignment,
    BahdanauDecoder,
    FixedVector,
    LuongDecoder,
    RecurrentEncoder,
)


@pytest.mark.parametrize("kind", [BahdanauDecoder, LuongDecoder])
def test_without_attention_every_step_is_given_the_summary(kind):
    torch.manual_seed(0)
    encoder = FixedVector(RecurrentEncoder(20, 5, 3))
    align = Alignment(4, encoder.memory_dim, score="none")
    assert not list(align.parameters())
    decoder = kind(11, 3, align, encoder.summary_dim)
    encoded = encoder([torch.tensor([5, 3, 7]), torch.tensor([2])])
    state, source = decoder.begin(encoded), decoder.source(encoded)
    for tokens in torch.randint(11, (2, 3, 2))[0]:
        state, aligned = decoder.move(decoder.embedding(tokens), state, source)
        torch.testing.assert_close(aligned.context, encoded.summary)
        torch.testing.assert_close(aligned.weights, torch.ones(2))
    assert decoder(torch.randint(11, (2, 4)), encoded).logits.shape == (2, 4, 11)
