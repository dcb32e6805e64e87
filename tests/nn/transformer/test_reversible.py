"""Reversible residuals: the gradients of plain autograd, with the same random numbers, and no activations kept."""

import pytest
import torch
from torch import nn

import graphattn as ga
from graphattn.nn import ReversibleEncoder

EMBED = 6


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.dropout = nn.Linear(EMBED, EMBED), nn.Dropout(0.3)

    def forward(self, x, *graph):
        return self.dropout(self.linear(x).tanh())


def plain(encoder, x, graph):
    first = second = x
    for f, g in encoder.blocks:
        first = first + f(second, graph)
        second = second + g(first)
    return encoder.norm((first + second) / 2)


@pytest.mark.parametrize("training", [True, False])
def test_values_and_gradients(training):
    torch.manual_seed(0)
    encoder = ReversibleEncoder([(Branch(), Branch()) for _ in range(3)], norm=nn.LayerNorm(EMBED)).double()
    encoder.train(training)
    encoder.blocks[1][0].linear.bias.requires_grad_(False)
    x, graph = torch.randn(5, EMBED, dtype=torch.float64), ga.complete(5)
    found = []
    for run in (encoder, lambda x, graph: plain(encoder, x, graph)):
        torch.manual_seed(1)
        inputs = x.clone().requires_grad_()
        encoder.zero_grad()
        out = run(inputs, graph)
        out.sin().sum().backward()
        found.append([out, inputs.grad, *(p.grad for p in encoder.parameters() if p.requires_grad)])
    for got, want in zip(*found, strict=True):
        torch.testing.assert_close(got, want)


def test_nothing_is_kept_but_the_input_and_the_output():
    kept = []
    encoder = ReversibleEncoder([(Branch(), Branch()) for _ in range(8)])
    x = torch.randn(50, EMBED, requires_grad=True)
    mine = {id(parameter) for parameter in encoder.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (kept.append(t), t)[1], lambda t: t):
        encoder(x, ga.complete(50))
    sizes = [tensor.shape for tensor in kept if id(tensor) not in mine and tensor.shape == x.shape]
    assert len(sizes) == 3


def test_the_random_numbers_of_others_go_on():
    torch.manual_seed(0)
    encoder = ReversibleEncoder([(Branch(), Branch())])
    x = torch.randn(5, EMBED, requires_grad=True)
    out = encoder(x, ga.complete(5)).sum()
    state = torch.get_rng_state()
    out.backward()
    assert torch.equal(torch.get_rng_state(), state)


def test_the_backward_pass_has_the_autocast_of_the_forward_pass():
    torch.manual_seed(0)
    encoder = ReversibleEncoder([(Branch(), Branch()) for _ in range(6)], norm=nn.LayerNorm(EMBED)).eval()
    x, graph, found = torch.randn(5, EMBED), ga.complete(5), []
    for run in (encoder, lambda x, graph: plain(encoder, x, graph)):
        inputs = x.clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = run(inputs, graph)
        found.append((out, *torch.autograd.grad(out.sin().sum(), [inputs, encoder.blocks[0][0].linear.weight])))
    for got, want in zip(*found, strict=True):
        torch.testing.assert_close(got, want, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("training", [True, False])
def test_second_derivatives_are_those_of_plain_autograd(training):
    encoder = ReversibleEncoder([(Branch(), Branch()) for _ in range(2)], norm=nn.LayerNorm(EMBED)).double()
    encoder.train(training)
    x, graph = torch.randn(5, EMBED, dtype=torch.float64), ga.complete(5)
    found = []
    for run in (encoder, lambda x, graph: plain(encoder, x, graph)):
        torch.manual_seed(1)
        inputs = x.clone().requires_grad_()
        (force,) = torch.autograd.grad(run(inputs, graph).square().sum(), inputs, create_graph=True)
        found.append([force, *torch.autograd.grad(force.sin().sum(), [inputs, *encoder.parameters()])])
    torch.testing.assert_close(*found)
    assert all(each.abs().max() > 1e-6 for each in found[0][:2])
