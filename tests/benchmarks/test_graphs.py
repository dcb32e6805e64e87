"""The graphs that are measured are what their names say."""

import pytest

from graphattn.bench.graphs import GRAPHS


@pytest.mark.parametrize("name", [name for name in GRAPHS if "800k" not in name])
def test_graphs_are_the_same_each_time(name):
    assert GRAPHS[name].build() == GRAPHS[name].build()


@pytest.mark.parametrize(
    ("name", "nodes", "edges", "largest"),
    [("cora", 2_708, 10_556, 168), ("pubmed", 19_717, 88_648, 171), ("arxiv", 7_056, 48_594, 540)],
)
def test_power_laws_have_the_degrees_of_their_originals(name, nodes, edges, largest):
    graph = GRAPHS[name].build()
    assert (graph.num_nodes, graph.num_edges, int(graph.in_degree.max())) == (nodes, edges, largest)
    assert int(graph.out_degree.max()) == largest
    assert graph.in_degree.median() < edges / nodes  # a tail
    assert (graph.edge_index[0].diff() >= 0).all()  # by source


def test_communities_are_blocks_of_consecutive_nodes():
    for name, size in (("arxiv-community", 256), ("community-800k", 1_024)):
        src, dst = GRAPHS[name].build().edge_index
        assert 0.84 < (src // size == dst // size).float().mean() < 0.89
    assert (GRAPHS["arxiv"].build().edge_index // 256).diff(dim=0).eq(0).float().mean() < 0.1


@pytest.mark.parametrize("name", ["web-topics", "hub-800k"])
def test_a_tenth_of_the_edges_end_in_the_hub(name):
    graph = GRAPHS[name].build()
    assert 0.1 <= graph.in_degree[0] / graph.num_edges < 0.101
    empty = (graph.in_degree == 0).float().mean()
    assert empty >= 0.5 if name == "web-topics" else empty < 0.01


@pytest.mark.parametrize(("name", "count"), [("molecules", 64), ("molecules-1024", 1_024)])
def test_molecules_are_disjoint_and_bonds_go_both_ways(name, count):
    from scipy.sparse.csgraph import connected_components

    graph = GRAPHS[name].build()
    adjacency = graph.to_scipy()
    assert abs(adjacency - adjacency.T).nnz == 0
    assert connected_components(adjacency)[0] == count
    assert 2.0 < graph.num_edges / graph.num_nodes < 2.2
    assert graph.in_degree.max() <= 6


def test_meshes_see_their_nearest_points_and_back():
    up, down = GRAPHS["mesh-up"].build(), GRAPHS["mesh-down"].build()
    assert (up.num_src, up.num_dst) == (down.num_dst, down.num_src) == (1_280, 16_940)
    assert (up.in_degree == 3).all()
    assert (down.out_degree == 3).all()


def test_clouds_have_equal_degrees_and_no_self_loops():
    graph = GRAPHS["knn-8"].build()
    src, dst = graph.edge_index
    assert (graph.in_degree == 8).all()
    assert (src != dst).all()
    assert (src // 71 == dst // 71).all()
