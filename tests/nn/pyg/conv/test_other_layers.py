"""The layers beyond GAT, GATv2 and the graph Transformer, against PyG's: each option, both paths, the zoo."""

import pytest
import torch
from pyg_twin import assert_same, leaves, twins
from torch.testing import assert_close

import graphattn as ga
from graphattn.testing import zoo

pyg = pytest.importorskip("torch_geometric")
from torch_geometric import nn as theirs  # noqa: E402

IN, OUT, HEADS, EDGE, RELATIONS = 6, 7, 3, 2, 4
SQUARE = sorted(name for name, graph in zoo().items() if graph.num_dst == graph.num_src)


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges():
    """Duplicate edges, two self-loops (one of them twice), and a node without other edges."""
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


def edge_types(count=8):
    return torch.arange(count) * 7 % RELATIONS


SHARED = [{}, {"aggr": "mean"}, {"flow": "target_to_source"}]
SUPERGAT = [{"attention_type": "SD"}, {"add_self_loops": False}, {"concat": False}, {"bias": False}, {"heads": 1}]
GENERAL = [
    {"attention": attention, "attention_type": kind, "directed_msg": directed, "in_edge_channels": edge}
    for attention, kind in ((False, "additive"), (True, "additive"), (True, "dot_product"))
    for directed in (True, False)
    for edge in (None, EDGE)
]
RGAT = [
    {"attention_mechanism": mechanism, "attention_mode": mode, "dim": dim, "mod": mod}
    for mechanism in ("across-relation", "within-relation")
    for mode, dim in (("additive-self-attention", 1), ("multiplicative-self-attention", 2))
    for mod in (None, "additive", "scaled", "f-additive", "f-scaled")
]
RGAT += [{"concat": False}, {"num_bases": 2}, {"num_blocks": 3}, {"bias": False}, {"edge_dim": EDGE}]
RGAT += [{"edge_dim": EDGE, "attention_mode": "multiplicative-self-attention", "dim": 2, "concat": False}]
MATRIX = "attention", "l2_normalize", "skip_linear"
CASES = {
    "AGNNConv": [*SHARED, {"requires_grad": False}, {"add_self_loops": False}],
    "SuperGATConv": [{"heads": HEADS} | options for options in SHARED + SUPERGAT],
    "RGATConv": [{"heads": HEADS} | options for options in SHARED + RGAT],
    "GeneralConv": [{"heads": HEADS} | options for options in SHARED + GENERAL]
    + [dict.fromkeys(MATRIX, True), {"attention": True, "heads": HEADS, "flow": "target_to_source"}],
}
SIZES = {"AGNNConv": (), "SuperGATConv": (IN, OUT), "RGATConv": (IN, OUT, RELATIONS), "GeneralConv": (IN, OUT)}


def beside_edges(name, options, count=8):
    """What a call takes after the edges."""
    if name == "RGATConv":
        return edge_types(count), numbers(count, EDGE) if "edge_dim" in options else None
    return (numbers(count, EDGE),) if options.get("in_edge_channels") else ()


ALL = [(name, options) for name in CASES for options in CASES[name]]


@pytest.mark.parametrize("messages", [False, True])
@pytest.mark.parametrize(("name", "options"), ALL, ids=str)
def test_options(name, options, messages, monkeypatch):
    pair = twins(name, *SIZES[name], **options)
    for layer in pair:
        layer.eval()
    assert repr(pair[0]) == repr(pair[1])
    if messages:
        monkeypatch.setattr(type(pair[0]), "sends_messages", True)
    extra = {"return_attention_weights": True} if name == "RGATConv" else {}
    assert_same(pair, numbers(6, IN), edges(), *beside_edges(name, options), **extra)


