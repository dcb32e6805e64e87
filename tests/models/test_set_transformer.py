"""The Set Transformer by its formula."""

import pytest
import torch

import graphattn as ga
from graphattn.models import SetTransformer

EMBED, HEADS = 12, 3


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def mab(block, x, y, sizes, others):
    pieces = []
    for a, b in zip(x.split(sizes), y.split(others), strict=True):
        H, D = HEADS, EMBED // HEADS
        q, k, v = (
            proj(z).view(-1, H, D).transpose(0, 1)
            for proj, z in ((block.attention.q_proj, a), (block.attention.k_proj, b), (block.attention.v_proj, b))
        )
        out = (q @ k.transpose(1, 2) / D**0.5).softmax(-1) @ v
        z = block.attention_norm(a + block.attention.out_proj(out.transpose(0, 1).flatten(1)))
        pieces.append(block.ffn_norm(z + block.ffn(z)))
    return torch.cat(pieces)


def test_set_transformer():
    net = SetTransformer(4, 2, embed_dim=EMBED, num_heads=HEADS, num_points=3, num_seeds=2, depth=1).double()
    sizes, x = [5, 2], torch.randn(7, 4, dtype=torch.float64)
    h = net.embed(x)
    (block,) = net.encoder
    points = mab(block.gather, block.points.repeat(2, 1), h, [3, 3], sizes)
    h = mab(block.spread, h, points, sizes, [3, 3])
    seeds = mab(net.pool, net.seeds.repeat(2, 1), net.before_pooling(h), [2, 2], sizes)
    want = net.out(mab(net.among_seeds, seeds, seeds, [2, 2], [2, 2])).view(2, 2, 2)
    got = net(x, ga.complete(sizes))
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(net(x.flip(0), ga.complete([2, 5])), got.flip(0))
    shuffled = torch.tensor([3, 1, 4, 0, 2, 6, 5])
    torch.testing.assert_close(net(x[shuffled], ga.complete(sizes)), got)
    torch.testing.assert_close(block(h[shuffled], ga.complete(sizes)), block(h, ga.complete(sizes))[shuffled])
    assert net(x[:0], ga.complete([])).shape == (0, 2, 2)
