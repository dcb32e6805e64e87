"""Linformer's layer: its formula, batches, and what it refuses."""

import pytest
import torch

import graphattn as ga
from graphattn.nn import LinformerAttention


def layer(**options):
    torch.manual_seed(0)
    return LinformerAttention(12, 3, num_landmarks=5, max_nodes=11, **options)


@pytest.mark.parametrize("share", [False, True])
def test_it_is_attention_to_the_landmarks(share):
    attend, x = layer(share=share), torch.randn(7, 12)
    keys = attend.key_sums[:, :7] @ x
    values = keys if share else attend.value_sums[:, :7] @ x
    want = torch.nn.functional.scaled_dot_product_attention(
        attend.attention.q_proj(x).view(1, 7, 3, 4).transpose(1, 2),
        attend.attention.k_proj(keys).view(1, 5, 3, 4).transpose(1, 2),
        attend.attention.v_proj(values).view(1, 5, 3, 4).transpose(1, 2),
    )
    want = attend.attention.out_proj(want.transpose(1, 2).reshape(7, 12))
    torch.testing.assert_close(attend(x, ga.complete(7)), want)


def test_a_batch_equals_its_graphs():
    attend, x = layer(), torch.randn(16, 12)
    separate = torch.cat([attend(part, ga.complete(len(part))) for part in x.split([7, 0, 9])])
    torch.testing.assert_close(attend(x, ga.complete([7, 0, 9])), separate)


def test_every_parameter_learns():
    attend = layer()
    attend(torch.randn(11, 12), ga.complete(11)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in attend.parameters())


def test_no_graph():
    assert layer()(torch.zeros(0, 12), ga.complete([])).shape == (0, 12)


def test_too_many_nodes():
    with pytest.raises(ValueError, match="a graph has 12 nodes, but the layer was made for max_nodes=11"):
        layer()(torch.randn(12, 12), ga.complete(12))


def test_other_rows_than_nodes():
    with pytest.raises(ValueError, match="x has 3 rows, but the graph has 4 nodes"):
        layer()(torch.randn(3, 12), ga.complete(4))


def test_another_kind_of_graph():
    with pytest.raises(TypeError, match="graph is a complete graph, got Window"):
        layer()(torch.randn(4, 12), ga.window(4, 1))


@pytest.mark.parametrize("name", ["num_landmarks", "max_nodes"])
def test_sizes_below_one(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        LinformerAttention(12, 3, **{"num_landmarks": 5, "max_nodes": 11, name: 0})
