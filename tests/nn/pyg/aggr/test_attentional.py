"""AttentionalAggregation beyond what all aggregations share."""

import pytest
import torch
from pyg_twin import assert_same, pair_of

import graphattn as ga

pyg = pytest.importorskip("torch_geometric")

from torch_geometric import nn as theirs  # noqa: E402

C = 6


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def gate(width):
    return torch.nn.Sequential(torch.nn.Linear(C, width), torch.nn.Tanh())


def test_what_attentional_aggregation_hands_on_to_pyg():
    pair = pair_of(lambda source: source.AttentionalAggregation(gate(1), torch.nn.Linear(C, 5)))
    assert_same(pair, numbers(7, C), ptr=torch.tensor([0, 3, 7]))
    assert_same(pair, numbers(2, 7, C), torch.tensor([0, 0, 1, 1, 1, 2, 2]))


def test_as_the_aggregation_of_a_layer_and_of_a_model():
    x, edges = numbers(6, C), torch.tensor([[0, 1, 2, 3, 4], [0, 0, 1, 1, 5]])
    pair = [theirs.SAGEConv(C, C, aggr=s.AttentionalAggregation(gate(1))).double() for s in (ga.nn, theirs)]
    pair[0].load_state_dict(pair[1].state_dict(), strict=True)
    assert_same(pair, x, edges)
