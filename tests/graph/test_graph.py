import copy
import pickle

import pytest
import torch
from hypothesis import given
from strategies import graphs
from torch_geometric import EdgeIndex

from graphattn.graph import Graph, complete
from graphattn.testing import zoo

EDGES = torch.tensor([[4, 0, 2, 0, 4], [1, 3, 1, 0, 1]])  # 4 -> 1 twice, a self-loop at 0, node 2 sees nobody


def check_compressed(graph):
    """CSR and CSC say the same as edge_index, and keep the caller's order among equals."""
    src, dst = graph.edge_index
    order = dst.sort(stable=True).indices
    csr, csc = graph.csr, graph.csc
    perm = torch.arange(graph.num_edges) if csr.perm is None else csr.perm.long()
    assert torch.equal(perm, order)
    assert torch.equal(csr.indices.long(), src[order])
    assert torch.equal(csr.indptr.long().diff(), dst.bincount(minlength=graph.num_dst)[: graph.num_dst])
    assert torch.equal(csc.perm.long(), src[order].sort(stable=True).indices)
    assert torch.equal(csc.indices.long(), dst[order][csc.perm.long()])
    assert torch.equal(csc.indptr.long().diff(), src.bincount(minlength=graph.num_src)[: graph.num_src])
    for form in (csr, csc):
        assert all(part.is_contiguous() and part.dtype == torch.int32 for part in form if part is not None)


def test_sizes_and_degrees():
    graph = Graph(EDGES, 5)
    assert (graph.num_nodes, graph.num_dst, graph.num_src, graph.num_edges) == (5, 5, 5, 5)
    assert graph.in_degree.tolist() == [1, 3, 0, 1, 0]
    assert graph.out_degree.tolist() == [2, 0, 1, 0, 2]
    assert graph.device == torch.device("cpu")


def test_csr_and_csc_by_hand():
    graph = Graph(EDGES, 5)
    assert [part.tolist() for part in graph.csr] == [[0, 1, 4, 4, 5, 5], [0, 4, 2, 4, 0], [3, 0, 2, 4, 1]]
    assert [part.tolist() for part in graph.csc] == [[0, 2, 2, 3, 3, 5], [0, 3, 1, 1, 1], [0, 4, 2, 1, 3]]


@pytest.mark.parametrize("name", zoo())
def test_compressed_forms_of_the_zoo(name):
    check_compressed(zoo()[name])


@given(graphs())
def test_compressed_forms(graph):
    check_compressed(graph)


@given(graphs(bipartite=True))
def test_compressed_forms_of_bipartite_graphs(graph):
    check_compressed(graph)


def test_edge_index_is_not_copied():
    assert Graph(EDGES).edge_index is EDGES


def test_derived_arrays_are_kept():
    graph = Graph(EDGES)
    assert graph.csr is graph.csr
    assert graph.csc is graph.csc


def test_sorted_edges_are_not_sorted_again():
    assert Graph(torch.tensor([[3, 0, 2], [0, 1, 1]])).csr.perm is None


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8])
def test_other_integers_become_int64(dtype):
    graph = Graph(EDGES.to(dtype))
    assert graph.edge_index.dtype == torch.int64
    assert torch.equal(graph.edge_index, EDGES)


def test_edges_with_gaps_in_memory():
    check_compressed(Graph(EDGES.t().contiguous().t(), 5))


def test_number_of_nodes_is_found():
    assert Graph(EDGES).num_nodes == 5
    assert Graph(torch.empty(2, 0, dtype=torch.int64)).num_nodes == 0
    graph = Graph(EDGES, num_src=7)
    assert (graph.num_dst, graph.num_src) == (4, 7)


def test_num_nodes_needs_one_node_set():
    graph = Graph(EDGES, num_dst=4, num_src=5)
    with pytest.raises(ValueError, match=r"4 destinations and 5 sources.*use num_dst and num_src"):
        _ = graph.num_nodes