@pytest.mark.parametrize("graph", SQUARE)
@pytest.mark.parametrize("name", CASES)
def test_zoo(name, graph):
    graph = zoo()[graph]
    options = {"heads": HEADS, "attention": True} if name == "GeneralConv" else {}
    pair = twins(name, *SIZES[name], **options)
    for layer in pair:
        layer.eval()
    if name == "RGATConv" and not graph.num_edges:  # PyG's asks for the largest of no numbers
        out = pair[0](numbers(graph.num_nodes, IN), graph, edge_types(0))
        assert_close(out, pair[0].bias.expand(graph.num_nodes, -1))
        return
    assert_same(pair, numbers(graph.num_nodes, IN), graph, *beside_edges(name, options, graph.num_edges))


@pytest.mark.parametrize("name", CASES)
def test_what_comes_out_may_be_changed_in_place(name):
    options = {"heads": HEADS, "attention": True} if name == "GeneralConv" else {}
    options |= {"bias": False} if name in ("SuperGATConv", "RGATConv") else {}
    pair = [torch.nn.ModuleList([layer.eval()]) for layer in twins(name, *SIZES[name], **options)]
    for model in pair:
        model.forward = lambda *arguments, model=model: model[0](*arguments).relu_()
    assert_same(pair, numbers(6, IN), edges(), *beside_edges(name, options))


@pytest.mark.parametrize("layout", ["coo", "csr"])
@pytest.mark.parametrize("name", ["AGNNConv", "SuperGATConv", "GeneralConv"])
def test_sparse_matrices(name, layout):
    options = {"heads": HEADS, "attention": True} if name == "GeneralConv" else {}
    pair = twins(name, *SIZES[name], **options)
    for layer in pair:
        layer.eval()
    entries = torch.tensor([[0, 0, 1, 2, 3], [1, 2, 1, 0, 2]])
    matrix = torch.sparse_coo_tensor(entries, numbers(5), (6, 6)).coalesce()
    matrix = matrix if layout == "coo" else matrix.to_sparse_csr()
    assert_same(pair, numbers(6, IN), matrix)


SEEDED = [
    ("AGNNConv", (), {}),
    ("SuperGATConv", (IN, OUT, HEADS), {}),
    ("SuperGATConv", (-1, OUT), {"attention_type": "SD"}),
    ("RGATConv", (IN, OUT, RELATIONS), {"edge_dim": EDGE, "heads": HEADS}),
    ("RGATConv", (IN, OUT, RELATIONS), {"num_bases": 2}),
    ("RGATConv", (IN, OUT, RELATIONS), {"num_blocks": 3, "heads": HEADS}),
    ("GeneralConv", (IN, OUT, EDGE), {"attention": True, "directed_msg": False}),
    ("GeneralConv", (IN, OUT), {"attention": True, "attention_type": "dot_product"}),
    ("HGTConv", (IN, 8, (["a"], [("a", "to", "a")]), 2), {}),
    ("HANConv", (IN, 8, (["a"], [("a", "to", "a")]), 2), {}),
    ("GPSConv", (8, None, 2), {}),
    ("GPSConv", (8, None, 2), {"attn_type": "performer", "norm": "layer_norm"}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), SEEDED, ids=str)
def test_the_same_seed_gives_the_same_parameters(name, args, kwargs):
    states = []
    for source in (ga.nn, theirs):
        torch.manual_seed(7)
        layer = getattr(source, name)(*args, **kwargs)
        if -1 not in args:
            layer.reset_parameters()
        states.append(layer.state_dict())
    assert list(states[0]) == list(states[1])
    for key, tensor in states[1].items():
        if isinstance(tensor, torch.nn.UninitializedParameter):
            assert isinstance(states[0][key], torch.nn.UninitializedParameter)
        elif key == "l2":  # which PyG's RGATConv leaves as it finds the memory
            assert_close(states[0][key], torch.full_like(tensor, 1 / OUT))
        else:
            assert torch.equal(states[0][key], tensor), key


# SuperGAT


