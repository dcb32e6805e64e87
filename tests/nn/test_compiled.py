"""Layers under `torch.compile(fullgraph=True)`: one program for graphs of any size, the numbers those without it."""

import pytest
import torch
from expectation import assert_mean
from torch.testing import assert_close

import graphattn as ga
from graphattn.graph import graph as graph_module
from graphattn.nn.pyg import self_loops

pytest.importorskip("torch_geometric")

IN, OUT, HEADS, EDGE, RELATIONS = 8, 4, 2, 3, 3
LINK = ("a", "to", "a")
KINDS = (["a"], [LINK])


def edges(nodes, count):
    """Random edges, with self-loops among them, one of them twice."""
    made = torch.randint(nodes, (2, count))
    made[:, :3] = torch.tensor([1, 1, 2])
    return made


def plain(nodes, count):
    return torch.randn(nodes, IN), edges(nodes, count)


def with_features(nodes, count):
    return *plain(nodes, count), torch.randn(count, EDGE)


def with_types(nodes, count):
    return *plain(nodes, count), torch.randint(RELATIONS, (count,))


def with_batch(nodes, count):
    return *plain(nodes, count), torch.arange(nodes) // 4


def of_kinds(nodes, count):
    return {"a": torch.randn(nodes, IN)}, {LINK: edges(nodes, count)}


def in_sets(nodes, count):
    return torch.randn(nodes, IN), torch.arange(nodes) // 4, None, 4


