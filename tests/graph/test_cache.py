import gc
import threading
import weakref

import pytest
import torch
from torch_geometric import EdgeIndex

from graphattn.graph import Graph, as_graph, cache, check_edges


def edges():
    return torch.tensor([[4, 0, 2, 0, 4], [1, 3, 1, 0, 1]])


def test_the_same_tensor_gives_the_same_graph():
    edge_index = edges()
    graph = as_graph(edge_index, 5, 5)
    assert graph == Graph(edge_index, 5)
    assert as_graph(edge_index, 5, 5) is graph
    assert as_graph(edges(), 5, 5) is not graph


def test_a_graph_passes_through():
    graph = Graph(edges(), num_dst=4, num_src=7)
    assert as_graph(graph, 4, 7) is graph
    with pytest.raises(ValueError, match=r"must have 5 destinations and 7 sources.*it has 4 and 7"):
        as_graph(graph, 5, 7)


def test_other_sizes_give_another_graph():
    edge_index = edges()
    assert as_graph(edge_index, 5, 5).num_nodes == 5
    graph = as_graph(edge_index, 4, 7)
    assert (graph.num_dst, graph.num_src) == (4, 7)
    assert as_graph(edge_index, 4, 7) is graph


def test_writing_into_the_tensor_is_noticed():
    edge_index = edges()
    assert as_graph(edge_index, 5, 5).csr.indices.tolist() == [0, 4, 2, 4, 0]
    edge_index[0, 0] = 3
    assert as_graph(edge_index, 5, 5).csr.indices.tolist() == [0, 3, 2, 4, 0]