@pytest.mark.parametrize(
    ("edge_index", "sizes", "error", "message"),
    [
        ([[0], [1]], {}, TypeError, r"edge_index must be a tensor of shape \[2, E\], got list"),
        (EDGES.float(), {}, TypeError, "edge_index must hold integers, got torch.float32"),
        (EDGES.bool(), {}, TypeError, "edge_index must hold integers, got torch.bool"),
        (EDGES.t(), {}, ValueError, r"edge_index must have shape \[2, E\], got \[5, 2\]"),
        (EDGES[0], {}, ValueError, r"edge_index must have shape \[2, E\], got \[5\]"),
        (torch.tensor([[17], [3]]), {"num_nodes": 12}, ValueError, "holds node 17, but the graph has 12 nodes"),
        (EDGES, {"num_dst": 3, "num_src": 5}, ValueError, "destination node 3, but the graph has 3 destination nodes"),
        (EDGES, {"num_dst": 4, "num_src": 3}, ValueError, "source node 4, but the graph has 3 source nodes"),
        (-EDGES, {}, ValueError, "edge_index holds node -4, but nodes are counted from 0"),
        (EDGES, {"num_nodes": 5, "num_src": 5}, ValueError, "give either num_nodes .* or num_dst and num_src"),
        (EDGES, {"num_nodes": 5.0}, TypeError, "num_nodes must be an integer, got 5.0"),
        (EDGES, {"num_nodes": True}, TypeError, "num_nodes must be an integer, got True"),
        (EDGES, {"num_dst": -1}, ValueError, "num_dst must not be negative, got -1"),
    ],
)
def test_bad_input(edge_index, sizes, error, message):
    with pytest.raises(error, match=message):
        Graph(edge_index, **sizes)


def test_pyg_edge_index_brings_its_sizes():
    edge_index = EdgeIndex(EDGES, sparse_size=(7, 5))
    graph = Graph(edge_index)
    assert (graph.num_src, graph.num_dst) == (7, 5)
    assert type(graph.edge_index) is torch.Tensor
    assert Graph(edge_index, 11).num_nodes == 11
    assert Graph(EdgeIndex(EDGES)).num_nodes == 5


def test_equality_is_by_content():
    graph = Graph(EDGES, 5)
    assert graph == Graph(EDGES.clone(), num_dst=5, num_src=5)
    assert graph != Graph(EDGES, 7)
    assert graph != Graph(EDGES.flip(1), 5)  # per-edge features would not fit
    assert graph != Graph(EDGES[:, :4], 5)
    assert graph != "graph"
    assert complete(2) == Graph(torch.tensor([[0, 1, 0, 1], [0, 0, 1, 1]]))
    with pytest.raises(TypeError, match="unhashable"):
        hash(graph)


def test_repr_is_short():
    assert repr(Graph(EDGES)) == "Graph(num_nodes=5, num_edges=5)"
    assert repr(Graph(EDGES, num_dst=4, num_src=7)) == "Graph(num_dst=4, num_src=7, num_edges=5)"
    assert repr(Graph(EDGES).to("meta")) == "Graph(num_nodes=5, num_edges=5, device='meta')"


def test_to_moves_what_was_derived():
    graph = Graph(EDGES)
    assert graph.to("cpu") is graph
    _ = graph.csc, graph.add_self_loops()
    moved = graph.to("meta")
    assert moved.device == torch.device("meta")
    tensors = [moved.edge_index, *moved._csr, *moved._csc]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert moved._looped is None  # that one is on the CPU
    assert graph.edge_index.device.type == "cpu"


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is an accelerator")
def test_pin_memory_needs_an_accelerator():
    with pytest.raises(RuntimeError, match="pin_memory needs an accelerator"):
        Graph(EDGES).pin_memory()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_pinned_graph_goes_to_the_device_and_back():
    graph = Graph(EDGES)
    _ = graph.csc
    pinned = graph.pin_memory()
    assert all(tensor.is_pinned() for tensor in (pinned.edge_index, *pinned.csr, *pinned.csc))
    there = pinned.to("cuda", non_blocking=True)
    assert there.device == torch.device("cuda:0")
    there.validate()
    check_compressed(there.to("cpu"))
    check_compressed(Graph(EDGES.cuda()).to("cpu"))
    with pytest.raises(RuntimeError, match="this one is on cuda:0"):
        there.pin_memory()


@pytest.mark.parametrize("name", zoo())
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))])
def test_pickle_and_deepcopy(name, clone):
    graph = zoo()[name]
    before = clone(graph)
    _ = graph.csc
    after = clone(graph)
    assert type(before) is type(after) is type(graph)
    assert before == after == graph
    assert torch.equal(after._csc.perm, graph.csc.perm)
    before.edge_index[:] = 0
    assert after == graph


