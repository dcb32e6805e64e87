"""AttentionalAggregation beyond what all aggregations share."""

import pytest
import torch
from pyg_twin import assert_same, randomize

import graphattn as ga

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


def pair_of(name, options):
    """PyG's and ours with the same seed, which must give the same parameters."""
    made = []
    for source in (ga.nn, theirs):
        torch.manual_seed(0)
        layer = getattr(source, name)(**options())
        layer.reset_parameters()
        made.append(layer.double())
    states = [layer.state_dict() for layer in made]
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert repr(made[0]) == repr(made[1])
    randomize(made[1])
    made[0].load_state_dict(made[1].state_dict(), strict=True)
    return made


def test_what_attentional_aggregation_hands_on_to_pyg():
    pair = pair_of(*CASES[1])
    assert_same(pair, numbers(7, C), ptr=torch.tensor([0, 3, 7]))
    assert_same(pair, numbers(2, 7, C), torch.tensor([0, 0, 1, 1, 1, 2, 2]))


def test_as_the_aggregation_of_a_layer_and_of_a_model():
    x, edges = numbers(6, C), torch.tensor([[0, 1, 2, 3, 4], [0, 0, 1, 1, 5]])
    pair = [theirs.SAGEConv(C, C, aggr=s.AttentionalAggregation(gate(1))).double() for s in (ga.nn, theirs)]
    pair[0].load_state_dict(pair[1].state_dict(), strict=True)
    assert_same(pair, x, edges)