@pytest.mark.parametrize("options", [{}, {"attention_type": "SD"}, {"edge_sample_ratio": 0.5}, {"is_undirected": True}])
@pytest.mark.parametrize("given", ["nothing", "batch", "unlinked"])
def test_supergat_compares_linked_and_unlinked_pairs_in_training(options, given):
    pair = twins("SuperGATConv", IN, OUT, HEADS, **options)
    x = numbers(6, IN)
    unlinked = torch.tensor([[0, 3], [5, 4]]) if given == "unlinked" else None
    batch = torch.tensor([0, 0, 0, 1, 1, 1]) if given == "batch" else None
    found = []
    for layer in pair:
        pyg.seed_everything(3)
        out = layer(x, edges(), unlinked, batch)
        loss = layer.get_attention_loss()
        found.append((out, layer.att_x, layer.att_y, loss, torch.autograd.grad(loss, layer.lin.weight)))
    assert_close(found[0], found[1])
    assert pair[0].eval().get_attention_loss().item() == 0


def test_supergat_keeps_nothing_of_the_width_of_the_edges():
    graph = ga.complete(200)
    layer = ga.nn.SuperGATConv(IN, 16, HEADS).eval()
    largest = []

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            out = function(*args, **(kwargs or {}))
            largest.extend(leaf.numel() for leaf in leaves(out).values())
            return out

    graph.csr, graph.csc, graph.edge_index  # noqa: B018  # made before
    with Watch():
        layer(torch.randn(200, IN), graph)
    assert max(largest) < graph.num_edges * HEADS * 2


# Several kinds of nodes


def kinds():
    x = {"a": numbers(6, IN), "b": numbers(4, IN), "c": numbers(3, IN)}
    links = {
        ("a", "to", "b"): torch.tensor([[0, 1, 5, 5, 5], [0, 0, 3, 3, 1]]),
        ("b", "to", "a"): torch.tensor([[0, 1, 3], [0, 0, 5]]),
        ("a", "in", "a"): torch.tensor([[0, 1, 2, 3], [0, 0, 5, 5]]),
        ("a", "to", "c"): torch.empty(2, 0, dtype=torch.int64),
    }
    return x, links


@pytest.mark.parametrize("messages", [False, True])
@pytest.mark.parametrize(("width", "heads"), [(8, 1), (8, 2), (IN, 2)])
@pytest.mark.parametrize("name", ["HGTConv", "HANConv"])
def test_kinds(name, width, heads, messages, monkeypatch):
    x, links = kinds()
    pair = twins(name, dict.fromkeys(x, IN), width, (list(x), list(links)), heads)
    assert repr(pair[0]) == repr(pair[1])
    if messages:
        monkeypatch.setattr(type(pair[0]), "sends_messages", True)
    assert_same(pair, x, links)
    assert_same(pair, x, {kind: edges for kind, edges in links.items() if kind[-1] == "a"})
    if name == "HANConv":
        assert_same(pair, x, links, True)
    as_graphs = {kind: ga.Graph(e, num_src=len(x[kind[0]]), num_dst=len(x[kind[-1]])) for kind, e in links.items()}
    assert_close([*pair[0](x, as_graphs).values()], [*pair[0](x, links).values()])


@pytest.mark.parametrize("name", ["HGTConv", "HANConv"])
def test_kinds_without_nodes(name):
    x, links = {"a": numbers(0, IN)}, {("a", "to", "a"): torch.empty(2, 0, dtype=torch.int64)}
    assert_same(twins(name, {"a": IN}, 8, (list(x), list(links)), 2), x, links)


@pytest.mark.parametrize("name", ["HGTConv", "HANConv"])
def test_widths_of_kinds_found_at_the_first_call(name):
    x, links = kinds()
    x = {kind: features.float() for kind, features in x.items()}
    out = []
    for source in (ga.nn, theirs):
        torch.manual_seed(0)
        layer = getattr(source, name)(-1, 8, (list(x), list(links)), 2)
        out.append([*layer(x, links).values()])
    assert_close(*out)


