"""A bias per offset makes attention a convolution."""

import pytest
import torch

import graphattn as ga
from graphattn.nn.positions import (
    OffsetBias,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_offset_bias_is_a_convolution():
    """One head, score "none": the same softmax over the kernel everywhere (Cordonnier et al. 2020's limit)."""
    graph = ga.grid((5, 4), kernel_size=3, border="periodic")
    bias = OffsetBias(graph.offset_shape, 1).double()
    torch.nn.init.normal_(bias.table)
    v = torch.randn(20, 1, 1, dtype=torch.float64)
    got = ga.attention(None, None, v, graph, score="none", edge_bias=bias(graph)).view(5, 4)
    kernel = bias.table.flatten().softmax(0).view(1, 1, 3, 3)
    picture = torch.nn.functional.pad(v.view(1, 1, 5, 4), (1, 1, 1, 1), mode="circular")
    torch.testing.assert_close(got, torch.nn.functional.conv2d(picture, kernel)[0, 0])
    with pytest.raises(TypeError, match="graph is a window or a grid, got Complete"):
        bias(ga.complete(3))
    with pytest.raises(ValueError, match=r"the table is for offsets \(3, 3\), the graph has \(5, 5\)"):
        bias(ga.grid((7, 7), kernel_size=5))


def test_a_head_for_each_offset_is_any_convolution():
    """Cordonnier et al. 2020, arXiv:1911.03584, theorem 1: each head sees one cell of the kernel, W_o the rest."""
    layer = ga.nn.MultiheadAttention(27, 9, score="none", bias=False).double()
    graph = ga.grid((5, 4), kernel_size=3, border="periodic")
    hard = torch.full((9, 9), -torch.inf).fill_diagonal_(0).double()[graph.offset_index]
    x = torch.randn(20, 27, dtype=torch.float64)
    kernel = torch.einsum("ohv,hvi->oih", layer.out_proj.weight.view(27, 9, 3), layer.v_proj.weight.view(9, 3, 27))
    picture = torch.nn.functional.pad(x.t().view(1, 27, 5, 4), (1, 1, 1, 1), mode="circular")
    want = torch.nn.functional.conv2d(picture, kernel.view(27, 27, 3, 3))
    torch.testing.assert_close(layer(x, graph, edge_bias=hard), want.view(27, 20).t())
