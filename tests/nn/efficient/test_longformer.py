"""Longformer's attention by hand: windows for local nodes, projections of their own for global ones."""

import pytest
import torch

import graphattn as ga
from graphattn.nn import LongformerAttention

EMBED, HEADS, SIZES, RADIUS = 12, 3, [7, 1, 5], 2


@pytest.mark.parametrize("num_global", [0, 1, 2])
def test_formula(num_global):
    torch.manual_seed(0)
    layer = LongformerAttention(EMBED, HEADS, num_global=num_global).double().eval()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)  # else the global ones are copies
    x = torch.randn(sum(SIZES), EMBED, dtype=torch.float64)
    graph = ga.union(ga.window(SIZES, RADIUS), ga.batch([ga.hub(size, min(num_global, size)) for size in SIZES]))
    rows, first = [], 0
    for size in SIZES:
        nodes = x[first : first + size]
        for i in range(size):
            is_global = i < num_global
            names = ("q_global", "k_global", "v_global") if is_global else ("q_proj", "k_proj", "v_proj")
            q, k, v = (getattr(layer, name)(nodes).view(size, HEADS, -1) for name in names)
            seen = [j for j in range(size) if is_global or abs(i - j) <= RADIUS or j < num_global]
            score = torch.einsum("hd,jhd->jh", q[i], k[seen]) / (EMBED // HEADS) ** 0.5
            rows.append(torch.einsum("jh,jhd->hd", score.softmax(0), v[seen]).flatten())
        first += size
    torch.testing.assert_close(layer(x, graph), layer.out_proj(torch.stack(rows)))


def test_global_projections_start_as_copies():
    torch.manual_seed(0)
    layer, x = LongformerAttention(EMBED, HEADS), torch.randn(9, EMBED)
    assert torch.equal(layer.k_global(x), layer.k_proj(x))
    graph = ga.union(ga.window(9, 2), ga.hub(9, 1))
    plain = ga.nn.MultiheadAttention(EMBED, HEADS)
    missing = plain.load_state_dict(layer.state_dict(), strict=False).missing_keys
    assert not missing
    torch.testing.assert_close(layer(x, graph), plain(x, graph))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_heads": 5}, "num_heads=5 does not divide embed_dim=12"),
        ({"num_heads": 3, "num_global": -1}, "num_global must not be negative, got -1"),
        ({"num_heads": 3, "dropout": 2.0}, "dropout"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        LongformerAttention(12, **options)
