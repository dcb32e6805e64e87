"""Wrong arguments: an error that names the argument, what was expected and what came."""

import re

import pytest
import torch

import graphattn as ga

pytest.importorskip("torch_geometric")

IN, OUT, HEADS, EDGE = 5, 7, 3, 2
LAYERS = {
    "GATConv": (IN, OUT),
    "GATv2Conv": (IN, OUT),
    "TransformerConv": (IN, OUT),
    "SuperGATConv": (IN, OUT),
    "AGNNConv": (),
    "GeneralConv": (IN, OUT),
    "RGATConv": (IN, OUT, 4),
}
SIZED = [name for name in LAYERS if name != "AGNNConv"]
WITH_EDGES = {"GATConv": "edge_dim", "GATv2Conv": "edge_dim", "TransformerConv": "edge_dim", "RGATConv": "edge_dim"}
WITH_EDGES |= {"GeneralConv": "in_edge_channels"}
BIPARTITE = ["GATConv", "GATv2Conv", "TransformerConv", "GeneralConv"]


def make(name, **options):
    return getattr(ga.nn, name)(*LAYERS[name], **options)


def edges():
    return torch.tensor([[0, 1, 1, 2], [1, 1, 0, 3]])


def call(layer, x, edge_index, edge_attr=None, **options):
    if type(layer).__name__ == "RGATConv":
        return layer(x, edge_index, torch.tensor([0, 1, 2, 3]), edge_attr, **options)
    return layer(x, edge_index, **({} if edge_attr is None else {"edge_attr": edge_attr}), **options)


def message(text):
    return re.escape(text)


@pytest.mark.parametrize("name", SIZED)
def test_features_of_another_width(name):
    with pytest.raises(ValueError, match=message(f"x must have shape [rows, {IN}], got [6, {IN + 1}]")):
        call(make(name), torch.randn(6, IN + 1), edges())


