"""Features: scales, categories, structure; each by hand."""

import dataclasses

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from small_networks import blocks, karate, network

from graphattn.tasks.network import features as module
from graphattn.tasks.network.features import NodeFeatures, aligned, feature_columns
from graphattn.tasks.network.network import ColumnRole
from graphattn.tasks.network.number_scaler import NumberScaler
from graphattn.tasks.network.structure import (
    adjacency_of,
    core_numbers,
    laplacian_eigenvectors,
    pagerank,
    structure_of,
    undirected,
)

NAN = float("nan")


def matrix(graph):
    return undirected(adjacency_of(np.array(graph.edges(), dtype=np.int64).T, graph.number_of_nodes()))


def test_numbers_are_centered_and_gaps_flagged():
    x = np.array([[0.0, 10.0, 1.0], [1.0, 20.0, NAN], [1.0, 30.0, 3.0], [0.0, 40.0, 5.0], [1.0, 50.0, 1.0]])
    z = NumberScaler.fit(x).transform(x)
    assert z.shape == (5, 4)
    np.testing.assert_array_equal(z[:, 0], x[:, 0])  # zeros and ones stay
    s = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    np.testing.assert_allclose(z[:, 1], s / np.sqrt(1 + (s / 3) ** 2))
    np.testing.assert_array_equal(z[:, 3], [0, 1, 0, 0, 0])
    assert z[1, 2] == 0


def test_a_column_without_numbers_or_without_change_is_no_trouble():
    x = np.array([[NAN, 7.0], [NAN, 7.0]])
    np.testing.assert_array_equal(NumberScaler.fit(x).transform(x), [[0, 0, 1], [0, 0, 1]])


def test_structure_agrees_with_networkx():
    graph = nx.karate_club_graph()
    both = matrix(graph)
    ranks = nx.pagerank(graph, weight=None, tol=1e-12, max_iter=1000)
    np.testing.assert_allclose(pagerank(both) / 34, [ranks[node] for node in graph], atol=1e-5)
    np.testing.assert_array_equal(core_numbers(both), list(nx.core_number(graph).values()))
    walk = nx.to_numpy_array(graph, weight=None)
    walk /= walk.sum(1, keepdims=True)
    columns = structure_of(both)
    np.testing.assert_allclose(columns[:, 5], np.diag(walk @ walk))
    np.testing.assert_allclose(columns[:, 6], np.diag(walk @ walk @ walk))


def test_nodes_without_edges_have_a_place_too():
    columns = structure_of(sp.csr_array((3, 3)))
    assert np.isfinite(columns).all()
    assert (columns[:, [0, 1, 3, 4, 5, 6]] == 0).all()


def test_eigenvectors_solve_their_equation_by_either_solver(monkeypatch):
    both = matrix(nx.karate_club_graph())
    root = np.diag(1 / np.sqrt(both.sum(1)))
    laplacian = np.eye(34) - root @ both.toarray() @ root
    from graphattn.tasks.network import structure

    for dense in (400, 0):
        monkeypatch.setattr(structure, "_DENSE_EIGENVECTORS", dense)
        vectors = laplacian_eigenvectors(both, 3)
        values = np.linalg.eigvalsh(laplacian)[1:4]
        np.testing.assert_allclose(laplacian @ vectors, vectors * values, atol=1e-3)
        np.testing.assert_allclose((vectors**2).mean(0), 1)


def test_a_network_too_small_for_all_eigenvectors():
    assert laplacian_eigenvectors(matrix(nx.path_graph(3)), 8).shape == (3, 8)


def test_a_network_without_features_gets_structure():
    club = karate()
    features = NodeFeatures.fit(club)
    x = features.transform(club)
    assert features.structural
    assert x.shape == (34, len(feature_columns(features, club)))
    assert torch.isfinite(x).all()


def test_sparse_features_stay_sparse_with_rows_that_add_up_to_one():
    x = torch.tensor([[0.0, 2.0, 1.0], [0.0, 0.0, 0.0], [1.0, 4.0, 0.0]]).to_sparse_csr()
    net = network([[0, 1], [1, 2]], [0, 1, 0], x=x)
    out = NodeFeatures.fit(net).transform(net)
    assert out.layout is torch.sparse_csr
    torch.testing.assert_close(out.to_dense(), torch.tensor([[0, 1 / 3, 2 / 3], [0, 0, 0], [0.5, 0.5, 0]]))
    more = NodeFeatures.fit(net, structural=True).transform(net)
    assert more.layout is torch.sparse_csr
    assert more.shape[1] > 3


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
