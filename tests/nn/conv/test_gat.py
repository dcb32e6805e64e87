"""GATConv: PyG's layer of that name, over its options, and what is our own: Graphs and their reuse."""

import pytest
import torch

import graphattn as ga
from graphattn.graph import graph as graph_module
from graphattn.nn import GATConv
from graphattn.testing import assert_batch_equals_separate, assert_node_permutation_equivariant, zoo

pyg = pytest.importorskip("torch_geometric.nn")

IN, OUT, HEADS, EDGE, LEFT, RIGHT = 5, 7, 3, 2, 11, 13
SQUARE = sorted(name for name, graph in zoo().items() if graph.num_dst == graph.num_src)
FILL = ["add", "mean", "min", "max", "mul", 0.0, 2.5, torch.tensor([1.5, -0.5], dtype=torch.float64)]


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def with_loops():
    """Duplicate edges, two self-loops (one of them twice), and a node without other edges."""
    return ga.Graph(torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]]), 6)


@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize("add_self_loops", [True, False])
@pytest.mark.parametrize("name", SQUARE)
def test_as_pyg_on_the_zoo(assert_same_as_pyg, name, add_self_loops, edge_dim):
    graph = zoo()[name]
    options = {"heads": HEADS, "add_self_loops": add_self_loops, "edge_dim": edge_dim}
    attr = numbers(graph.num_edges, EDGE) if edge_dim else None
    x = numbers(graph.num_nodes, IN)
    assert_same_as_pyg(GATConv(IN, OUT, **options), pyg.GATConv(IN, OUT, **options), x, graph.edge_index, attr, graph)


OPTIONS = [
    {},
    {"concat": False},
    {"heads": 1},
    {"negative_slope": 0.5},
    {"bias": False},
    {"residual": True},
    {"residual": True, "concat": False, "bias": False},
    {"add_self_loops": False, "residual": True},
]


@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_as_pyg(assert_same_as_pyg, options, edge_dim):
    graph = with_loops()
    options = {"heads": HEADS, "edge_dim": edge_dim, **options}
    attr = numbers(graph.num_edges, EDGE) if edge_dim else None
    assert_same_as_pyg(
        GATConv(IN, OUT, **options), pyg.GATConv(IN, OUT, **options), numbers(6, IN), graph.edge_index, attr
    )


@pytest.mark.parametrize("fill_value", FILL, ids=str)
def test_fill_values_as_pyg(assert_same_as_pyg, fill_value):
    graph = with_loops()
    options = {"heads": HEADS, "edge_dim": EDGE, "fill_value": fill_value}
    attr = numbers(graph.num_edges, EDGE)
    assert_same_as_pyg(
        GATConv(IN, OUT, **options), pyg.GATConv(IN, OUT, **options), numbers(6, IN), graph.edge_index, attr
    )


@pytest.mark.parametrize("fill_value", FILL[:-1], ids=str)
def test_one_number_per_edge_as_pyg(assert_same_as_pyg, fill_value):
    graph = with_loops()
    options = {"heads": HEADS, "edge_dim": 1, "fill_value": fill_value}
    attr = numbers(graph.num_edges)
    assert_same_as_pyg(
        GATConv(IN, OUT, **options), pyg.GATConv(IN, OUT, **options), numbers(6, IN), graph.edge_index, attr
    )


@pytest.mark.parametrize("sizes", [(LEFT, IN), (IN, LEFT), (LEFT, LEFT)], ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"residual": True}, {"add_self_loops": False}, {"edge_dim": EDGE, "fill_value": 1.0}], ids=str
)
def test_two_node_sets_as_pyg(assert_same_as_pyg, sizes, options):
    num_src, num_dst = sizes
    edge_index = torch.stack([torch.randint(num_src, (17,)), torch.randint(num_dst, (17,))])
    options = {"heads": HEADS, **options}
    attr = numbers(17, EDGE) if "edge_dim" in options else None
    x = numbers(num_src, LEFT), numbers(num_dst, RIGHT)
    assert_same_as_pyg(
        GATConv((LEFT, RIGHT), OUT, **options), pyg.GATConv((LEFT, RIGHT), OUT, **options), x, edge_index, attr
    )


