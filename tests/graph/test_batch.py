import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs

from graphattn.graph import Batch, Bipartite, Complete, Graph, Grid, Window, batch, bipartite, complete, grid, window
from graphattn.testing import zoo

A = Graph(torch.tensor([[2, 0], [1, 2]]), num_dst=3, num_src=5)
B = Graph(torch.tensor([[1, 0, 1], [0, 0, 0]]), num_dst=2, num_src=2)


def test_by_hand():
    graph = batch([A, B, A])
    assert isinstance(graph, Batch)
    assert (graph.num_graphs, graph.num_dst, graph.num_src, graph.num_edges) == (3, 8, 12, 7)
    assert graph.edge_index.tolist() == [[2, 0, 6, 5, 6, 9, 7], [1, 2, 3, 3, 3, 6, 7]]
    assert repr(graph) == "Batch(num_graphs=3, num_dst=8, num_src=12, num_edges=7)"


def test_nothing_is_made_before_it_is_asked_for():
    graph = batch([complete(1_000_000), B])
    assert graph.num_edges == 10**12 + 3
    assert graph._edge_index is graph.parts[0]._csr is None


@given(st.lists(graphs(max_nodes=5, max_edges=7, bipartite=True), min_size=1, max_size=4))
def test_adjacency_is_block_diagonal(parts):
    graph = batch(parts)
    blocks = torch.block_diag(*(part.to_torch_sparse(torch.sparse_coo).to_dense() for part in parts))
    assert torch.equal(graph.to_torch_sparse(torch.sparse_coo).to_dense(), blocks)
    graph.validate()


def test_edge_features_of_the_parts_stay_in_order():
    parts = [zoo()["unsorted"], zoo()["duplicate_edges"]]
    graph = batch(parts)
    number = torch.cat([torch.arange(part.num_edges) for part in parts])
    first_of_second = parts[0].num_edges
    for edge in (0, first_of_second - 1, first_of_second, graph.num_edges - 1):
        part = parts[int(edge >= first_of_second)]
        moved = 13 * int(edge >= first_of_second)
        assert (graph.edge_index[:, edge] - moved).tolist() == part.edge_index[:, number[edge]].tolist()


@pytest.mark.parametrize(
    ("parts", "kind", "sizes"),
    [
        ([complete(2), complete([3, 1])], Complete, (2, 3, 1)),
        ([window(5, 1), window(7, 1)], Window, (5, 7)),
        ([grid((2, 3), 3), grid((4, 4), 3)], Grid, ((2, 3), (4, 4))),
        ([bipartite(2, 3), bipartite(4, 1)], Bipartite, ((2, 3), (4, 1))),
    ],
)
def test_same_kind_in_same_kind_out(parts, kind, sizes):
    graph = batch(parts)
    assert type(graph) is kind
    assert graph.sizes == sizes
    assert graph == Batch(parts)


def test_other_options_make_a_plain_batch():
    parts = [window(5, 1), window(5, 2)]
    graph = batch(parts)
    assert type(graph) is Batch
    assert graph.parts == tuple(parts)


def test_a_batch_of_batches_is_flat():
    graph = batch([batch([A, B]), A])
    assert graph.parts == (A, B, A)
    assert graph == batch([A, B, A])


def test_parts_move_along():
    graph = batch([A, complete(3)]).to("meta")
    assert {part.device.type for part in graph.parts} == {"meta"}
    assert graph.dst_ptr.device.type == "meta"


def test_bad_input():
    with pytest.raises(ValueError, match="graphs must hold at least one graph, got none"):
        batch([])
    with pytest.raises(TypeError, match="graphs must hold Graph objects, got Tensor"):
        batch([A, A.edge_index])
    with pytest.raises(ValueError, match="graphs must be on one device, got cpu and meta"):
        batch([A, A.to("meta")])
