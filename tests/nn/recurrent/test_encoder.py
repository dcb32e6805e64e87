"""A packed batch of sentences is read as each sentence alone."""

import pytest
import torch

from graphattn.nn import RecurrentEncoder

SENTENCES = [torch.tensor([3, 1, 4]), torch.tensor([1]), torch.tensor([5, 9, 2, 6, 5])]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_each_sentence_alone(cell, num_layers):
    torch.manual_seed(0)
    encoder = RecurrentEncoder(10, 3, 4, cell=cell, num_layers=num_layers).double()
    got = encoder(SENTENCES)
    assert got.sizes == [3, 1, 5]
    for sentence, states, summary in zip(SENTENCES, got.memory.split(got.sizes), got.summary, strict=True):
        expected, _ = encoder.rnn(encoder.embedding(sentence))
        torch.testing.assert_close(states, expected)
        torch.testing.assert_close(summary, torch.cat([expected[-1, :4], expected[0, 4:]]))


def test_errors():
    encoder = RecurrentEncoder(10, 3, 4)
    for sentences, sizes in (([], r"\[\]"), ([torch.tensor([1]), torch.tensor([], dtype=torch.int64)], r"\[1, 0\]")):
        with pytest.raises(ValueError, match=f"none of them empty; got sizes {sizes}"):
            encoder(sentences)
    with pytest.raises(ValueError, match='cell is "gru" or "lstm", got \'rnn\''):
        RecurrentEncoder(10, 3, 4, cell="rnn")
