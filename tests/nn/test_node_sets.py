"""Sets of nodes are computed once per batch tensor, and again after a change."""

import pytest
import torch

pyg = pytest.importorskip("torch_geometric")


def test_sets_are_prepared_once_and_again_after_a_change():
    from graphattn.nn.node_sets import members_of, node_sets_of

    index = torch.tensor([0, 0, 1])
    packing, graph = node_sets_of(index, 3, None, index.device), members_of(index, 2)
    assert node_sets_of(index, 3, None, index.device) is packing
    assert packing.graph(queries=2) is packing.graph(queries=2)
    assert members_of(index, 2) is graph
    index[1] = 1
    assert node_sets_of(index, 3, None, index.device).sizes == [1, 2]
    assert members_of(index, 2).edge_index.tolist() == [[0, 1, 2], [0, 1, 1]]