@pytest.mark.parametrize("shape", [(2, 6, IN), (IN,)], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_features_with_other_axes(name, shape):
    """Static graphs `[B, N, C]` among them, which none of PyG's layers here takes either."""
    with pytest.raises(ValueError, match=r"x must have shape \[rows, (5|features)\], got " + message(str(list(shape)))):
        call(make(name), torch.randn(shape), edges())


@pytest.mark.parametrize("name", LAYERS)
def test_features_that_are_no_floating_point_numbers(name):
    with pytest.raises(TypeError, match=r"x must hold floating-point numbers, got torch\.int64"):
        call(make(name), torch.ones(6, IN, dtype=torch.int64), edges())


@pytest.mark.parametrize("name", SIZED)
def test_features_of_another_dtype_or_device_than_the_weights(name):
    with pytest.raises(TypeError, match=r"x is torch\.float64, but the layer's weights are torch\.float32"):
        call(make(name), torch.randn(6, IN, dtype=torch.float64), edges())
    with pytest.raises(ValueError, match="x is on meta, but the layer is on cpu"):
        call(make(name), torch.randn(6, IN, device="meta"), edges())


@pytest.mark.parametrize("name", LAYERS)
def test_edges_on_another_device(name):
    with pytest.raises(ValueError, match="edge_index is on meta, but x is on cpu"):
        call(make(name), torch.randn(6, IN), edges().to("meta"))


@pytest.mark.parametrize("name", BIPARTITE)
def test_features_that_are_no_tensors(name):
    with pytest.raises(TypeError, match=message("x is a tensor [N, F] or a pair (sources, destinations), got list")):
        make(name)([1.0], edges())
    with pytest.raises(TypeError, match=message("x[1] is a tensor [M, F] or None, got int")):
        make(name)((torch.randn(6, IN), 3), edges())


@pytest.mark.parametrize("name", ["GATv2Conv", "TransformerConv", "GeneralConv"])
def test_destinations_without_features(name):
    with pytest.raises(ValueError, match=f"x is a pair without features of the destinations, which {name[:5]}"):
        make(name)((torch.randn(6, IN), None), edges())


OTHER_SIZES = "there are 6 source features in x, but {} source nodes in edge_index"


@pytest.mark.parametrize(
    ("edge_index", "kind", "text"),
    [
        (edges().double(), TypeError, "edge_index must hold integers, got torch.float64"),
        (edges().bool(), TypeError, "edge_index must hold integers, got torch.bool"),
        (edges().t(), ValueError, "edge_index must have shape [2, E], got [4, 2]"),
        (edges()[0], ValueError, "edge_index must have shape [2, E], got [4]"),
        (edges() - 1, ValueError, "edge_index holds node -1, but nodes are counted from 0"),
        (edges() + 3, ValueError, "edge_index holds node 6, but the graph has 6 nodes"),
        (
            [[0], [1]],
            TypeError,
            "an EdgeIndex, a sparse matrix or a Graph, got list",
        ),
        (
            torch.eye(7).to_sparse_coo(),
            ValueError,
            OTHER_SIZES.format(7),
        ),
        (
            torch.eye(7).to_sparse_csr(),
            ValueError,
            OTHER_SIZES.format(7),
        ),
        (ga.Graph(edges(), 5), ValueError, OTHER_SIZES.format(5)),
    ],
    ids=lambda value: str(value)[:40].replace("\n", " "),
)
@pytest.mark.parametrize("name", LAYERS)
def test_edges(name, edge_index, kind, text):
    with pytest.raises(kind, match=message(text)):
        call(make(name), torch.randn(6, IN), edge_index)


@pytest.mark.parametrize("name", LAYERS)
def test_a_matrix_has_its_flow(name):
    layer = make(name, flow="target_to_source")
    with pytest.raises(ValueError, match='edge_index is a sparse matrix, which flow="target_to_source" does not take'):
        call(layer, torch.randn(4, IN), torch.eye(4).to_sparse_csr())


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", BIPARTITE)
def test_traces_that_would_keep_one_graph(name):
    with pytest.raises(RuntimeError, match=r"use torch\.export or torch\.compile"):
        torch.jit.trace(make(name), (torch.randn(6, IN), edges()))


@pytest.mark.parametrize("size", [(6, 5), (5, 6), (6,), 6], ids=str)
@pytest.mark.parametrize("name", ["GATConv", "GeneralConv", "RGATConv"])
def test_sizes(name, size):
    with pytest.raises(ValueError, match=r"size is a pair|there are 6 (source|destination) features in x, but 5"):
        call(make(name), torch.randn(6, IN), edges(), size=size)


@pytest.mark.parametrize("name", WITH_EDGES)
def test_edge_features(name):
    layer, x = make(name, **{WITH_EDGES[name]: EDGE}), torch.randn(6, IN)
    with pytest.raises(ValueError, match=message("edge_attr is [E, edge_dim] with E edges: expected [4, any], got")):
        call(layer, x, edges(), torch.randn(3, EDGE))
    with pytest.raises(ValueError, match=r"edge_attr must have shape \[\d+, 2\], got \[\d+, 3\]"):
        call(layer, x, edges(), torch.randn(4, EDGE + 1))
    with pytest.raises(ValueError, match=r"edge_attr must have shape \[\d+, 2\], got \[\d+, 2, 1\]"):
        call(layer, x, edges(), torch.randn(4, EDGE, 1))
    with pytest.raises(TypeError, match=r"edge_attr must hold real numbers, got torch\.complex64"):
        call(layer, x, edges(), torch.randn(4, EDGE, dtype=torch.complex64))
    with pytest.raises(ValueError, match="edge_attr is on meta, but x is on cpu"):
        call(layer, x, edges(), torch.randn(4, EDGE, device="meta"))


@pytest.mark.parametrize("name", [name for name in WITH_EDGES if name != "GATConv"])  # which ignores them, as PyG's
def test_edge_features_for_a_layer_without(name):
    with pytest.raises(ValueError, match=f"edge_attr is given, but the layer was made without {WITH_EDGES[name]}"):
        call(make(name), torch.randn(6, IN), edges(), torch.randn(4, EDGE))


def test_a_transformer_with_edge_dim_needs_edge_features():
    with pytest.raises(ValueError, match="edge_attr is missing, which a layer with edge_dim=2 needs"):
        make("TransformerConv", edge_dim=EDGE)(torch.randn(6, IN), edges())


@pytest.mark.parametrize("name", ["GATConv", "GATv2Conv"])
def test_fill_values(name):
    x, attr = torch.randn(6, IN), torch.randn(4, EDGE)
    with pytest.raises(ValueError, match=r"fill_value is a number, a tensor or one of .*; got 'median'"):
        make(name, edge_dim=EDGE, fill_value="median")(x, edges(), attr)
    with pytest.raises(ValueError, match=r"fill_value of shape \[3\] does not broadcast to \[6, 2\]"):
        make(name, edge_dim=EDGE, fill_value=torch.zeros(3))(x, edges(), attr)


@pytest.mark.parametrize(
    ("types", "kind", "text"),
    [
        (None, ValueError, "edge_type is missing: the relation of each edge, [E]"),
        (torch.zeros(3).long(), ValueError, "edge_type must have shape [4], got [3]"),
        (torch.zeros(4), TypeError, "edge_type must hold integers, got torch.float32"),
        (torch.tensor([0, 1, 4, 0]), ValueError, "edge_type must hold relations from 0 to 3, got 4"),
        (torch.tensor([0, 1, -1, 0]), ValueError, "edge_type must hold relations from 0 to 3, got -1"),
    ],
    ids=str,
)
def test_relations(types, kind, text):
    with pytest.raises(kind, match=message(text)):
        make("RGATConv")(torch.randn(6, IN), edges(), types)


@pytest.mark.parametrize("name", ["HGTConv", "HANConv"])
def test_kinds(name):
    layer = getattr(ga.nn, name)(IN, 8, (["a", "b"], [("a", "to", "b")]))
    x = {"a": torch.randn(4, IN), "b": torch.randn(4, IN)}
    with pytest.raises(ValueError, match="x_dict has nodes of kind 'c', but metadata has 'a', 'b'"):
        layer(x | {"c": x["a"]}, {})
    with pytest.raises(ValueError, match=message("of kind ('b', 'to', 'a'), but metadata has")):
        layer(x, {("b", "to", "a"): edges()})
    with pytest.raises(ValueError, match=message("of kind ('a', 'to', 'b'), but x_dict has no 'b'")):
        layer({"a": x["a"]}, {("a", "to", "b"): edges()})
    with pytest.raises(ValueError, match=message("x_dict['b'] must have shape [rows, 5], got [4, 6]")):
        layer(x | {"b": torch.randn(4, IN + 1)}, {})
    with pytest.raises(TypeError, match=message("x_dict['a'] is torch.float64, but the layer's weights are")):
        layer(x | {"a": x["a"].double()}, {})
    with pytest.raises(ValueError, match="edge_index holds node 4, but the graph has 4 nodes"):
        layer(x, {("a", "to", "b"): edges() + 1})
    with pytest.raises(ValueError, match="heads=3 does not divide out_channels=8"):
        getattr(ga.nn, name)(IN, 8, (["a"], [("a", "to", "a")]), 3)


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [(name, {"heads": 0}, "heads must be at least 1, got 0") for name in SIZED]
    + [
        (name, {"dropout": 1.5}, "dropout is a probability in [0, 1], got 1.5")
        for name in SIZED
        if name != "GeneralConv"
    ]
    + [
        ("SuperGATConv", {"attention_type": "XM"}, 'attention_type is "MX" or "SD", got \'XM\''),
        ("SuperGATConv", {"neg_sample_ratio": 0.0}, "neg_sample_ratio must be above 0, got 0.0"),
        ("SuperGATConv", {"edge_sample_ratio": 1.1}, "edge_sample_ratio must be above 0 and at most 1, got 1.1"),
        ("GeneralConv", {"attention": True, "attention_type": "x"}, 'attention_type is "additive" or "dot_product"'),
        ("RGATConv", {"dim": 2}, 'dim=2 needs attention_mode="multiplicative-self-attention"'),
        ("RGATConv", {"mod": "scaled", "dropout": 0.1}, "dropout=0.1 needs mod=None, got mod='scaled'"),
        ("RGATConv", {"mod": "scale"}, "mod is None or one of additive, scaled, f-additive, f-scaled; got 'scale'"),
        ("RGATConv", {"num_bases": 2, "num_blocks": 5}, "give num_bases or num_blocks, not both: got 2 and 5"),
        ("RGATConv", {"num_blocks": 2}, "num_blocks=2 must divide in_channels=5 and heads * out_channels=7"),
        ("RGATConv", {"attention_mode": "sum"}, "attention_mode is"),
        ("RGATConv", {"attention_mechanism": "all"}, "attention_mechanism is"),
    ],
    ids=str,
)
def test_constructors(name, options, text):
    with pytest.raises(ValueError, match=message(text)):
        make(name, **options)


def test_features_for_gps_and_attentive_fp():
    with pytest.raises(ValueError, match=message("x must have shape [rows, 8], got [6, 5]")):
        ga.nn.GPSConv(8, None)(torch.randn(6, 5), edges())
    with pytest.raises(ValueError, match=message("x must have shape [rows, 5], got [6, 8]")):
        ga.nn.AttentiveFP(5, 8, 1, 2, 2, 2)(torch.randn(6, 8), edges(), torch.randn(4, 2), torch.zeros(6).long())


def test_a_kind_of_global_attention_that_is_not_there():
    with pytest.raises(ValueError, match='attn_type is "multihead" or "performer", got \'bigbird\''):
        ga.nn.GPSConv(8, None, attn_type="bigbird")


@pytest.mark.parametrize("name", LAYERS)
def test_options_of_message_passing_are_checked_by_it(name):
    with pytest.raises(ValueError, match="flow"):
        make(name, flow="sideways")
    with pytest.raises(TypeError, match="unknown"):
        make(name, unknown=1)
