"""Layers inside the transforms of torch.func and forward-mode differentiation, against PyG's."""

import pytest
import torch
from pyg_twin import randomize
from torch.autograd import forward_ad
from torch.testing import assert_close

import graphattn as ga

pytest.importorskip("torch_geometric")
from torch_geometric import nn as theirs

IN, OUT, HEADS, EDGE = 5, 6, 2, 3
LINK = ("a", "to", "a")
KINDS = (["a"], [LINK])


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges():
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


def beside(*others, **named):
    return lambda layer, edge_index: lambda x: layer(x, edge_index, *others, **named)


def of_kind(layer, edge_index):
    return lambda x: layer({"a": x}, {LINK: edge_index})["a"]


CASES = {
    "GATConv": (lambda s: s.GATConv(IN, OUT, HEADS, edge_dim=EDGE), beside(numbers(8, EDGE))),
    "GATv2Conv": (lambda s: s.GATv2Conv(IN, OUT, HEADS, residual=True), beside()),
    "TransformerConv": (
        lambda s: s.TransformerConv(IN, OUT, HEADS, edge_dim=EDGE, beta=True),
        beside(numbers(8, EDGE)),
    ),
    "SuperGATConv": (lambda s: s.SuperGATConv(IN, OUT, HEADS), beside()),
    "AGNNConv": (lambda s: s.AGNNConv(), beside()),
    "RGATConv": (lambda s: s.RGATConv(IN, OUT, 3, heads=HEADS), beside(torch.arange(8) % 3)),
    "GeneralConv": (lambda s: s.GeneralConv(IN, OUT, attention=True, heads=HEADS), beside()),
    "HGTConv": (lambda s: s.HGTConv(IN, OUT, KINDS, HEADS), of_kind),
    "HANConv": (lambda s: s.HANConv(IN, OUT, KINDS, HEADS), of_kind),
    "GAT": (lambda s: s.GAT(IN, OUT, 2, heads=HEADS), beside()),
}


def tangent(function, x, along):
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(function(forward_ad.make_dual(x, along))).tangent


def of_each(function, x, along):
    return torch.func.vmap(torch.func.grad(lambda x: function(x).square().sum()))(torch.stack([x, along]))


TRANSFORMS = {
    "jvp": lambda function, x, along: torch.func.jvp(function, (x,), (along,)),
    "vjp": lambda function, x, along: torch.func.vjp(function, x)[1](function(x)),
    "forward_ad": tangent,
    "vmap of grad": of_each,
    "hessian": lambda function, x, along: torch.func.jvp(
        torch.func.grad(lambda x: function(x).square().sum()), (x,), (along,)
    ),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", CASES)
def test_as_pyg(name, transform):
    make, call = CASES[name]
    torch.manual_seed(0)
    mine, pygs = (make(source).double().eval() for source in (ga.nn, theirs))
    randomize(pygs)
    mine.load_state_dict(pygs.state_dict())
    x, along, edge_index = numbers(6, IN), numbers(6, IN), edges()
    run = TRANSFORMS[transform]
    assert_close(run(call(mine, edge_index), x, along), run(call(pygs, edge_index), x, along))
    assert_close(call(mine, edge_index)(x), call(pygs, edge_index)(x))  # what was prepared inside serves outside


def test_derivatives_by_parameters():
    layer, x, edge_index = ga.nn.GATConv(IN, OUT, HEADS).double(), numbers(6, IN), edges()

    def loss(parameters):
        return torch.func.functional_call(layer, parameters, (x, edge_index)).square().sum()

    found = torch.func.grad(loss)(dict(layer.named_parameters()))
    want = torch.autograd.grad(layer(x, edge_index).square().sum(), list(layer.parameters()))
    assert_close(list(found.values()), list(want))


@pytest.mark.parametrize("name", CASES)
def test_over_edges(name):
    make, call = CASES[name]
    layer = make(ga.nn).double().eval()
    xs, lists = numbers(3, 6, IN), torch.stack([edges(), edges().flip(0), (edges() + 1) % 6])

    def one(x, edge_index):
        return call(layer, edge_index)(x)

    def slope(x, edge_index):
        return torch.func.grad(lambda x: one(x, edge_index).square().sum())(x)

    for function in (one, slope):
        want = torch.stack([function(*each) for each in zip(xs, lists, strict=True)])
        assert_close(torch.func.vmap(function)(xs, lists), want)


def test_the_operator_over_edges():
    lists, x = torch.randint(6, (3, 2, 9), generator=torch.Generator().manual_seed(0)), numbers(6, 2, 3)

    def attend(edge_index):
        return ga.attention(x, x, x, ga.Graph(edge_index, 6), normalize="sparsemax")

    assert_close(torch.func.vmap(attend)(lists), torch.stack([attend(each) for each in lists]))
    with pytest.raises(ValueError, match="must be given: num_nodes"):
        torch.func.vmap(lambda edge_index: x + ga.Graph(edge_index).num_nodes)(lists)
    with pytest.raises(ValueError, match="holds node 5, but the graph has 5 nodes"):
        torch.func.vmap(lambda edge_index: ga.Graph(edge_index, 5).csr.indices)(lists)


@pytest.mark.parametrize("name", ["GATConv", "GATv2Conv", "TransformerConv", "HGTConv"])
def test_vectorized_derivatives(name):
    make, call = CASES[name]
    function, x = call(make(ga.nn).double().eval(), edges()), numbers(6, IN)

    def energy(x):
        return function(x).square().sum()

    for derivative, of in (("jacobian", function), ("hessian", energy)):
        find = getattr(torch.autograd.functional, derivative)
        assert_close(find(of, x, vectorize=True), find(of, x))
    assert_close(torch.func.hessian(energy)(x), torch.autograd.functional.hessian(energy, x))
