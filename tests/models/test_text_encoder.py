"""Token and position embeddings followed by an encoder."""

import pytest
import torch

import graphattn as ga
from graphattn.models import LanguageModel, TextEncoder, encoders
from graphattn.nn.positions import LearnedPositions

EMBED, HEADS = 12, 3


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_sizes_that_do_not_add_up():
    tokens = torch.randint(9, (7,))
    with pytest.raises(ValueError, match="graph must have 7 destinations and 7 sources"):
        TextEncoder(9, EMBED, encoders.transformer(EMBED, HEADS, 1))(tokens, ga.complete([4, 4]))
    with pytest.raises(ValueError, match="sizes add up to 8, but there are 7 tokens"):
        LanguageModel(9, EMBED, HEADS, 1)(tokens, [4, 4])


def test_text_encoder():
    net = TextEncoder(20, EMBED, encoders.transformer(EMBED, HEADS, 1), positions=LearnedPositions(9, EMBED)).eval()
    tokens, graph = torch.randint(20, (7,)), ga.complete([4, 3])
    x = net.embedding.weight[tokens] + net.positions.table[[0, 1, 2, 3, 0, 1, 2]]
    torch.testing.assert_close(net(tokens, graph), net.encoder(x, graph))
