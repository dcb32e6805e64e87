"""Where a node stands in its network: as NetworkX has it, as the definitions do."""

import networkx as nx
import numpy as np
import scipy.sparse as sp

from graphattn.tasks.network import structure
from graphattn.tasks.network.structure import (
    adjacency_of,
    core_numbers,
    laplacian_eigenvectors,
    pagerank,
    structure_of,
    undirected,
)


def matrix(graph):
    return undirected(adjacency_of(np.array(graph.edges(), dtype=np.int64).T, graph.number_of_nodes()))


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
    for dense in (400, 0):
        monkeypatch.setattr(structure, "_DENSE_EIGENVECTORS", dense)
        vectors = laplacian_eigenvectors(both, 3)
        values = np.linalg.eigvalsh(laplacian)[1:4]
        np.testing.assert_allclose(laplacian @ vectors, vectors * values, atol=1e-3)
        np.testing.assert_allclose((vectors**2).mean(0), 1)


def test_a_network_too_small_for_all_eigenvectors():
    assert laplacian_eigenvectors(matrix(nx.path_graph(3)), 8).shape == (3, 8)
