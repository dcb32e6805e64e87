"""GATv2Conv: PyG's layer of that name, over its options."""

import pytest
import torch

import graphattn as ga
from graphattn.graph import graph as graph_module
from graphattn.nn import GATv2Conv
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
    assert_same_as_pyg(
        GATv2Conv(IN, OUT, **options), pyg.GATv2Conv(IN, OUT, **options), x, graph.edge_index, attr, graph
    )


OPTIONS = [
    {},
    {"concat": False},
    {"heads": 1},
    {"negative_slope": 0.5},
    {"bias": False},
    {"share_weights": True},
    {"share_weights": True, "bias": False},
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
        GATv2Conv(IN, OUT, **options), pyg.GATv2Conv(IN, OUT, **options), numbers(6, IN), graph.edge_index, attr
    )


@pytest.mark.parametrize("fill_value", FILL, ids=str)
def test_fill_values_as_pyg(assert_same_as_pyg, fill_value):
    graph = with_loops()
    options = {"heads": HEADS, "edge_dim": EDGE, "fill_value": fill_value}
    attr = numbers(graph.num_edges, EDGE)
    assert_same_as_pyg(
        GATv2Conv(IN, OUT, **options), pyg.GATv2Conv(IN, OUT, **options), numbers(6, IN), graph.edge_index, attr
    )


@pytest.mark.parametrize("fill_value", FILL[:-1], ids=str)
def test_one_number_per_edge_as_pyg(assert_same_as_pyg, fill_value):
    graph = with_loops()
    options = {"heads": HEADS, "edge_dim": 1, "fill_value": fill_value}
    attr = numbers(graph.num_edges)
    assert_same_as_pyg(
        GATv2Conv(IN, OUT, **options), pyg.GATv2Conv(IN, OUT, **options), numbers(6, IN), graph.edge_index, attr
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
        GATv2Conv((LEFT, RIGHT), OUT, **options), pyg.GATv2Conv((LEFT, RIGHT), OUT, **options), x, edge_index, attr
    )


@pytest.mark.parametrize("name", ["no_sources", "no_destinations", "more_sources", "more_destinations", "bipartite"])
def test_two_node_sets_of_the_zoo_as_pyg(assert_same_as_pyg, name):
    graph = zoo()[name]
    x = numbers(graph.num_src, LEFT), numbers(graph.num_dst, RIGHT)
    ours, theirs = GATv2Conv((LEFT, RIGHT), OUT, HEADS), pyg.GATv2Conv((LEFT, RIGHT), OUT, HEADS)
    assert_same_as_pyg(ours, theirs, x, graph.edge_index, None, graph)


def test_shared_weights_for_two_node_sets_as_pyg(assert_same_as_pyg):
    x = numbers(LEFT, IN), numbers(RIGHT, IN)
    edge_index = torch.stack([torch.randint(LEFT, (17,)), torch.randint(RIGHT, (17,))])
    ours, theirs = (layer(IN, OUT, HEADS, share_weights=True) for layer in (GATv2Conv, pyg.GATv2Conv))
    assert_same_as_pyg(ours, theirs, x, edge_index)


def test_edge_features_may_be_left_out_as_in_pyg(assert_same_as_pyg):
    ours, theirs = GATv2Conv(IN, OUT, HEADS, edge_dim=EDGE), pyg.GATv2Conv(IN, OUT, HEADS, edge_dim=EDGE)
    assert_same_as_pyg(ours, theirs, numbers(6, IN), with_loops().edge_index)


def test_it_ranks_its_neighbours_for_each_query_its_own_way():
    """What GAT cannot: node 0 looks at 1 rather than 2, node 3 at 2 rather than 1 (Brody et al. 2022, section 3)."""
    graph = ga.Graph(torch.tensor([[1, 2, 1, 2], [0, 0, 3, 3]]), 4)
    layer = GATv2Conv(1, 2, add_self_loops=False, bias=False)
    with torch.no_grad():
        layer.lin_l.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        layer.lin_r.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        layer.att.fill_(1.0)
    x = torch.tensor([[10.0], [10.0], [-10.0], [-10.0]])  # the score is 0.8 · |x_i + x_j|
    _, (_, weights) = layer(x, graph, return_attention_weights=True)
    assert weights.flatten().round().tolist() == [1, 0, 0, 1]


def test_dropout_in_training_only():
    graph, x = ga.complete(17), torch.randn(17, IN)
    layer = GATv2Conv(IN, OUT, HEADS, dropout=0.5)
    _, (_, weights) = layer(x, graph, return_attention_weights=True)
    assert 0.4 < (weights == 0).double().mean() < 0.6
    _, (_, weights) = layer.eval()(x, graph, return_attention_weights=True)
    assert (weights > 0).all()


def test_symmetries():
    layer = GATv2Conv(IN, OUT, HEADS, edge_dim=EDGE).double()
    graph, small = zoo()["unsorted"], zoo()["isolated_nodes"]
    cases = [(numbers(g.num_nodes, IN), g, numbers(g.num_edges, EDGE)) for g in (graph, small)]
    assert_node_permutation_equivariant(layer, *cases[0])
    assert_batch_equals_separate(layer, cases)


def test_autocast():
    graph, x = zoo()["unsorted"], torch.randn(13, IN)
    layer, attr = GATv2Conv(IN, OUT, HEADS, edge_dim=EDGE, residual=True), torch.randn(61, EDGE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x, graph, attr)
    torch.testing.assert_close(out.float(), layer(x, graph, attr), atol=0.1, rtol=0.1)


def test_an_edge_index_is_sorted_once_for_all_layers_and_steps(monkeypatch):
    sorts = []

    def counted(keys, *rest, compress=graph_module.compress):
        sorts.append(keys.numel())
        return compress(keys, *rest)

    monkeypatch.setattr(graph_module, "compress", counted)
    layers, edge_index = [GATv2Conv(IN, IN) for _ in range(3)], with_loops().edge_index.clone()
    for _ in range(2):
        x = torch.randn(6, IN)
        for layer in layers:
            x = layer(x, edge_index)
        x.sum().backward()
    assert len(sorts) <= 2


def test_edge_features_without_edge_dim():
    with pytest.raises(ValueError, match="edge_attr is given, but the layer was made without edge_dim"):
        GATv2Conv(IN, OUT)(torch.randn(6, IN), with_loops(), torch.randn(8, EDGE))


def test_a_graph_of_other_sizes():
    with pytest.raises(ValueError, match="there are 5 source features in x, but 7 source nodes in edge_index"):
        GATv2Conv(IN, OUT)(torch.randn(5, IN), ga.complete(7))


def test_edge_features_of_another_number_of_edges():
    layer = GATv2Conv(IN, OUT, edge_dim=EDGE, add_self_loops=False)
    with pytest.raises(ValueError, match=r"edge_attr is .* expected \[8, any\], got \[9, 2\]"):
        layer(torch.randn(6, IN), with_loops(), torch.randn(9, EDGE))


def test_destination_features_are_needed():
    with pytest.raises((TypeError, ValueError), match=r"\bx\b"):
        GATv2Conv(IN, OUT)((torch.randn(6, IN), None), with_loops())


def test_repr():
    assert repr(GATv2Conv((5, 7), 11, heads=3)) == repr(pyg.GATv2Conv((5, 7), 11, heads=3))