@pytest.mark.parametrize("name", ["no_sources", "no_destinations", "more_sources", "more_destinations", "bipartite"])
def test_two_node_sets_of_the_zoo_as_pyg(assert_same_as_pyg, name):
    graph = zoo()[name]
    x = numbers(graph.num_src, LEFT), numbers(graph.num_dst, RIGHT)
    ours, theirs = GATConv((LEFT, RIGHT), OUT, HEADS), pyg.GATConv((LEFT, RIGHT), OUT, HEADS)
    assert_same_as_pyg(ours, theirs, x, graph.edge_index, None, graph)


@pytest.mark.parametrize("in_channels", [IN, (IN, RIGHT)], ids=str)
@pytest.mark.parametrize("residual", [False, True])
def test_without_destination_features_as_pyg(assert_same_as_pyg, in_channels, residual):
    graph = with_loops()
    ours, theirs = (layer(in_channels, OUT, HEADS, residual=residual) for layer in (GATConv, pyg.GATConv))
    assert_same_as_pyg(ours, theirs, (numbers(6, IN), None), graph.edge_index)


def test_a_pair_for_a_layer_of_one_width_as_pyg(assert_same_as_pyg):
    x = numbers(LEFT, IN), numbers(RIGHT, IN)
    edge_index = torch.stack([torch.randint(LEFT, (17,)), torch.randint(RIGHT, (17,))])
    assert_same_as_pyg(GATConv(IN, OUT, HEADS), pyg.GATConv(IN, OUT, HEADS), x, edge_index)


def test_one_tensor_for_a_layer_of_two_widths_as_pyg(assert_same_as_pyg):
    ours, theirs = GATConv((IN, IN), OUT, HEADS), pyg.GATConv((IN, IN), OUT, HEADS)
    assert_same_as_pyg(ours, theirs, numbers(6, IN), with_loops().edge_index)


def test_edge_features_that_the_layer_does_not_take_are_ignored_as_in_pyg(assert_same_as_pyg):
    graph = with_loops()
    attr = numbers(graph.num_edges, EDGE)
    ours, theirs = GATConv(IN, OUT, HEADS), pyg.GATConv(IN, OUT, HEADS)
    x = numbers(6, IN)
    assert_same_as_pyg(ours, theirs, x, graph.edge_index)
    torch.testing.assert_close(ours(x, graph, attr), theirs(x, graph.edge_index, attr))


def test_edge_features_may_be_left_out_as_in_pyg(assert_same_as_pyg):
    ours, theirs = GATConv(IN, OUT, HEADS, edge_dim=EDGE), pyg.GATConv(IN, OUT, HEADS, edge_dim=EDGE)
    assert_same_as_pyg(ours, theirs, numbers(6, IN), with_loops().edge_index)


def test_a_destination_without_edges_gets_the_bias():
    layer = GATConv(IN, OUT, HEADS, add_self_loops=False)
    torch.nn.init.normal_(layer.bias)
    out = layer(torch.randn(5, IN), zoo()["no_edges"])
    torch.testing.assert_close(out, layer.bias.expand(5, -1))


def test_dropout_in_training_only():
    graph, x = ga.complete(17), torch.randn(17, IN)
    layer = GATConv(IN, OUT, HEADS, dropout=0.5)
    _, (_, weights) = layer(x, graph, return_attention_weights=True)
    assert 0.4 < (weights == 0).double().mean() < 0.6
    _, (_, weights) = layer.eval()(x, graph, return_attention_weights=True)
    assert (weights > 0).all()


def test_symmetries():
    layer = GATConv(IN, OUT, HEADS, edge_dim=EDGE).double()
    graph, small = zoo()["unsorted"], zoo()["isolated_nodes"]
    cases = [(numbers(g.num_nodes, IN), g, numbers(g.num_edges, EDGE)) for g in (graph, small)]
    assert_node_permutation_equivariant(layer, *cases[0])
    assert_batch_equals_separate(layer, cases)


def test_autocast():
    graph, x = zoo()["unsorted"], torch.randn(13, IN)
    layer, attr = GATConv(IN, OUT, HEADS, edge_dim=EDGE, residual=True), torch.randn(61, EDGE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x, graph, attr)
    torch.testing.assert_close(out.float(), layer(x, graph, attr), atol=0.1, rtol=0.1)


