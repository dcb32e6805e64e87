"""The layers beyond GAT, GATv2 and the graph Transformer, against PyG's: each option, both paths, the zoo."""

import pytest
import torch
from pyg_twin import assert_same, twins
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