def large():
    """More edges than are compared whole."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(97, (2, 5003), generator=generator)


def other_data(edge_index):
    edge_index.data = edge_index.flip(0).contiguous()


def other_strides(edge_index):
    edge_index.data = edge_index.data.view(-1, 2).t() if edge_index.is_contiguous() else edge_index.contiguous()


def write_through_data(edge_index):
    edge_index.data[0].copy_(edge_index[0].roll(1))


def write_through_numpy(edge_index):
    edge_index.numpy()[1] = edge_index[1].roll(1).numpy()


@pytest.mark.parametrize("change", [other_data, other_strides, write_through_data, write_through_numpy])
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
@pytest.mark.parametrize(
    "form", [lambda x: x, lambda x: x.t().contiguous().t(), lambda x: x.repeat(2, 2)[1:3, 1 : 1 + x.size(1)]]
)
@pytest.mark.parametrize("make", [edges, large])
def test_writing_without_a_new_version_is_noticed(make, form, dtype, change):
    edge_index = form(make().to(dtype))
    graph = as_graph(edge_index, 97, 97)
    _ = graph.csc, graph.add_self_loops()[0].csr
    version = edge_index._version
    change(edge_index)
    assert edge_index._version == version
    graph, fresh = as_graph(edge_index, 97, 97), Graph(edge_index.clone(), 97)
    assert graph == fresh
    for kept, made in zip((*graph.csr, *graph.csc), (*fresh.csr, *fresh.csc), strict=True):
        assert (kept is None and made is None) or torch.equal(kept, made)
    check_edges()


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc])
def test_writing_into_a_matrix_is_noticed(layout):
    matrix = Graph(torch.tensor([[2, 0], [1, 0]]), num_dst=2, num_src=3).to_torch_sparse(layout)
    assert as_graph(matrix, 2, 3).in_degree.tolist() == [1, 1]
    if layout == torch.sparse_coo:
        matrix._indices().data[1, 1] = 1
    elif layout == torch.sparse_csr:
        matrix.col_indices().data[1] = 1
    else:
        matrix.row_indices().data[1] = 0
    assert as_graph(matrix, 2, 3) == as_graph(matrix.clone(), 2, 3)


def test_a_small_tensor_is_compared_whole():
    edge_index = torch.zeros(2, 1024, dtype=torch.int64)
    for node in (1, 511, 1023):
        as_graph(edge_index, 2, 2)
        edge_index.numpy()[1, node] = 1
        assert as_graph(edge_index, 2, 2).in_degree.tolist() == [1024 - edge_index[1].sum(), edge_index[1].sum()]


@pytest.mark.parametrize(
    "derive",
    [
        lambda graph: graph.csr,
        lambda graph: graph.csc,
        lambda graph: graph.add_self_loops()[0].csr,
        Graph.append_self_loops,
        Graph.reverse,
    ],
)
def test_check_edges_finds_what_a_look_cannot_see(derive):
    one, other = large(), large()
    derive(as_graph(one, 97, 97))
    derive(as_graph(other, 97, 97))
    check_edges()
    one.numpy()[1, 1234] += 1 if one[1, 1234] < 96 else -1
    check_edges(other)
    with pytest.raises(
        ValueError, match=r"version does not count.*shapes: \[2, 5003\]; what was kept for them is forgo"
    ):
        check_edges(one)
    assert torch.equal(as_graph(one, 97, 97).csr.indptr, Graph(one.clone(), 97).csr.indptr)
    check_edges()


def test_check_edges_finds_nodes_outside_the_graph():
    edge_index = large()
    as_graph(edge_index, 97, 97)
    edge_index.numpy()[1, 1234] = 97
    with pytest.raises(ValueError, match="version does not count"):
        check_edges()
    with pytest.raises(ValueError, match="edge_index holds node 97"):
        as_graph(edge_index, 97, 97)


def test_entry_and_memory_go_with_the_tensor():
    gc.collect()  # what others have left
    edge_index = edges()
    graph = weakref.ref(as_graph(edge_index, 5, 5))
    _ = graph().csc
    tensor, key, before = weakref.ref(edge_index), id(edge_index), len(cache._graphs._entries)
    del edge_index
    gc.collect()
    assert tensor() is None
    assert graph() is None
    assert key not in cache._graphs._entries
    assert len(cache._graphs._entries) == before - 1


def test_a_new_tensor_at_an_old_address_is_another_tensor():
    graphs = {}
    for size in range(50):
        edge_index = torch.zeros(2, size, dtype=torch.int64)
        graphs[size] = as_graph(edge_index, 1, 1)
        del edge_index
    assert all(graph.num_edges == size for size, graph in graphs.items())


def test_an_entry_of_another_tensor_is_not_taken_for_its_own():
    old, new = edges(), edges()
    graph = as_graph(old, 5, 5)
    cache._graphs._entries[id(new)] = cache._graphs._entries[id(old)]  # as after a reused address, before the farewell
    assert as_graph(new, 5, 5) is not graph


def test_a_late_farewell_does_not_remove_a_successor():
    edge_index = edges()
    graph = as_graph(edge_index, 5, 5)
    cache._graphs._forget(id(edge_index), weakref.ref(edges()))
    assert as_graph(edge_index, 5, 5) is graph


def test_pyg_edge_index_is_kept_too():
    edge_index = EdgeIndex(edges())
    graph = as_graph(edge_index, 5, 5)
    assert as_graph(edge_index, 5, 5) is graph
    tensor = weakref.ref(edge_index)
    del edge_index
    gc.collect()
    assert tensor() is None


def test_inference_tensors_are_not_kept():
    with torch.inference_mode():
        edge_index = edges()
        assert as_graph(edge_index, 5, 5) == as_graph(edge_index, 5, 5)
        assert id(edge_index) not in cache._graphs._entries


def test_a_graph_made_in_inference_mode_can_serve_a_backward_pass():
    edge_index = edges()
    with torch.inference_mode():
        _ = as_graph(edge_index, 5, 5).csc
    graph = as_graph(edge_index, 5, 5)
    x = torch.ones(5, requires_grad=True)
    x[graph.csr.indices].sum().backward()
    assert x.grad.tolist() == [2, 0, 1, 0, 2]


def test_threads_get_one_graph():
    edge_index = edges()
    start, found = threading.Barrier(8), []

    def work():
        start.wait()
        found.append(as_graph(edge_index, 5, 5))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(graph) for graph in found}) == 1


def test_in_a_compiled_function():
    @torch.compile(backend="eager", fullgraph=True)
    def seen(x, edge_index):
        return x[as_graph(edge_index, x.size(0), x.size(0)).csr.indices]

    assert seen(torch.arange(5), edges()).tolist() == [0, 4, 2, 4, 0]


def test_bad_input():
    with pytest.raises(TypeError, match="graph must be a Graph or an edge_index tensor, got list"):
        as_graph([[0], [1]], 2, 2)
    with pytest.raises(ValueError, match="edge_index holds node 4, but the graph has 3 nodes"):
        as_graph(edges(), 3, 3)


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc])
def test_sparse_matrices_have_a_row_for_each_destination(layout):
    matrix = Graph(torch.tensor([[2, 0], [1, 0]]), num_dst=2, num_src=3).to_torch_sparse(layout)
    graph = as_graph(matrix, 2, 3)
    assert sorted(graph.edge_index.t().tolist()) == [[0, 0], [2, 1]]
    assert as_graph(matrix, 2, 3) is graph
    with pytest.raises(ValueError, match="graph must have 3 destinations and 3 sources"):
        as_graph(matrix, 3, 3)
