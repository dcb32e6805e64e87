"""GPSConv with a bias for each pair of nodes: torch's attention with it as a mask, graph by graph."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import graphattn as ga

pytest.importorskip("torch_geometric")
SIZES, WIDTH, HEADS = [4, 1, 6], 8, 2


@pytest.fixture
def conv():
    torch.manual_seed(0)
    return ga.nn.GPSConv(WIDTH, None, HEADS, norm=None).double().eval()


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize("per_head", [True, False])
@pytest.mark.parametrize("n", [6, 9])
def test_each_graph_alone(conv, per_head, n):
    x, batch = numbers(11, WIDTH).requires_grad_(), torch.arange(3).repeat_interleave(torch.tensor(SIZES))
    bias = numbers(3, HEADS, n, n) if per_head else numbers(3, n, n)
    bias.requires_grad_()
    out = conv(x, None, batch, attn_bias=bias)
    parts = []
    for i, rows in enumerate(x.split(SIZES)):
        own = bias[i, ..., : len(rows), : len(rows)].expand(HEADS, len(rows), len(rows))
        h = conv.attn(rows, rows, rows, attn_mask=own, need_weights=False)[0] + rows
        parts.append(h + conv.mlp(h))
    want = torch.cat(parts)
    assert_close(out, want)
    weights = torch.randn_like(want)
    for got, expected in zip(
        torch.autograd.grad((out * weights).sum(), (x, bias)),
        torch.autograd.grad((want * weights).sum(), (x, bias)),
        strict=True,
    ):
        assert_close(got, expected)


def test_a_bias_of_zero_changes_nothing(conv):
    x, batch = numbers(11, WIDTH), torch.arange(3).repeat_interleave(torch.tensor(SIZES))
    assert_close(conv(x, None, batch, attn_bias=numbers(3, 6, 6) * 0), conv(x, None, batch))
    assert_close(conv(x, None, attn_bias=numbers(1, 11, 11) * 0), conv(x, None))


def test_a_graph_without_nodes(conv):
    x = numbers(3, WIDTH).requires_grad_()
    conv(x, None, torch.tensor([0, 2, 2]), attn_bias=numbers(3, 2, 2)).sum().backward()
    assert x.grad.isfinite().all()


def test_biases_that_cannot_be(conv):
    x, batch = numbers(11, WIDTH), torch.arange(3).repeat_interleave(torch.tensor(SIZES))
    with pytest.raises(ValueError, match=r"attn_bias must have shape \[B, n, n\] or \[B, 2, n, n\]"):
        conv(x, None, batch, attn_bias=numbers(3, 3, 6, 6))
    with pytest.raises(ValueError, match="attn_bias must be for 3 graphs of up to 6 nodes, got 3 of up to 5"):
        conv(x, None, batch, attn_bias=numbers(3, 5, 5))
    performer = ga.nn.GPSConv(WIDTH, None, HEADS, attn_type="performer").double()
    with pytest.raises(ValueError, match="attn_bias needs attn_type"):
        performer(x, None, batch, attn_bias=numbers(3, 6, 6))
    assert isinstance(conv.attn, nn.MultiheadAttention)
