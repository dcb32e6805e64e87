"""Attending aggregations against PyG's, empty sets included."""

import pytest
import torch
from pyg_twin import assert_same, pair_of
from torch.testing import assert_close

pyg = pytest.importorskip("torch_geometric")

from torch_geometric import nn as theirs  # noqa: E402

C = 6


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def gate(width):
    return torch.nn.Sequential(torch.nn.Linear(C, width), torch.nn.Tanh())


CASES = [
    ("AttentionalAggregation", lambda: {"gate_nn": gate(1)}),
    ("AttentionalAggregation", lambda: {"gate_nn": gate(1), "nn": torch.nn.Linear(C, 5)}),
    ("AttentionalAggregation", lambda: {"gate_nn": gate(5), "nn": torch.nn.Linear(C, 5)}),
    ("AttentionalAggregation", lambda: {"gate_nn": theirs.MLP([C, 4, 1]), "nn": theirs.MLP([C, 5], norm=None)}),
    ("Set2Set", lambda: {"in_channels": C, "processing_steps": 3}),
    ("Set2Set", lambda: {"in_channels": C, "processing_steps": 2, "num_layers": 2}),
    ("SetTransformerAggregation", lambda: {"channels": C, "heads": 2}),
    ("SetTransformerAggregation", lambda: {"channels": C, "num_seed_points": 3, "concat": False, "layer_norm": True}),
    ("SetTransformerAggregation", lambda: {"channels": C, "num_encoder_blocks": 2, "num_decoder_blocks": 0}),
    ("GraphMultisetTransformer", lambda: {"channels": C, "k": 3, "heads": 2}),
    ("GraphMultisetTransformer", lambda: {"channels": C, "k": 2, "num_encoder_blocks": 0, "layer_norm": True}),
]


@pytest.mark.parametrize(
    ("index", "dim_size"), [([0, 0, 1, 1, 1, 2, 2], None), ([0, 0, 0, 2, 2, 2, 2], 3), ([0] * 7, 1)], ids=str
)
@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{name}{i}" for i, (name, _) in enumerate(CASES)])
def test_as_pyg(name, options, index, dim_size):
    pair = pair_of(lambda source: getattr(source, name)(**options()))
    assert_same(pair, numbers(7, C), torch.tensor(index), dim_size=dim_size)


@pytest.mark.parametrize("name", ["AttentionalAggregation", "Set2Set"])
def test_sets_in_no_order(name):
    options = next(made for kind, made in CASES if kind == name)
    assert_same(
        pair_of(lambda source: getattr(source, name)(**options())), numbers(7, C), torch.tensor([2, 0, 1, 0, 2, 2, 1])
    )


@pytest.mark.parametrize("name", ["SetTransformerAggregation", "GraphMultisetTransformer"])
def test_an_empty_set(name):
    options = next(made for kind, made in CASES if kind == name)
    layer, _ = pair_of(lambda source: getattr(source, name)(**options()))
    x = numbers(7, C)
    out = layer(x, torch.tensor([0, 0, 0, 2, 2, 2, 2]), dim_size=4)
    assert out.isfinite().all()
    assert_close(out[[0, 2]], layer(x, torch.tensor([0, 0, 0, 1, 1, 1, 1])))
    assert_close(out[1], out[3])


@pytest.mark.parametrize("name", ["SetTransformerAggregation", "GraphMultisetTransformer"])
def test_bad_sets(name):
    options = next(made for kind, made in CASES if kind == name)
    layer, _ = pair_of(lambda source: getattr(source, name)(**options()))
    with pytest.raises(ValueError, match="batch must be sorted"):
        layer(numbers(3, C), torch.tensor([1, 0, 1]))
    with pytest.raises(ValueError, match="batch must hold graphs counted from 0 and below 2, got 2"):
        layer(numbers(3, C), torch.tensor([0, 1, 2]), dim_size=2)
    with pytest.raises(ValueError, match="batch must hold the graph of each node, 3 integers"):
        layer(numbers(3, C), torch.tensor([0, 1]))
