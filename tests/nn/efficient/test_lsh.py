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


def chunks(q, directions, chunk_size):
    """Eq. 5 with eq. 4: whether i may see j in this round, `[n, n]`, itself among them."""
    bucket = torch.cat([q @ directions, -q @ directions], 1).argmax(1)
    place = bucket.argsort(stable=True).argsort()
    behind = place[:, None] // chunk_size - place // chunk_size
    return (bucket[:, None] == bucket) & (behind >= 0) & (behind <= 1)


def test_rounds_are_joined_as_in_appendix_a():
    n, rounds, chunk_size, width = 23, 3, 4, EMBED // HEADS
    torch.manual_seed(0)
    layer = LSHAttention(EMBED, HEADS, num_buckets=4, rounds=rounds, chunk_size=chunk_size).double().eval()
    x = torch.randn(n, EMBED, dtype=torch.float64)
    torch.manual_seed(1)
    got = layer(x, ga.complete(n))
    torch.manual_seed(1)
    directions = torch.randn(rounds, width, 2).double()
    heads, most = [], 0
    for h in range(HEADS):
        q, v = ((x @ proj.weight.T).view(n, HEADS, -1)[:, h] for proj in (layer.q_proj, layer.v_proj))
        seen = torch.stack([chunks(q, each, chunk_size) for each in directions])
        times = seen.sum(0)  # N_ij
        most = max(most, int(times.fill_diagonal_(1).max()))
        penalty = times.clamp(min=1).double().log() + 1e5 * torch.eye(n)
        score = q @ torch.nn.functional.normalize(q, dim=1).T / width**0.5 - penalty
        score = score.expand(rounds, n, n).masked_fill(~seen, -torch.inf)
        z = score.logsumexp(2)
        share = (z - z.logsumexp(0)).exp()
        heads.append((share[:, :, None] * (score.softmax(2) @ v)).sum(0))
    assert most > 1  # some pairs meet again
    torch.testing.assert_close(got, layer.out_proj(torch.cat(heads, 1)))


def test_bad_options():
    with pytest.raises(ValueError, match="num_buckets must be even and at least 2, got 3"):
        LSHAttention(12, 3, num_buckets=3)
    with pytest.raises(ValueError, match="chunk_size must be at least 1, got 0"):
        LSHAttention(12, 3, num_buckets=4, chunk_size=0)


def test_heads_that_do_not_divide():
    with pytest.raises(ValueError, match="num_heads=5 does not divide embed_dim=12"):
        LSHAttention(12, 5, num_buckets=4)