CASES = {
    "GAT": (lambda: ga.nn.GATConv(IN, OUT, HEADS), plain),
    "GAT, edge features": (lambda: ga.nn.GATConv(IN, OUT, HEADS, edge_dim=EDGE), with_features),
    "GAT, no loops": (lambda: ga.nn.GATConv(IN, OUT, HEADS, add_self_loops=False), plain),
    "GAT, negative slope": (lambda: ga.nn.GATConv(IN, OUT, HEADS, negative_slope=-2, edge_dim=EDGE), with_features),
    "GAT, other flow": (lambda: ga.nn.GATConv(IN, OUT, HEADS, flow="target_to_source"), plain),
    "GATv2": (lambda: ga.nn.GATv2Conv(IN, OUT, HEADS, negative_slope=-0.5), plain),
    "GATv2, edge features": (lambda: ga.nn.GATv2Conv(IN, OUT, HEADS, edge_dim=EDGE, fill_value="mul"), with_features),
    "Transformer": (lambda: ga.nn.TransformerConv(IN, OUT, HEADS, beta=True), plain),
    "Transformer, edge features": (lambda: ga.nn.TransformerConv(IN, OUT, HEADS, edge_dim=EDGE), with_features),
    "AGNN": (lambda: ga.nn.AGNNConv(), plain),
    "SuperGAT": (lambda: ga.nn.SuperGATConv(IN, OUT, HEADS, edge_sample_ratio=0.5), plain),
    "RGAT": (lambda: ga.nn.RGATConv(IN, OUT, RELATIONS, heads=HEADS), with_types),
    "RGAT, within": (lambda: ga.nn.RGATConv(IN, OUT, RELATIONS, attention_mechanism="within-relation"), with_types),
    "HGT": (lambda: ga.nn.HGTConv(IN, 2 * OUT, KINDS, HEADS), of_kinds),
    "HAN": (lambda: ga.nn.HANConv(IN, 2 * OUT, KINDS, HEADS), of_kinds),
    "General": (lambda: ga.nn.GeneralConv(IN, OUT, attention=True, heads=HEADS), plain),
    "GPS": (lambda: ga.nn.GPSConv(IN, ga.nn.GATConv(IN, IN), HEADS, norm="layer_norm"), with_batch),
    "GPS, one graph": (lambda: ga.nn.GPSConv(IN, ga.nn.GATConv(IN, IN), HEADS, norm="layer_norm"), plain),
    "GPS, performer": (lambda: ga.nn.GPSConv(IN, None, HEADS, norm=None, attn_type="performer"), with_batch),
    "GAT, model": (lambda: ga.nn.GAT(IN, IN, 2, OUT, heads=HEADS), plain),
    "AttentiveFP": (
        lambda: ga.nn.AttentiveFP(IN, IN, OUT, EDGE, 2, 2),
        lambda nodes, count: (*with_features(nodes, count), torch.arange(nodes) // 4),
    ),
    "AttentionalAggregation": (lambda: ga.nn.AttentionalAggregation(torch.nn.Linear(IN, 1)), in_sets),
    "SetTransformerAggregation": (lambda: ga.nn.SetTransformerAggregation(IN, 3, heads=HEADS), in_sets),
    "GraphMultisetTransformer": (lambda: ga.nn.GraphMultisetTransformer(IN, 2, heads=HEADS), in_sets),
}


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()
    torch.manual_seed(0)


def gradients(layer, result, arguments):
    first = arguments[0] if isinstance(arguments[0], torch.Tensor) else arguments[0]["a"]
    out = result["a"] if isinstance(result, dict) else result
    return torch.autograd.grad(out.square().sum(), [first, *layer.parameters()], allow_unused=True)


@pytest.mark.parametrize("case", CASES)
def test_one_program_for_graphs_of_all_sizes(case):
    make, arguments_of = CASES[case]
    layer = make()
    compiled = torch.compile(layer, fullgraph=True, dynamic=True, backend="aot_eager")
    for stance, nodes, count in (("default", 6, 11), ("fail_on_recompile", 9, 17)):
        arguments = arguments_of(nodes, count)
        (arguments[0] if isinstance(arguments[0], torch.Tensor) else arguments[0]["a"]).requires_grad_()
        want = layer(*arguments)
        with torch.compiler.set_stance(stance):
            out = compiled(*arguments)
        assert_close(out, want)
        assert_close(gradients(layer, out, arguments), gradients(layer, want, arguments))


@pytest.mark.parametrize(
    "fill_value", ["add", "mean", "min", "max", "mul", 2.5, torch.tensor([1.0, 2.0, 3.0])], ids=str
)
def test_features_of_new_loops(fill_value):
    """Those of the loops that go have no part in them."""
    graph = ga.Graph(edges(6, 11), 6)
    attr = torch.randn(11, EDGE)
    looped, want = self_loops.add_self_loops(graph, attr, fill_value)
    covered, found, hidden = self_loops.cover_self_loops(graph, attr, fill_value)
    assert torch.equal(covered.edge_index[:, ~hidden], looped.edge_index)
    assert_close(found[~hidden], want)


def test_weights_of_the_loops_that_are_replaced_are_zero():
    layer, (x, edge_index) = ga.nn.GATConv(IN, OUT, HEADS), plain(6, 11)
    _, (looped, want) = layer(x, edge_index, return_attention_weights=True)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    _, (listed, weights) = compiled(x, edge_index, return_attention_weights=True)
    kept = torch.cat([edge_index[0] != edge_index[1], torch.ones(6, dtype=torch.bool)])
    assert torch.equal(listed[:, kept], looped)
    assert_close(weights[kept], want)
    assert not weights[~kept].any()


def test_dropout():
    layer, (x, edge_index) = ga.nn.GATConv(IN, OUT, HEADS, dropout=0.5), plain(6, 11)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        draws = torch.stack([compiled(x, edge_index) for _ in range(1000)])
        want = layer.eval()(x, edge_index)
    assert_mean(draws, want, rather_than=0.5 * want)
    assert not torch.equal(draws[0], draws[1])


def test_dropout_among_the_nodes_of_a_graph_is_the_same_in_the_backward_pass():
    layer = ga.nn.GPSConv(IN, None, HEADS, norm=None, attn_kwargs={"dropout": 0.5})
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x, _, batch = with_batch(9, 3)
    x = x.requires_grad_()
    step = torch.randn_like(x) * 1e-3

    def loss(x):
        torch.manual_seed(3)
        return compiled(x, None, batch).square().sum()

    (gradient,) = torch.autograd.grad(loss(x), x)
    with torch.no_grad():
        moved = loss(x + step) - loss(x - step)
    assert_close(moved / 2, (gradient * step).sum(), rtol=0.02, atol=1e-4)


def test_edges_are_prepared_once_for_each_tensor(monkeypatch):
    calls = []

    def counted(keys, *rest, compress=graph_module.compress):
        calls.append(keys.numel())
        return compress(keys, *rest)

    monkeypatch.setattr(graph_module, "compress", counted)
    monkeypatch.setattr(graph_module, "native_for", lambda edges: None)  # compiled code sorts without `compress`
    model = ga.nn.GAT(IN, IN, 3, OUT, heads=HEADS)
    compiled = torch.compile(model, fullgraph=True, dynamic=True, backend="aot_eager")
    for nodes, count in ((6, 11), (9, 17)):
        x, edge_index = plain(nodes, count)
        for _ in range(3):
            compiled(x, edge_index).sum().backward()
        assert calls == [count + nodes] * 2  # by destination and by source
        calls.clear()


def test_nodes_outside_the_graph_are_refused_when_the_program_runs():
    layer = ga.nn.GATConv(IN, OUT, HEADS)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x, edge_index = plain(6, 11)
    compiled(x, edge_index)
    bad = edge_index.clone()
    bad[0, 0] = 6
    with pytest.raises(ValueError, match="edge_index holds node 6, but the graph has 6 nodes"):
        compiled(x, bad)


class Loss(torch.nn.Module):
    """What SuperGAT learns from pairs, as a model's loss has it."""

    def __init__(self, **options):
        super().__init__()
        self.conv = ga.nn.SuperGATConv(IN, OUT, HEADS, **options)

    def forward(self, *arguments):
        self.conv(*arguments)
        return self.conv.get_attention_loss()


def test_loss_of_pairs_that_are_given():
    """Loops that are hidden have no part in it."""
    layer, (x, edge_index) = Loss(), plain(6, 11)
    unlinked = torch.tensor([[0, 3], [5, 4]])
    want = layer(x, edge_index, unlinked)
    found = torch.compile(layer, fullgraph=True, backend="aot_eager")(x, edge_index, unlinked)
    assert_close(found, want)
    weight = layer.conv.lin.weight
    assert_close(torch.autograd.grad(found, weight), torch.autograd.grad(want, weight))


def test_loss_of_pairs_that_are_drawn():
    """The same in the mean, in a batch, of which more pairs are drawn than a tensor of fixed size holds."""
    torch.manual_seed(0)  # the weights decide how much the losses vary
    layer, (x, edge_index) = Loss(edge_sample_ratio=0.7), plain(24, 40)
    edge_index = edge_index % 8 + torch.arange(3).repeat_interleave(14)[:40] * 8
    batch = torch.arange(24) // 8
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        want, found = (torch.stack([run(x, edge_index, None, batch) for _ in range(400)]) for run in (layer, compiled))
    assert found.std() > 0
    assert_mean(found - want, 0.0, rather_than=0.2 * want.mean())


@pytest.mark.parametrize("hidden", [None, torch.tensor([True, *[False] * 9])], ids=["all", "without one"])
def test_pairs_that_no_edge_links(hidden):
    from graphattn.nn.pyg.conv.negative_pairs import weighted_negative_pairs

    edge_index = edges(5, 10)
    pairs, weights = weighted_negative_pairs(edge_index, hidden, 5, 1.5, None, False)
    assert pairs.shape == (2, 15)
    linked = {tuple(pair) for pair in edge_index.t().tolist()}
    drawn = [tuple(pair) for pair in pairs[:, weights > 0].t().tolist()]
    assert drawn  # and fewer than 15, for there are not so many
    assert weights.unique().tolist() == [0, 1]
    assert not any((i, j) in linked or (j, i) in linked for i, j in drawn)


def test_pairs_of_a_batch_stand_for_those_that_are_left_out():
    from graphattn.nn.pyg.conv.negative_pairs import negative_pairs, weighted_negative_pairs

    edge_index, batch = torch.tensor([[0, 5, 10, 15], [1, 6, 11, 16]]), torch.arange(20) // 5
    per_graph = negative_pairs(edge_index, 20, 0.5, batch, False)
    pairs, weights = weighted_negative_pairs(edge_index, None, 20, 0.5, batch, False)
    assert pairs.shape == (2, 2)
    assert weights.tolist() == [per_graph.size(1) / 2] * 2
    assert torch.equal(batch[pairs[0]], batch[pairs[1]])


@pytest.mark.parametrize(
    "options",
    [(None, None, None, "softmax", 0.5, 0.0, None), (4, 3, None, "linear", 1.0, 0.0, None)],
    ids=["among nodes", "from seeds"],
)
def test_the_operators_are_what_pytorch_expects(options):
    _ = ga.nn.GPSConv, ga.nn.SuperGATConv  # registers them
    num_sets, queries, *_ = options
    rows = 9 if queries is None else num_sets * queries
    numbers = [torch.rand(count, HEADS, OUT, requires_grad=True) for count in (rows, 9, 9)]
    torch.library.opcheck(torch.ops.graphattn.within.default, (*numbers, torch.arange(9) // 4, *options))
    torch.library.opcheck(
        torch.ops.graphattn.unlinked_pairs.default,
        (edges(5, 11), None, 5, 11, 1.0, None, False),
        test_utils=("test_schema", "test_faketensor"),  # the others compare what is drawn
    )
    for flags in ((True, False, False), (True, True, True), (False, True, False)):
        torch.library.opcheck(torch.ops.graphattn.compressed.default, (edges(5, 11), 7, 5, *flags, torch.int32))
