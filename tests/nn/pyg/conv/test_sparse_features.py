"""Layers on sparse node features give what they give on the same features, dense."""

import pytest
import torch
from torch.testing import assert_close

import graphattn as ga

pytest.importorskip("torch_geometric")

IN, OUT, HEADS, NODES, SOURCES, EDGES = 7, 3, 2, 11, 13, 29
KINDS = {
    "GAT": (ga.nn.GATConv, {"residual": True}),
    "GATv2": (ga.nn.GATv2Conv, {"residual": True}),
    "GATv2, one map": (ga.nn.GATv2Conv, {"share_weights": True}),
    "Transformer": (ga.nn.TransformerConv, {"beta": True}),
    "SuperGAT": (ga.nn.SuperGATConv, {}),
}


def features(rows, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, IN, generator=generator, dtype=torch.float64)
    return x * (torch.rand(rows, IN, generator=generator) < 0.3)


def edges(num_dst, num_src):
    generator = torch.Generator().manual_seed(1)
    return torch.stack([torch.randint(size, (EDGES,), generator=generator) for size in (num_src, num_dst)])


def made(kind, width=IN, **others):
    torch.manual_seed(0)
    layer, options = KINDS[kind]
    return layer(width, OUT, HEADS, **options, **others).double().eval()


def results(layer, x, *arguments):
    out = layer(x, *arguments)
    used = [parameter for parameter in layer.parameters() if parameter.requires_grad]
    return out, torch.autograd.grad(out.square().sum(), used, allow_unused=True)


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_gradients(kind):
    layer, x = made(kind), features(NODES)
    assert_close(*(results(layer, each, edges(NODES, NODES)) for each in (x.to_sparse_csr(), x)))


@pytest.mark.parametrize("kind", ["GAT", "GATv2", "Transformer"])
@pytest.mark.parametrize("sparse", [(True, True), (True, False), (False, True)])
def test_two_sets_of_nodes(kind, sparse):
    layer = made(kind, (IN, IN), **({} if kind == "Transformer" else {"add_self_loops": False}))
    x = features(SOURCES), features(NODES, 5)
    mixed = tuple(each.to_sparse_csr() if is_sparse else each for each, is_sparse in zip(x, sparse, strict=True))
    assert_close(*(results(layer, each, edges(NODES, SOURCES)) for each in (mixed, x)))


@pytest.mark.parametrize("kind", KINDS)
def test_lazy_sizes_and_messages(kind):
    layer, x = made(kind, -1), features(NODES)
    out = layer(x.to_sparse_csr(), edges(NODES, NODES))
    assert_close(out, layer(x, edges(NODES, NODES)))
    if kind != "SuperGAT":
        layer.register_propagate_forward_hook(lambda module, inputs, out: None)
        assert_close(layer(x.to_sparse_csr(), edges(NODES, NODES)), out)


def test_a_training_step_with_dropped_features():
    layer, x = made("GAT").train(), features(NODES)
    dropped = ga.nn.FeatureDropout(0.5)(x.to_sparse_csr())
    assert_close(*(results(layer, each, edges(NODES, NODES)) for each in (dropped, dropped.to_dense())))


@pytest.mark.parametrize("layout", ["to_sparse_coo", "to_sparse_csc"])
def test_other_layouts_are_refused(layout):
    x = getattr(features(NODES), layout)()
    with pytest.raises(
        TypeError, match=r"x must be dense or torch.sparse_csr, got .*: convert it with x.to_sparse_csr"
    ):
        made("GAT")(x, edges(NODES, NODES))


@pytest.mark.parametrize(
    "layer", [ga.nn.AGNNConv(), ga.nn.RGATConv(IN, OUT, 2), ga.nn.GeneralConv(IN, OUT, attention=True)]
)
def test_layers_that_need_dense_features_say_so(layer):
    options = {"edge_type": torch.zeros(EDGES, dtype=torch.int64)} if isinstance(layer, ga.nn.RGATConv) else {}
    with pytest.raises(TypeError, match=r"x must be dense, got torch.sparse_csr: convert it with"):
        layer.double()(features(NODES).to_sparse_csr(), edges(NODES, NODES), **options)