def test_reverse_swaps_ends_and_keeps_order():
    graph = Graph(EDGES, num_dst=4, num_src=7).reverse()
    assert (graph.num_dst, graph.num_src) == (7, 4)
    assert torch.equal(graph.edge_index, EDGES.flip(0))


def test_remove_self_loops():
    graph, kept = Graph(EDGES, 7).remove_self_loops()
    assert kept.tolist() == [0, 1, 2, 4]
    assert graph == Graph(EDGES[:, kept], 7)


def test_add_self_loops_replaces_those_there():
    graph = Graph(EDGES, 5)
    looped, kept = graph.add_self_loops()
    assert kept.tolist() == [0, 1, 2, 4]
    assert looped.edge_index.tolist() == [[4, 0, 2, 4, 0, 1, 2, 3, 4], [1, 3, 1, 1, 0, 1, 2, 3, 4]]
    assert graph.add_self_loops()[0] is looped


def test_add_self_loops_to_the_nodes_that_both_sides_have():
    looped, _ = Graph(torch.tensor([[6], [0]]), num_dst=3, num_src=7).add_self_loops()
    assert looped.edge_index.tolist() == [[6, 0, 1, 2], [0, 0, 1, 2]]
    assert (looped.num_dst, looped.num_src) == (3, 7)
    looped, _ = Graph(torch.tensor([[0], [6]]), num_dst=7, num_src=2).add_self_loops()
    assert looped.edge_index.tolist() == [[0, 0, 1], [6, 0, 1]]


def test_self_loops_as_pyg_makes_them():
    from torch_geometric.utils import add_self_loops, remove_self_loops

    expected, _ = add_self_loops(remove_self_loops(EDGES)[0], num_nodes=5)
    assert torch.equal(Graph(EDGES, 5).add_self_loops()[0].edge_index, expected)


def test_what_inference_mode_derives_can_serve_a_backward_pass():
    edge_index = EDGES.clone()
    with torch.inference_mode():
        graph = Graph(edge_index, 5)
        derived = [*graph.csr, *graph.csc, *graph.add_self_loops()[0].csr, Graph(edge_index.int()).edge_index]
    assert not any(tensor.is_inference() for tensor in derived)
    x = torch.ones(5, requires_grad=True)
    x[graph.csr.indices].sum().backward()
    assert x.grad.tolist() == graph.out_degree.tolist()


def test_a_compiled_function_uses_a_graph():
    @torch.compile(backend="eager", fullgraph=True)
    def sums(x, graph):
        seen = x[graph.csr.indices]
        into = torch.zeros(graph.num_dst).index_add(0, graph.csr.rows(), seen)
        out_of = torch.zeros(graph.num_src).index_add(0, graph.csc.rows(), seen[graph.csc.perm])
        return into, out_of

    x = torch.tensor([1.0, 10.0, 100.0, 1000.0, 10000.0])
    for edges in (EDGES, EDGES[:, :3]):
        graph = Graph(edges, 5)
        _ = graph.csc
        into, out_of = sums(x, graph)
        assert into.tolist() == (graph.to_torch_sparse().to_dense() @ x).tolist()
        assert out_of.tolist() == (x * graph.out_degree).tolist()


def test_a_graph_built_in_a_compiled_function():
    @torch.compile(backend="eager", fullgraph=True)
    def compressed(edge_index):
        graph = Graph(edge_index, num_nodes=5)
        return graph.csr, graph.csc.perm

    csr, csc_perm = compressed(EDGES)
    assert [part.tolist() for part in csr] == [part.tolist() for part in Graph(EDGES).csr]
    assert csc_perm.tolist() == Graph(EDGES).csc.perm.tolist()


def test_the_reverse_is_made_once():
    graph = Graph(torch.tensor([[0, 2], [1, 1]]), num_dst=2, num_src=3)
    assert graph.reverse() is graph.reverse()
    assert graph.reverse().edge_index.tolist() == [[1, 1], [0, 2]]
    graph.reverse().validate()


def test_a_graph_without_self_loops_keeps_its_edges():
    graph = Graph(torch.tensor([[0, 2], [1, 1]]), 3)
    without, kept = graph.remove_self_loops()
    assert without.edge_index is graph.edge_index
    assert kept.tolist() == [0, 1]
    graph.add_self_loops()[0].validate()
