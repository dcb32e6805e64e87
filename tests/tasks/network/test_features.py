"""Features: scales, categories, structure; each by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from small_networks import blocks, karate, network

from graphattn.tasks.network import features as module
from graphattn.tasks.network.features import NodeFeatures, aligned, feature_columns
from graphattn.tasks.network.network import ColumnRole

NAN = float("nan")


def test_a_network_without_features_gets_structure():
    club = karate()
    features = NodeFeatures.fit(club)
    x = features.transform(club)
    assert features.structural
    assert x.shape == (34, len(feature_columns(features, club)))
    assert torch.isfinite(x).all()


def test_categories_have_a_column_for_those_not_seen():
    net = network([[0, 1], [1, 2]], [0, 1, 0])
    columns = (*net.columns, ColumnRole("city", "nodes", "category", ""))
    net = dataclasses.replace(net, nodes=net.nodes.assign(city=["Ulm", "Bonn", "Ulm"]), columns=columns)
    features = NodeFeatures.fit(net)
    torch.testing.assert_close(features.transform(net), torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 1, 0]]))
    other = dataclasses.replace(net, nodes=net.nodes.assign(city=["Kiel", "Bonn", None]))
    torch.testing.assert_close(features.transform(other), torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 0, 1]]))


def test_edges_go_both_ways_with_their_features():
    net = network(
        [[0, 1, 2], [1, 2, 2]], [0, 1, 0], edge_type=torch.tensor([0, 1, 0]), edge_types=("knows", "owes"),
        edge_weight=torch.tensor([1.0, 3.0, 2.0]),
    )  # fmt: skip
    edges, attr = NodeFeatures.fit(net).edges(net)
    assert edges.tolist() == [[0, 1, 2, 1, 2], [1, 2, 2, 0, 1]]  # a self-loop has no reverse
    assert attr.shape == (5, 3)
    torch.testing.assert_close(attr[3:], attr[:2])
    directed = dataclasses.replace(net, directed=True)
    assert NodeFeatures.fit(directed).edges(directed)[0].tolist() == net.edge_index.tolist()


def test_positions_of_a_grown_network_agree_on_old_nodes():
    club = karate()
    features = NodeFeatures.fit(club)
    order = np.random.default_rng(0).permutation(34)
    place = torch.from_numpy(np.argsort(order))
    shuffled = dataclasses.replace(
        club, ids=tuple(club.ids[node] for node in order), edge_index=place[club.edge_index], y=club.y[order]
    )
    np.testing.assert_allclose(features.positions(shuffled), features.positions(club)[order], atol=1e-8)
    stranger = dataclasses.replace(club, ids=tuple(f"new {name}" for name in club.ids))
    assert (features.positions(stranger) == 0).all()


@pytest.mark.parametrize("make", [karate, blocks])
def test_what_is_kept_gives_the_same(make):
    net = make()
    features = NodeFeatures.fit(net, structural=True)
    torch.testing.assert_close(NodeFeatures.from_dict(*features.to_dict()).transform(net), features.transform(net))


def test_columns_are_found_by_name():
    net = network([[0], [1]], [0, 1], x=torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    net = dataclasses.replace(net, nodes=pd.DataFrame({"id": ["n0", "n1"], "age": ["5", "x"]}))
    x = aligned(net, ("f1", "age", "gone", "f0")).x
    torch.testing.assert_close(x, torch.tensor([[2.0, 5, NAN, 1], [4, NAN, NAN, 3]]), equal_nan=True)
    sparse = dataclasses.replace(net, x=net.x.to_sparse_csr())
    torch.testing.assert_close(aligned(sparse, ("f1", "gone")).x.to_dense(), torch.tensor([[2.0, 0], [4, 0]]))
    with pytest.raises(ValueError, match="2 features"):
        NodeFeatures.fit(net).transform(aligned(net, ("f0",)))
    assert module.aligned(net, net.feature_names) is net