@pytest.fixture
def sorts(monkeypatch):
    """How many times edges have been sorted by destination or by source, as a list of sizes."""
    calls = []

    def counted(keys, *rest, compress=graph_module.compress):
        calls.append(keys.numel())
        return compress(keys, *rest)

    monkeypatch.setattr(graph_module, "compress", counted)
    return calls


@pytest.mark.parametrize("add_self_loops", [True, False])
def test_an_edge_index_is_sorted_once_for_all_layers_and_steps(sorts, add_self_loops):
    layers = [GATConv(IN, IN, add_self_loops=add_self_loops) for _ in range(3)]
    edge_index = with_loops().edge_index.clone()
    for _ in range(2):
        x = torch.randn(6, IN)
        for layer in layers:
            x = layer(x, edge_index)
        x.sum().backward()
    assert len(sorts) <= 2  # by destination, and by source if a kernel asks for it
    assert set(sorts) == {11 if add_self_loops else 8}  # three of the eight edges make room for six loops


def test_a_graph_is_reused_by_every_layer(sorts):
    layers = [GATConv(IN, IN) for _ in range(3)]
    graph, x = with_loops(), torch.randn(6, IN)
    for layer in layers:
        x = layer(x, graph)
    x.sum().backward()
    assert len(sorts) <= 2


def test_an_edge_index_that_was_written_into_is_sorted_again(sorts):
    layer, edge_index, x = GATConv(IN, IN).eval(), with_loops().edge_index.clone(), torch.randn(6, IN)
    before = layer(x, edge_index)
    edge_index[0, 0] = 5
    after = layer(x, edge_index)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, layer(x, ga.Graph(edge_index, 6)))


def test_a_graph_gives_what_its_edge_index_gives():
    layer, graph, x = GATConv(IN, OUT, HEADS), ga.window(7, radius=2), torch.randn(7, IN)
    torch.testing.assert_close(layer(x, graph), layer(x, graph.edge_index))


def test_new_weights_are_drawn_as_in_pyg():
    layer = GATConv(101, 103, HEADS)
    assert not layer.bias.any()
    for parameter, sizes in ((layer.lin.weight, 101 + 309), (layer.att_src, 3 + 103)):
        assert parameter.abs().max() <= (6 / sizes) ** 0.5
        assert parameter.std().item() == pytest.approx((2 / sizes) ** 0.5, rel=0.15)


def test_repr():
    assert (
        repr(GATConv((5, 7), 11, heads=3)) == repr(pyg.GATConv((5, 7), 11, heads=3)) == "GATConv((5, 7), 11, heads=3)"
    )


def test_a_graph_of_other_sizes():
    with pytest.raises(ValueError, match="there are 5 source features in x, but 7 source nodes in edge_index"):
        GATConv(IN, OUT)(torch.randn(5, IN), ga.complete(7))
    with pytest.raises(ValueError, match="edge_index holds node 3, but the graph has 3 nodes"):
        GATConv(IN, OUT)(torch.randn(3, IN), torch.tensor([[0], [3]]))
    with pytest.raises(TypeError, match=r"edge_index must be a tensor .* or a Graph, got list"):
        GATConv(IN, OUT)(torch.randn(3, IN), [[0], [1]])


def test_a_fill_value_by_an_unknown_name():
    layer = GATConv(IN, OUT, edge_dim=EDGE, fill_value="median")
    with pytest.raises(ValueError, match=r"fill_value is a number, a tensor or one of .*; got 'median'"):
        layer(torch.randn(6, IN), with_loops(), torch.randn(8, EDGE))


@pytest.mark.parametrize("rows", [7, 9])
@pytest.mark.parametrize(
    "add_self_loops",
    [
        pytest.param(True),
        pytest.param(False),
    ],
)
def test_edge_features_of_another_number_of_edges(add_self_loops, rows):
    layer = GATConv(IN, OUT, edge_dim=EDGE, add_self_loops=add_self_loops)
    with pytest.raises(ValueError, match="edge_attr"):
        layer(torch.randn(6, IN), with_loops(), torch.randn(rows, EDGE))
