"""Every layer against PyG's of that name: forms of input, options, the graph zoo; outputs, weights and gradients."""

import copy
import io
import pickle

import pytest
import torch
from expectation import assert_mean
from pyg_twin import assert_same, twins

import graphattn as ga
from graphattn.graph import graph as graph_module
from graphattn.ops import thresholds
from graphattn.testing import assert_batch_equals_separate, assert_node_permutation_equivariant, zoo

pyg = pytest.importorskip("torch_geometric")

IN, OUT, HEADS, EDGE, LEFT, RIGHT = 5, 7, 3, 2, 11, 13
LAYERS = ["GATConv", "GATv2Conv", "TransformerConv"]
WITH_LOOPS = ["GATConv", "GATv2Conv"]
SQUARE = sorted(name for name, graph in zoo().items() if graph.num_dst == graph.num_src)
BIPARTITE = sorted(zoo().keys() - set(SQUARE))


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


@pytest.fixture(params=[0, thresholds.FEW_NUMBERS], ids=["as if large", "small"])
def any_size(request, monkeypatch):
    monkeypatch.setattr(thresholds, "FEW_NUMBERS", request.param)


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize("graph", SQUARE)
@pytest.mark.parametrize("name", LAYERS)
def test_zoo(name, graph, edge_dim):
    graph = zoo()[graph]
    attr = None if edge_dim is None else numbers(graph.num_edges, EDGE)
    pair = twins(name, IN, OUT, HEADS, edge_dim=edge_dim)
    assert_same(pair, numbers(graph.num_nodes, IN), graph, attr, **flag(name))


@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize("graph", BIPARTITE)
@pytest.mark.parametrize("name", LAYERS)
def test_bipartite_zoo(name, graph, edge_dim):
    graph = zoo()[graph]
    attr = None if edge_dim is None else numbers(graph.num_edges, EDGE)
    options = {"fill_value": 0.5} if name in WITH_LOOPS else {}
    pair = twins(name, (LEFT, RIGHT), OUT, HEADS, edge_dim=edge_dim, **options)
    x = numbers(graph.num_src, LEFT), numbers(graph.num_dst, RIGHT)
    assert_same(pair, x, graph, attr, **flag(name))
    assert_same(pair, list(x), graph.edge_index, attr)


SHARED = [{}, {"concat": False}, {"heads": 1}, {"bias": False}, {"aggr": "sum"}, {"flow": "target_to_source"}]
OPTIONS = {
    "GATConv": [
        {"negative_slope": 0.5},
        {"residual": True},
        {"residual": True, "concat": False, "bias": False},
        {"add_self_loops": False, "residual": True},
        {"flow": "target_to_source", "fill_value": "max"},
    ],
    "GATv2Conv": [
        {"negative_slope": 0.5},
        {"share_weights": True},
        {"share_weights": True, "bias": False},
        {"residual": True},
        {"residual": True, "concat": False, "bias": False},
        {"add_self_loops": False, "residual": True},
    ],
    "TransformerConv": [
        {"beta": True},
        {"beta": True, "concat": False},
        {"root_weight": False},
        {"root_weight": False, "beta": True, "bias": False},
    ],
}
CASES = [(name, options) for name in LAYERS for options in SHARED + OPTIONS[name]]


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_options(name, options, edge_dim):
    options = {"heads": HEADS, "edge_dim": edge_dim, **options}
    attr = None if edge_dim is None else numbers(8, EDGE)
    assert_same(twins(name, IN, OUT, **options), numbers(6, IN), looped_edges(), attr, **flag(name))


