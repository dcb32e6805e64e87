"""Rotary positions by complex numbers."""

import pytest
import torch

import graphattn as ga
from graphattn.nn.positions import (
    Rotary,
    places,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_rotary_by_complex_numbers():
    D, x = 6, torch.randn(5, 2, 6, dtype=torch.float64)
    position = torch.tensor([0, 1, 2, 10, 1000])
    theta = 10000.0 ** (-2 * torch.arange(3, dtype=torch.float64) / D)
    turn = torch.polar(torch.ones(5, 3, dtype=torch.float64), position[:, None] * theta)
    want = torch.view_as_real(torch.view_as_complex(x.view(5, 2, 3, 2)) * turn[:, None]).flatten(2)
    torch.testing.assert_close(Rotary(D)(x, position), want)


def test_rotary_scores_depend_on_the_distance_alone():
    layer = ga.nn.MultiheadAttention(12, 3, rotary=Rotary(4)).double().eval()
    x, graph = torch.randn(9, 12, dtype=torch.float64), ga.complete([5, 4])
    here, weights = layer(x, graph, return_weights=True)
    position = places(graph)[0]
    for moved in (position, position + 17):
        torch.testing.assert_close(layer(x, graph, position=moved), here)
    _, other = layer(x, graph, position=2 * position, return_weights=True)
    assert (other - weights).abs().max() > 1e-3
    rotated = torch.einsum(
        "nhd,mhd->nmh", *(Rotary(4)(p(x).view(9, 3, 4), position) for p in (layer.q_proj, layer.k_proj))
    )
    want = (rotated[:5, :5] / 2).softmax(1)
    torch.testing.assert_close(weights[:25].view(5, 5, 3), want)
    with pytest.raises(ValueError, match='but score="none" has none'):
        ga.nn.MultiheadAttention(12, 3, score="none", rotary=Rotary(4))
    with pytest.raises(ValueError, match="head_dim must be even, got 5"):
        Rotary(5)
