"""Every form of edges that PyG's layers take, against PyG; prepared once for all layers and steps."""

import pytest
import torch
from pyg_twin import assert_same, twins

import graphattn as ga
from graphattn.graph import graph as graph_module

pyg = pytest.importorskip("torch_geometric")
IN, OUT, HEADS, EDGE, LEFT, RIGHT = 5, 7, 3, 2, 11, 13
LAYERS = ["GATConv", "GATv2Conv", "TransformerConv"]
WITH_LOOPS = ["GATConv", "GATv2Conv"]


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def looped_edges():
    """Duplicate edges, two self-loops (one of them twice), and a node without other edges."""
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


def simple_edges():
    """Without duplicates, with a self-loop, in no order: what a sparse matrix can hold."""
    return torch.tensor([[0, 3, 1, 2, 2, 4], [1, 1, 0, 1, 2, 3]])


def flag(name):
    return {"return_attention_weights": True}


FORMS = [
    "int64",
    "int32",
    "noncontiguous",
    "EdgeIndex",
    "sorted EdgeIndex",
    "coo",
    "csr",
    "csc",
    "SparseTensor",
    "Graph",
]
MATRICES = ["coo", "csr", "csc", "SparseTensor"]


def as_form(form, edge_index, num_nodes, values=None):
    """The edges in one of the forms that PyG's layers take; for matrices, the edges must be free of duplicates."""
    if form == "int64":
        return edge_index
    if form == "int32":
        return edge_index.int()
    if form == "noncontiguous":
        return edge_index.t().contiguous().t()
    if form == "EdgeIndex":
        return pyg.EdgeIndex(edge_index)
    if form == "sorted EdgeIndex":
        return pyg.EdgeIndex(edge_index, sparse_size=(num_nodes, num_nodes)).sort_by("col").values
    if form == "Graph":
        return ga.Graph(edge_index, num_nodes)
    if form == "SparseTensor":
        matrix = pytest.importorskip("torch_sparse").SparseTensor
        return matrix(row=edge_index[1], col=edge_index[0], value=values, sparse_sizes=(num_nodes, num_nodes))
    values = torch.ones(edge_index.size(1), dtype=torch.float64) if values is None else values
    size = (num_nodes, num_nodes, *values.shape[1:])
    coo = torch.sparse_coo_tensor(edge_index.flip(0), values, size).coalesce()
    if form == "coo":
        return coo
    row, col = coo.indices()
    if form == "csc":
        order = (col * num_nodes + row).argsort()
        starts = torch.searchsorted(col[order], torch.arange(num_nodes + 1))
        return torch.sparse_csc_tensor(starts, row[order], coo.values()[order], size)
    starts = torch.searchsorted(row, torch.arange(num_nodes + 1))
    return torch.sparse_csr_tensor(starts, col, coo.values(), size)


@pytest.mark.parametrize("name", WITH_LOOPS)
def test_an_edge_index_that_counts_up_to_its_last_edge(name):
    """As an EdgeIndex does that was sorted and not told its size, while later nodes have no edge."""
    edges = pyg.EdgeIndex(torch.tensor([[1, 0, 1], [0, 1, 1]])).sort_by("col").values
    assert edges.get_sparse_size() == (2, 2)
    assert_same(twins(name, IN, OUT, HEADS), numbers(6, IN), edges, **flag(name))


@pytest.mark.parametrize("flow", ["source_to_target", "target_to_source"])
@pytest.mark.parametrize("name", LAYERS)
def test_flow_with_two_node_sets(name, flow):
    kinds = (LEFT, RIGHT)
    edges = torch.stack([torch.randint(kinds[0], (17,)), torch.randint(kinds[1], (17,))])
    flipped = flow == "target_to_source"
    options = {"add_self_loops": False} if name in WITH_LOOPS else {}
    mine, _ = twins(name, (3, 4), OUT, HEADS, flow=flow, **options)
    _, pygs = twins(name, (3, 4), OUT, HEADS, **options)  # which takes the wrong number of nodes with the other flow
    x = numbers(LEFT, 3), numbers(RIGHT, 4)
    torch.testing.assert_close(mine(x, edges.flip(0) if flipped else edges), pygs(x, edges))


@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize("add_self_loops", [True, False])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LAYERS)
def test_forms(name, form, add_self_loops, edge_dim):
    options = {"add_self_loops": add_self_loops} if name in WITH_LOOPS else {}
    if name not in WITH_LOOPS and add_self_loops:
        pytest.skip("the layer adds none")
    pair = twins(name, IN, OUT, HEADS, edge_dim=edge_dim, **options)
    x, attr, values = numbers(6, IN), None, None
    if edge_dim is not None and form in MATRICES:
        values = numbers(6, EDGE)
    elif edge_dim is not None:
        attr = numbers(6, EDGE)
    edges = as_form(form, simple_edges(), 6, values)
    refused = form == "SparseTensor" and add_self_loops and edge_dim is not None
    if refused or form in ("csc", "int32"):  # which PyG does not take; another form says what is right
        other = simple_edges() if form == "int32" else as_form("csr", simple_edges(), 6, values)
        torch.testing.assert_close(pair[0](x, edges, attr), pair[1](x, other, attr))
        return
    assert_same(pair, x, edges, attr)
    if values is None or form == "SparseTensor":  # PyG fails to give weights back in a matrix of features
        assert_same(pair, x, edges, attr, **flag(name))