@pytest.mark.parametrize("aggr", ["mean", "max", ["add", "mean"]], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_other_aggregations(name, aggr):
    for edge_dim in (None, EDGE):
        attr = None if edge_dim is None else numbers(8, EDGE)
        pair = twins(name, IN, OUT, 2, edge_dim=edge_dim, aggr=aggr)
        x, edges = numbers(6, IN), looped_edges()
        if aggr == ["add", "mean"] and name == "TransformerConv":
            with pytest.raises(RuntimeError):  # PyG's cannot, for its skip has another number of rows
                pair[1](x, edges, attr)
        else:
            assert_same(pair, x, edges, attr, **flag(name))


@pytest.mark.parametrize("name", LAYERS)
def test_what_comes_out_may_be_changed_in_place(name):
    """Also where neither a bias nor a skip makes a new tensor of the operator's."""
    options = {"root_weight": False} if name == "TransformerConv" else {"bias": False}
    pair = [torch.nn.Sequential(layer, torch.nn.ReLU(inplace=True)) for layer in twins(name, IN, OUT, HEADS, **options)]
    for model in pair:
        model.forward = lambda x, edges, model=model: model[1](model[0](x, edges))
    assert_same(pair, numbers(6, IN), looped_edges())


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


FILL = ["add", "sum", "mean", "min", "max", "mul", 0, 2.5, torch.tensor(0.5), torch.tensor([1.5, -0.5])]


@pytest.mark.parametrize("fill_value", FILL, ids=str)
@pytest.mark.parametrize("name", WITH_LOOPS)
def test_fill_values(name, fill_value):
    pair = twins(name, IN, OUT, HEADS, edge_dim=EDGE, fill_value=fill_value)
    assert_same(pair, numbers(6, IN), looped_edges(), numbers(8, EDGE), **flag(name))


@pytest.mark.parametrize("name", WITH_LOOPS)
def test_one_number_per_edge(name):
    pair = twins(name, IN, OUT, HEADS, edge_dim=1)
    assert_same(pair, numbers(6, IN), looped_edges(), numbers(8), **flag(name))


@pytest.mark.parametrize("name", WITH_LOOPS)
def test_edge_features_may_be_left_out(name):
    assert_same(twins(name, IN, OUT, HEADS, edge_dim=EDGE), numbers(6, IN), looped_edges(), **flag(name))


def test_gat_ignores_edge_features_without_edge_dim():
    assert_same(twins("GATConv", IN, OUT, HEADS), numbers(6, IN), looped_edges(), numbers(8, EDGE))


@pytest.mark.parametrize("value", [None, False, True, 0, 1])
@pytest.mark.parametrize("name", LAYERS)
def test_what_asks_for_weights(name, value):
    x, edges = numbers(6, IN), looped_edges()
    ours, theirs = (layer(x, edges, return_attention_weights=value) for layer in twins(name, IN, OUT))
    assert isinstance(ours, tuple) == isinstance(theirs, tuple)


@pytest.mark.parametrize("name", LAYERS)
def test_weights_in_training(name):
    graph, x = ga.complete(17), numbers(17, IN)
    for layer in twins(name, IN, OUT, HEADS, dropout=0.5):
        out, (_, weights) = layer(x, graph.edge_index, return_attention_weights=True)
        total = torch.zeros(17, HEADS, dtype=torch.float64).index_add(0, graph.edge_index[1], weights)
        before = torch.allclose(total, torch.ones_like(total))
        assert before == (name == "TransformerConv")
        if not before:
            assert_mean((weights == 0).flatten(), 0.5, rather_than=0.25)
        assert weights.requires_grad
        assert not torch.equal(out, layer(x, graph.edge_index))


@pytest.mark.parametrize("name", LAYERS)
def test_everything_dropped(name):
    for layer in twins(name, IN, OUT, HEADS, dropout=1.0):
        kept = layer.bias.expand(6, -1) if name != "TransformerConv" else None
        out = layer(x := numbers(6, IN), looped_edges())
        torch.testing.assert_close(out, layer.lin_skip(x) if kept is None else kept)


@pytest.mark.parametrize("name", LAYERS)
def test_dropout_keeps_the_mean(name):
    graph, x = ga.complete(31), numbers(31, IN)
    mine, _ = twins(name, IN, OUT, HEADS, dropout=0.3)
    draws = torch.stack([mine(x, graph) for _ in range(400)])
    plain = mine.eval()(x, graph)
    unseen = mine.lin_skip(x) if name == "TransformerConv" else mine.bias  # what stays where all is dropped
    assert_mean(draws, plain, rather_than=unseen + 0.7 * (plain - unseen))


@pytest.mark.parametrize("name", LAYERS)
def test_symmetries(name):
    layer, _ = twins(name, IN, OUT, HEADS, edge_dim=EDGE)
    graphs = [zoo()[each] for each in ("unsorted", "isolated_nodes")]
    cases = [(numbers(graph.num_nodes, IN), graph, numbers(graph.num_edges, EDGE)) for graph in graphs]
    assert_node_permutation_equivariant(layer, *cases[0])
    assert_batch_equals_separate(layer, cases)


# Parameters

CONSTRUCTED = [
    ("GATConv", (IN, OUT), {}),
    ("GATConv", ((IN, RIGHT), OUT, HEADS, False, 0.1, 0.5, False, EDGE, "max", False, True), {}),
    ("GATConv", (-1, OUT), {"edge_dim": -1, "residual": True}),
    ("GATConv", ((-1, -1), OUT), {"edge_dim": EDGE, "residual": True}),
    ("GATv2Conv", (IN, OUT), {}),
    ("GATv2Conv", ((IN, RIGHT), OUT, HEADS, False, 0.1, 0.5, False, EDGE, "max", False, False, True), {}),
    ("GATv2Conv", (IN, OUT), {"share_weights": True, "edge_dim": EDGE}),
    ("GATv2Conv", (-1, OUT), {"edge_dim": -1, "residual": True}),
    ("TransformerConv", (IN, OUT), {"root_weight": False}),
    ("TransformerConv", ((IN, RIGHT), OUT, HEADS, False, True, 0.5, EDGE, False), {}),
    ("TransformerConv", (-1, OUT, HEADS), {"edge_dim": -1, "beta": True}),
    ("TransformerConv", ((-1, -1), OUT), {"edge_dim": EDGE}),
]


def made(name, args, kwargs):
    import torch_geometric.nn as theirs

    torch.manual_seed(7)
    mine = getattr(ga.nn, name)(*args, **kwargs)
    torch.manual_seed(7)
    return mine, getattr(theirs, name)(*args, **kwargs)


def assert_equal_states(mine, pygs):
    assert list(mine.state_dict()) == list(pygs.state_dict())
    assert [name for name, _ in mine.named_parameters()] == [name for name, _ in pygs.named_parameters()]
    for key, tensor in pygs.state_dict().items():
        found = mine.state_dict()[key]
        assert type(found) is type(tensor), key
        if not isinstance(tensor, torch.nn.UninitializedParameter):
            assert torch.equal(found, tensor), key


@pytest.mark.parametrize(("name", "args", "kwargs"), CONSTRUCTED, ids=str)
def test_the_same_seed_gives_the_same_parameters(name, args, kwargs):
    mine, pygs = made(name, args, kwargs)
    assert repr(mine) == repr(pygs)
    public = {key: value for key, value in vars(pygs).items() if not key.startswith("_")}
    for key in public.keys() - {"inspector", "aggr_module", "fuse", "aggr"}:
        assert getattr(mine, key) == public[key], key
    if "-1" not in str(args):  # biases of layers without a width are not drawn yet
        assert_equal_states(mine, pygs)
        for layer in (mine, pygs):
            torch.manual_seed(11)
            layer.reset_parameters()
        assert_equal_states(mine, pygs)


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize(("name", "args", "kwargs"), [case for case in CONSTRUCTED if "-1" in str(case)], ids=str)
def test_sizes_found_at_the_first_call(name, args, kwargs):
    mine, pygs = made(name, args, kwargs)
    x = torch.randn(6, IN)
    x = (x, torch.randn(6, RIGHT)) if isinstance(args[0], tuple) else x
    attr = torch.randn(8, EDGE)
    torch.manual_seed(3)
    out = mine(x, looped_edges(), attr)
    torch.manual_seed(3)
    torch.testing.assert_close(out, pygs(x, looped_edges(), attr))
    assert_equal_states(mine, pygs)
    fresh, _ = made(name, args, kwargs)
    fresh.load_state_dict(pygs.state_dict(), strict=True)
    torch.testing.assert_close(fresh(x, looped_edges(), attr), out)
    unsized, _ = made(name, args, kwargs)
    for layer in (mine, pygs):
        layer.load_state_dict(unsized.state_dict(), strict=True)
        assert any(isinstance(parameter, torch.nn.UninitializedParameter) for parameter in layer.parameters())


@pytest.mark.parametrize("name", LAYERS)
def test_copies_and_files(name):
    mine, pygs = twins(name, IN, OUT, HEADS)
    x, edges = numbers(6, IN), looped_edges()
    want = pygs(x, edges)
    file = io.BytesIO()
    torch.save(mine, file)
    file.seek(0)
    for twin in (copy.deepcopy(mine), pickle.loads(pickle.dumps(mine)), torch.load(file, weights_only=False)):
        torch.testing.assert_close(twin(x, edges), want)
    pygs.load_state_dict(mine.state_dict(), strict=True)


# Structure


@pytest.fixture
def sorts(monkeypatch):
    """How many times edges have been sorted by destination or by source, as a list of sizes."""
    calls = []

    def counted(keys, *rest, compress=graph_module.compress):
        calls.append(keys.numel())
        return compress(keys, *rest)

    monkeypatch.setattr(graph_module, "compress", counted)
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