# GPS


@pytest.mark.parametrize("batch", [None, [0, 0, 0, 2, 2, 2], [0, 1, 1, 2, 2, 2]], ids=str)
@pytest.mark.parametrize("local", [None, "GATConv"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"heads": 4, "norm": None},
        {"norm": "layer_norm", "act": "gelu"},
        {"norm": "graph_norm"},
        {"attn_kwargs": {"bias": False}},
        {"attn_kwargs": {"add_zero_attn": True, "add_bias_kv": True}},
    ],
    ids=str,
)
def test_gps(options, local, batch):
    torch.manual_seed(0)
    pair = [
        s.GPSConv(8, None if local is None else getattr(s, local)(8, 8), **options).double() for s in (ga.nn, theirs)
    ]
    pair[0].load_state_dict(pair[1].state_dict(), strict=True)
    assert repr(pair[0]) == repr(pair[1])
    batch = None if batch is None else torch.tensor(batch)
    for mode in (True, False):
        for layer in pair:
            layer.train(mode)
        assert_same(pair, numbers(6, 8), edges(), batch)


PERFORMERS = [{}, {"qkv_bias": True, "head_channels": 5}, {"kernel": torch.nn.GELU(), "attn_out_bias": False}]


@pytest.mark.parametrize("batch", [None, [0, 0, 0, 2, 2, 2]], ids=str)
@pytest.mark.parametrize("attn_kwargs", PERFORMERS, ids=str)
def test_gps_with_a_performer(attn_kwargs, batch, monkeypatch):
    options = {"heads": 2, "attn_type": "performer", "attn_kwargs": attn_kwargs}
    pair = [s.GPSConv(8, s.GATConv(8, 8), **options).double() for s in (ga.nn, theirs)]
    pair[0].load_state_dict(pair[1].state_dict(), strict=True)
    monkeypatch.setattr("graphattn.nn.pyg.gps.to_dense_batch", None)  # the batch is not padded
    for layer in pair:
        torch.manual_seed(1)
        layer.attn.redraw_projection_matrix()
    assert_same(pair, numbers(6, 8), edges(), None if batch is None else torch.tensor(batch))


def test_gps_with_a_performer_gives_a_graph_what_it_gives_it_alone():
    """PyG's counts the padding of a batch among the keys."""
    pair = [s.GPSConv(8, None, attn_type="performer", norm=None).double() for s in (ga.nn, theirs)]
    pair[0].load_state_dict(pair[1].state_dict(), strict=True)
    x, batch = numbers(6, 8), torch.tensor([0, 1, 1, 2, 2, 2])
    alone = torch.cat([pair[1](each, None) for each in x.split([1, 2, 3])])
    assert_close(pair[0](x, None, batch), alone)


def test_gps_calls_its_attention_where_something_is_hooked_onto_it():
    layer = ga.nn.GPSConv(8, None)
    called = []
    layer.attn.register_forward_hook(lambda module, inputs, out: called.append(1))
    layer(torch.randn(6, 8), edges())
    assert called


@pytest.mark.parametrize("attn_type", ["multihead", "performer"])
def test_gps_without_nodes(attn_type):
    layer = ga.nn.GPSConv(8, ga.nn.GATConv(8, 8), heads=2, attn_type=attn_type).eval()
    assert layer(torch.empty(0, 8), torch.empty(2, 0, dtype=torch.int64)).shape == (0, 8)


@pytest.mark.parametrize("batch", [[1, 0, 0], [0, 0], [0.0, 0.0, 1.0], [-1, 0, 0]], ids=str)
def test_gps_refuses_a_bad_batch(batch):
    with pytest.raises(ValueError, match="batch must"):
        ga.nn.GPSConv(8, None)(torch.randn(3, 8), edges(), torch.tensor(batch))