@pytest.mark.parametrize("form", ["coo", "csr"])
@pytest.mark.parametrize("name", LAYERS)
def test_separate_edge_features_beside_a_matrix_come_in_its_order(name, form):
    options = {"add_self_loops": False} if name in WITH_LOOPS else {}
    pair = twins(name, IN, OUT, HEADS, edge_dim=EDGE, **options)
    assert_same(pair, numbers(6, IN), as_form(form, simple_edges(), 6), numbers(6, EDGE), **flag(name))


@pytest.mark.parametrize("form", ["coo", "csr"])
@pytest.mark.parametrize("fill_value", ["mean", "mul", 0.5])
@pytest.mark.parametrize("name", WITH_LOOPS)
def test_self_loops_of_matrices_have_filled_values(name, fill_value, form):
    pair = twins(name, IN, OUT, HEADS, edge_dim=EDGE, fill_value=fill_value)
    values = numbers(6, EDGE)
    for _ in range(2):  # the second time prepared
        assert_same(pair, numbers(6, IN), as_form(form, simple_edges(), 6, values))


def test_entries_in_no_order_and_copies_of_a_matrix_as_in_pyg():
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    entries = simple_edges().flip(0)[:, order]
    x = numbers(6, IN)
    for name in LAYERS:
        options = {"add_self_loops": False} if name in WITH_LOOPS else {}
        pair = twins(name, IN, OUT, HEADS, **options)
        matrix = torch.sparse_coo_tensor(entries, numbers(6), (6, 6))
        torch.testing.assert_close(pair[0](x, matrix), pair[1](x, matrix.coalesce()))
    copies = torch.sparse_coo_tensor(looped_edges().flip(0), torch.ones(8, dtype=torch.float64), (6, 6))
    for name in WITH_LOOPS:
        pair = twins(name, IN, OUT, HEADS)
        torch.testing.assert_close(pair[0](x, copies), pair[1](x, copies))


@pytest.mark.parametrize("size", [None, (LEFT, RIGHT)], ids=str)
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("in_channels", [IN, (IN, IN)], ids=str)
def test_sources_alone(in_channels, residual, size):
    pair = twins("GATConv", in_channels, OUT, HEADS, residual=residual)
    edges = torch.stack([torch.randint(LEFT, (17,)), torch.randint(LEFT, (17,))])
    assert_same(pair, (numbers(LEFT, IN), None), edges, size=size, **flag("GATConv"))


@pytest.mark.parametrize("add_self_loops", [True, False])
def test_size(add_self_loops):
    pair = twins("GATConv", (IN, IN), OUT, HEADS, add_self_loops=add_self_loops)
    edges = torch.stack([torch.randint(LEFT, (17,)), torch.randint(RIGHT, (17,))])
    assert_same(pair, (numbers(LEFT, IN), numbers(RIGHT, IN)), edges, None, (LEFT, RIGHT), True)


@pytest.mark.parametrize("name", LAYERS)
def test_one_width_for_two_node_sets_and_two_widths_for_one(name):
    edges = torch.stack([torch.randint(LEFT, (17,)), torch.randint(RIGHT, (17,))])
    assert_same(twins(name, IN, OUT, HEADS), (numbers(LEFT, IN), numbers(RIGHT, IN)), edges, **flag(name))
    assert_same(twins(name, (IN, IN), OUT, HEADS), numbers(6, IN), looped_edges(), **flag(name))


@pytest.fixture
def sorts(monkeypatch):
    """How many times edges have been sorted by destination or by source, as a list of sizes."""
    calls = []

    def counted(keys, *rest, compress=graph_module.compress):
        calls.append(keys.numel())
        return compress(keys, *rest)

    monkeypatch.setattr(graph_module, "compress", counted)
    monkeypatch.setattr(graph_module, "native_for", lambda edges: None)  # compiled code sorts without `compress`
    return calls


@pytest.mark.parametrize("form", ["int64", "int32", "EdgeIndex", "coo", "csr", "csc"])
@pytest.mark.parametrize("flow", ["source_to_target", "target_to_source"])
def test_edges_are_prepared_once_for_all_layers_and_steps(sorts, form, flow):
    if flow == "target_to_source" and form in ("coo", "csr", "csc"):
        pytest.skip("matrices have their flow")
    layers = [getattr(ga.nn, name)(IN, IN, flow=flow) for name in WITH_LOOPS * 2]
    layers += [ga.nn.AGNNConv(flow=flow), ga.nn.SuperGATConv(IN, IN, flow=flow).eval()]
    edges = as_form(form, simple_edges(), 6)
    for _ in range(3):
        x = torch.randn(6, IN)
        for layer in layers:
            x = layer(x, edges)
        x.sum().backward()
    assert len(sorts) <= 2  # by destination, and by source if a kernel asks for it
