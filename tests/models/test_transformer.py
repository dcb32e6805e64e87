"""The encoder-decoder Transformer."""

import pytest
import torch

import graphattn as ga
from graphattn.models import Transformer
from graphattn.nn import MultiheadAttention
from graphattn.nn.positions import Rotary

EMBED, HEADS = 12, 3


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_sequences_in_other_precisions(dtype):
    net = Transformer(9, 9, start=7, end=8, embed_dim=EMBED, num_heads=HEADS, depth=1, dropout=0.0).to(dtype)
    source, sizes = torch.randint(7, (7,)), [4, 1, 2]
    loss = net.loss(source, sizes, [torch.tensor([1, 2]), torch.tensor([], dtype=torch.int64), torch.tensor([3])])
    assert loss.dtype == dtype
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())
    assert len(net.eval().generate(source, sizes, max_length=3, num_beams=2)) == 3


def test_transformer_learns_to_reverse():
    net = Transformer(8, 8, start=6, end=7, embed_dim=32, num_heads=2, depth=1, dropout=0.0, ffn_dim=64)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(250):
        sources = [torch.randint(6, (size,)) for size in torch.randint(1, 5, (24,)).tolist()]
        optimizer.zero_grad()
        net.loss(torch.cat(sources), [len(s) for s in sources], [s.flip(0) for s in sources]).backward()
        optimizer.step()
    net.eval()
    sources = [torch.randint(6, (size,)) for size in (1, 4, 2, 3, 4, 4)]
    found = net.generate(torch.cat(sources), [len(s) for s in sources], max_length=8, num_beams=3)
    right = [found[0].tokens == s.flip(0).tolist() for found, s in zip(found, sources, strict=True)]
    assert sum(right) >= 5


def test_each_layer_has_an_attention_of_its_own():
    """Fewer key heads and rotary positions, in the encoder and in the decoder, which keeps what it has read."""

    def attention():
        rotary = Rotary(EMBED // HEADS)
        return MultiheadAttention(EMBED, HEADS, num_kv_heads=1, rotary=rotary)

    net = Transformer(9, 9, start=7, end=8, embed_dim=EMBED, num_heads=HEADS, depth=2, attention=attention)
    layers = [*net.encoder.encoder.layers, *net.head.tokens.decoder.layers]
    assert len({id(layer.attention) for layer in layers}) == 4
    assert all(layer.attention.num_kv_heads == 1 for layer in layers)
    net, source, sizes = net.double().eval(), torch.randint(7, (7,)), [4, 3]
    graph = ga.complete(sizes)
    nodes = net.encoder(source, graph)
    for found, memory in zip(net.generate(source, sizes, max_length=5), nodes.split(sizes), strict=True):
        written = [7, *found[0].tokens]
        best = net.head(memory, ga.complete(len(memory)), torch.tensor(written), [len(written)]).argmax(1)
        assert best[: len(written) - 1].tolist() == written[1:]
