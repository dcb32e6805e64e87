"""Our layers in a PyG model, in both directions."""

import pytest
import torch
import torch_geometric.nn as pyg

import graphattn as ga


def test_pyg_model(example):
    difference, loss = example("pyg_model").main(steps=60)
    assert difference < 1e-5
    assert loss < 0.1


@pytest.mark.parametrize("name", ["GATConv", "GATv2Conv"])
def test_weights_move_both_ways(example, name):
    module = example("pyg_model")
    torch.manual_seed(0)
    data = module.toy_data()
    ours, theirs = module.build(getattr(ga.nn, name)), module.build(getattr(pyg, name))
    theirs.load_state_dict(ours.state_dict())
    inputs = (data.x, data.edge_index, data.edge_attr)
    torch.testing.assert_close(ours(*inputs), theirs(*inputs), rtol=1e-4, atol=1e-5)
