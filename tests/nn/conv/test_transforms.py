"""Layers inside the transforms of torch.func and forward-mode differentiation, against PyG's."""

import pytest
import torch
from pyg_twin import randomise
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
    randomise(pygs)
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
