"""GPSConv against PyG's."""

import pytest
import torch
from pyg_twin import assert_same
from torch.testing import assert_close

import graphattn as ga

pyg = pytest.importorskip("torch_geometric")

from torch_geometric import nn as theirs  # noqa: E402


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges():
    """Duplicate edges, two self-loops (one of them twice), and a node without other edges."""
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


@pytest.mark.parametrize("batch", [None, [0, 0, 0, 2, 2, 2], [0, 1, 1, 2, 2, 2]], ids=str)
@pytest.mark.parametrize("local", [None, "GATConv"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"heads": 4, "norm": None},
        {"norm": "layer_norm", "act": "gelu"},
        {"norm": "graph_norm"},
        {"attn_kwargs": {"bias": False}},
        {"attn_kwargs": {"add_zero_attn": True, "add_bias_kv": True}},
    ],
    ids=str,
)
def test_gps(options, local, batch):
    torch.manual_seed(0)
    pair = [
        s.GPSConv(8, None if local is None else getattr(s, local)(8, 8), **options).double() for s in (ga.nn, theirs)
    ]
    pair[0].load_state_dict(pair[1].state_dict(), strict=True)
    assert repr(pair[0]) == repr(pair[1])
    batch = None if batch is None else torch.tensor(batch)
    for mode in (True, False):
        for layer in pair:
            layer.train(mode)
        assert_same(pair, numbers(6, 8), edges(), batch)


PERFORMERS = [{}, {"qkv_bias": True, "head_channels": 5}, {"kernel": torch.nn.GELU(), "attn_out_bias": False}]


@pytest.mark.parametrize("batch", [None, [0, 0, 0, 2, 2, 2]], ids=str)
@pytest.mark.parametrize("attn_kwargs", PERFORMERS, ids=str)
def test_gps_with_a_performer(attn_kwargs, batch, monkeypatch):
    options = {"heads": 2, "attn_type": "performer", "attn_kwargs": attn_kwargs}
    pair = [s.GPSConv(8, s.GATConv(8, 8), **options).double() for s in (ga.nn, theirs)]
    pair[0].load_state_dict(pair[1].state_dict(), strict=True)
    monkeypatch.setattr("graphattn.nn.pyg.gps.to_dense_batch", None)  # the batch is not padded
    for layer in pair:
        torch.manual_seed(1)
        layer.attn.redraw_projection_matrix()
    assert_same(pair, numbers(6, 8), edges(), None if batch is None else torch.tensor(batch))


def test_gps_with_a_performer_gives_a_graph_what_it_gives_it_alone():
    """PyG's counts the padding of a batch among the keys."""
    pair = [s.GPSConv(8, None, attn_type="performer", norm=None).double() for s in (ga.nn, theirs)]
    pair[0].load_state_dict(pair[1].state_dict(), strict=True)
    x, batch = numbers(6, 8), torch.tensor([0, 1, 1, 2, 2, 2])
    alone = torch.cat([pair[1](each, None) for each in x.split([1, 2, 3])])
    assert_close(pair[0](x, None, batch), alone)


def test_gps_calls_its_attention_where_something_is_hooked_onto_it():
    layer = ga.nn.GPSConv(8, None)
    called = []
    layer.attn.register_forward_hook(lambda module, inputs, out: called.append(1))
    layer(torch.randn(6, 8), edges())
    assert called


@pytest.mark.parametrize("attn_type", ["multihead", "performer"])
def test_gps_without_nodes(attn_type):
    layer = ga.nn.GPSConv(8, ga.nn.GATConv(8, 8), heads=2, attn_type=attn_type).eval()
    assert layer(torch.empty(0, 8), torch.empty(2, 0, dtype=torch.int64)).shape == (0, 8)


@pytest.mark.parametrize("batch", [[1, 0, 0], [0, 0], [0.0, 0.0, 1.0], [-1, 0, 0]], ids=str)
def test_gps_refuses_a_bad_batch(batch):
    with pytest.raises(ValueError, match="batch must"):
        ga.nn.GPSConv(8, None)(torch.randn(3, 8), edges(), torch.tensor(batch))
