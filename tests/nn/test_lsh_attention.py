"""Reformer's attention by hand: shared queries and keys, buckets of each head, oneself only where alone."""

import pytest
import torch

import graphattn as ga
from graphattn.nn import LSHAttention

EMBED, HEADS, SIZES = 12, 3, [7, 1, 5]


@pytest.mark.parametrize("causal", [False, True])
def test_formula(causal):
    torch.manual_seed(0)
    layer = LSHAttention(EMBED, HEADS, num_buckets=4).double().eval()
    x = torch.randn(sum(SIZES), EMBED, dtype=torch.float64)
    torch.manual_seed(1)
    got = layer(x, (ga.causal if causal else ga.complete)(SIZES))
    torch.manual_seed(1)
    directions = torch.randn(1, EMBED // HEADS, 2).double()[0]
    outs, first = [], 0
    for size in SIZES:
        nodes = x[first : first + size]
        heads = []
        for h in range(HEADS):
            q, v = ((nodes @ proj.weight.T).view(size, HEADS, -1)[:, h] for proj in (layer.q_proj, layer.v_proj))
            bucket = torch.cat([q @ directions, -q @ directions], 1).argmax(1)
            seen = (bucket[:, None] == bucket) & ~torch.eye(size, dtype=torch.bool)
            if causal:
                seen = seen.tril()
            seen |= torch.diag(~seen.any(1))
            score = q @ torch.nn.functional.normalize(q, dim=1).T / 2
            heads.append(score.masked_fill(~seen, -torch.inf).softmax(1) @ v)
        outs.append(layer.out_proj(torch.cat(heads, 1)))
        first += size
    torch.testing.assert_close(got, torch.cat(outs))


def test_heads_that_do_not_divide():
    with pytest.raises(ValueError, match="num_heads=5 does not divide embed_dim=12"):
        LSHAttention(12, 5, num_buckets=4)
