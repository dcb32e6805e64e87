"""Graphs and attention inside the transforms of torch.func, forward-mode differentiation and traces."""

import pytest
import torch
from torch.autograd import forward_ad
from torch.testing import assert_close

import graphattn as ga
from graphattn.graph.torch_modes import is_transformed, unwrapped

N, H, D = 5, 3, 7


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges():
    return torch.tensor([[3, 1, 4, 0, 2, 1], [1, 1, 0, 4, 2, 0]])


def attend(graph, backend="auto"):
    return lambda x: ga.attention(x, x, x, graph, backend=backend)


def test_what_is_a_transform():
    seen = []

    def look(x):
        seen.append(is_transformed())
        return x.sum()

    x = numbers(3)
    look(x)
    torch.func.grad(look)(x)
    with forward_ad.dual_level():
        look(x)
    torch.jit.trace(look, x, check_trace=False)
    torch.compile(look, backend="eager")(x)
    look(x)
    assert seen == [False, True, True, True, False, False]


@pytest.mark.parametrize("transform", [torch.func.jacrev, torch.func.jacfwd], ids=lambda each: each.__name__)
def test_attention_differentiated_both_ways(transform):
    graph, x = ga.Graph(edges(), N), numbers(N, H, D)
    want = torch.autograd.functional.jacobian(attend(graph, "reference"), x)
    assert_close(transform(attend(graph))(x), want)


def test_many_inputs_at_once():
    graph, x = ga.Graph(edges(), N), numbers(2, N, H, D)
    assert_close(torch.func.vmap(attend(graph))(x), torch.stack([attend(graph)(each) for each in x]))


def test_the_choice_is_explained():
    graph, x = ga.Graph(edges(), N), numbers(N, H, D)
    found = []

    def call(x):
        found.append(ga.explain_backend(x, x, x, graph))
        return x.sum()

    torch.func.grad(call)(x)
    assert found[0].backend == "reference"
    assert found[0].rejected["numba"].startswith("torch.func")
    assert ga.explain_backend(x, x, x, graph).backend != "reference"


@pytest.mark.parametrize("given", ["before", "inside"])
def test_what_is_derived_in_a_transform_serves_later_calls(given):
    kept, x = [], numbers(N, H, D).requires_grad_()

    def call(x):
        if not kept:
            kept.append(ga.Graph(torch.arange(5).flip(0).expand(2, -1) if given == "inside" else edge_index, N))
        return attend(kept[0].add_self_loops()[0])(x)

    edge_index = edges()
    torch.func.jacrev(call)(x.detach())
    graph = kept[0]
    looped, ids = graph.add_self_loops()
    tensors = graph.edge_index, looped.edge_index, ids, *looped.csr, *looped.csc
    assert all(unwrapped(tensor) is tensor for tensor in tensors if tensor is not None)
    call(x).sum().backward()
