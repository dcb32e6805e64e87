"""GAT, the model, against PyG's."""

import pytest
import torch
from pyg_twin import assert_same, pair_of

import graphattn as ga

pyg = pytest.importorskip("torch_geometric")


IN, WIDTH, OUT, EDGE = 5, 6, 4, 2


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges():
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


GATS = [
    ((IN, WIDTH, 3), {}),
    ((IN, WIDTH, 3, OUT), {"heads": 2, "edge_dim": EDGE}),
    ((IN, WIDTH, 1, OUT), {"heads": 2}),
    ((IN, WIDTH, 2, OUT), {"v2": True, "heads": 3, "residual": True, "act": "elu"}),
    ((IN, WIDTH, 3, OUT), {"jk": "cat", "norm": "batch_norm"}),
    ((IN, WIDTH, 3), {"jk": "lstm", "norm": "layer_norm", "act_first": True}),
    ((IN, WIDTH, 2, OUT), {"concat": False, "heads": 4, "add_self_loops": False}),
]


@pytest.mark.parametrize(("args", "kwargs"), GATS, ids=str)
def test_gat(args, kwargs):
    pair = pair_of(lambda source: source.GAT(*args, **kwargs))
    attr = numbers(8, EDGE) if "edge_dim" in kwargs else None
    assert_same(pair, numbers(6, IN), edges(), edge_attr=attr)


def test_gat_refuses_heads_that_do_not_divide_its_width():
    with pytest.raises(ValueError, match="heads=4 does not divide the 6 channels"):
        ga.nn.GAT(IN, WIDTH, 2, heads=4)


def test_gat_trims_layered_batches_as_pyg():
    pair = pair_of(lambda source: source.GAT(IN, WIDTH, 2, OUT))
    x, links = numbers(7, IN), torch.tensor([[1, 2, 3, 4, 5, 6], [0, 0, 1, 1, 2, 2]])
    assert_same(pair, x, links, num_sampled_nodes_per_hop=[1, 2, 4], num_sampled_edges_per_hop=[2, 4])
