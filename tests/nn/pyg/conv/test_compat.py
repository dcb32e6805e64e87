"""Every layer against PyG's of that name: forms of input, options, the graph zoo; outputs, weights and gradients."""

import pytest
import torch
from expectation import assert_mean
from pyg_twin import assert_same, twins

import graphattn as ga
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


def flag(name):
    return {"return_attention_weights": True}


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
