import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs

from graphattn.graph import Graph, complete, hub, union, window

A = Graph(torch.tensor([[1, 0, 1], [0, 2, 0]]), 3)  # 1 -> 0 twice
B = Graph(torch.tensor([[2, 1, 0, 2], [2, 0, 1, 2]]), 3)  # 1 -> 0 again, 2 -> 2 twice


def test_an_edge_of_an_earlier_graph_is_there_once():
    graph = union(A, B)
    assert graph.edge_index.tolist() == [[1, 0, 1, 2, 0, 2], [0, 2, 0, 2, 1, 2]]
    assert [ids.tolist() for ids in graph.kept] == [[0, 1, 2], [0, 2, 3]]
    assert graph.num_edges == 6
    graph.validate()


def test_other_edges_between_two_node_sets_are_kept():
    first = Graph(torch.tensor([[2], [0]]), num_dst=2, num_src=3)
    second = Graph(torch.tensor([[0, 2], [1, 0]]), num_dst=2, num_src=3)
    assert union(first, second).edge_index.tolist() == [[2, 0], [0, 1]]


def test_all_edges_add():
    graph = union(A, B, overlap="add")
    assert graph.num_edges == 7
    assert graph._edge_index is None
    assert torch.equal(graph.edge_index, torch.cat([A.edge_index, B.edge_index], dim=1))
    assert [ids.tolist() for ids in graph.kept] == [[0, 1, 2], [0, 1, 2, 3]]


def test_kept_carries_edge_features():
    graph = union(A, B, A)
    parts = [A, B, A]
    ends = torch.cat([part.edge_index[:, ids] for part, ids in zip(parts, graph.kept, strict=True)], dim=1)
    assert torch.equal(ends, graph.edge_index)
    assert graph.kept[2].numel() == 0


@given(st.data())
def test_adjacency(data):
    first = data.draw(graphs(max_nodes=5, bipartite=True))
    edges = data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=9))
    inside = [(j, i) for j, i in edges if j < first.num_src and i < first.num_dst]
    edge_index = torch.tensor(inside, dtype=torch.int64).view(-1, 2).t()
    second = Graph(edge_index, num_dst=first.num_dst, num_src=first.num_src)
    a, b = (part.to_torch_sparse(torch.sparse_coo).to_dense() for part in (first, second))
    once = union(first, second).to_torch_sparse(torch.sparse_coo).to_dense()
    added = union(first, second, overlap="add").to_torch_sparse(torch.sparse_coo).to_dense()
    assert torch.equal(once, torch.where(a > 0, a, b))
    assert torch.equal(added, a + b)


def test_nothing_is_made_before_it_is_asked_for():
    graph = union(complete(1_000_000), window(1_000_000, radius=3), overlap="add")
    assert graph.num_edges == 10**12 + 7_000_000 - 12
    assert union(complete(1_000_000), window(1_000_000, radius=3)).num_nodes == 1_000_000


def test_apart_the_largest_with_tiles_stays_whole_wherever_it_comes():
    edges = Graph(torch.tensor([[0, 0, 8], [1, 1, 0]]), 9)  # one of them twice, and in the window
    whole = union(edges, window(9, 1), window(9, 2), hub(9, 1))
    (first, ids), (rest, others) = whole.disjoint
    assert first is whole.parts[2]
    assert torch.equal(whole.edge_index[:, ids], first.edge_index)
    assert torch.equal(whole.edge_index[:, others], rest.edge_index)
    assert torch.equal(torch.cat([ids, others]).sort().values, torch.arange(whole.num_edges))


def test_apart_added_edges_are_a_graph_more():
    whole = union(window(9, 2), window(9, 1), hub(9, 1), overlap="add")
    assert [part for part, _ in whole.disjoint[:2]] == list(whole.parts[:2])
    assert whole.disjoint[2][0].num_edges == whole.parts[2].num_edges


def test_repr_counts_the_edges():
    assert repr(union(A, B)) == "Union(num_nodes=3, num_parts=2, overlap='once', num_edges=6)"


def test_parts_move_along():
    graph = union(A, B)
    _ = graph.kept
    moved = graph.to("meta")
    assert {part.device.type for part in moved.parts} == {"meta"}
    assert {ids.device.type for ids in moved.kept} == {"meta"}


def test_bad_input():
    with pytest.raises(ValueError, match="graphs must hold at least one graph, got none"):
        union()
    with pytest.raises(TypeError, match="union takes Graph objects, got list"):
        union([A, B])
    with pytest.raises(ValueError, match=r"the same \(num_dst, num_src\), got \(3, 3\) and \(5, 5\)"):
        union(A, complete(5))
    with pytest.raises(ValueError, match="overlap must be 'once' or 'add', got 'twice'"):
        union(A, B, overlap="twice")
    with pytest.raises(ValueError, match="one device"):
        union(A, B.to("meta"))
