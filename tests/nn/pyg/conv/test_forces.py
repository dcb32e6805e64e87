"""A potential trained on energies and on forces, −∂E/∂x, which are derivatives of its own."""

import pytest
import torch
from pyg_twin import randomize
from torch.testing import assert_close

import graphattn as ga

pytest.importorskip("torch_geometric")
from torch_geometric import nn as theirs

WIDTH, HEADS = 5, 2
LAYERS = {
    "GATConv": lambda source: source.GATConv(WIDTH, WIDTH, HEADS, edge_dim=1),
    "GATv2Conv": lambda source: source.GATv2Conv(WIDTH, WIDTH, HEADS, edge_dim=1),
    "TransformerConv": lambda source: source.TransformerConv(WIDTH, WIDTH, HEADS, edge_dim=1),
}


class Potential(torch.nn.Module):
    """Energy of atoms from their kinds and places, the square of a distance being the feature of an edge."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.last = layer, torch.nn.Linear(HEADS * WIDTH, 1)

    def forward(self, kinds, places, edge_index):
        src, dst = edge_index
        distances = (places[src] - places[dst]).square().sum(-1, keepdim=True)
        return self.last(self.layer(kinds, edge_index, distances).sigmoid()).sum()


def gradients(potential, kinds, places, edge_index, energy, forces):
    places = places.clone().requires_grad_()
    found = potential(kinds, places, edge_index)
    (slope,) = torch.autograd.grad(found, places, create_graph=True)
    loss = (found - energy).square() + (-slope - forces).square().sum()
    return torch.autograd.grad(loss, [*potential.parameters(), places], allow_unused=True)


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradients_of_both_losses_are_pygs(name):
    torch.manual_seed(0)
    mine, pygs = (Potential(LAYERS[name](source)).double() for source in (ga.nn, theirs))
    randomize(pygs)
    mine.load_state_dict(pygs.state_dict())
    kinds, places, forces = (torch.randn(7, size, dtype=torch.float64) for size in (WIDTH, 3, 3))
    edge_index = torch.tensor([[0, 1, 2, 3, 4, 5, 1, 0, 2, 6], [1, 0, 1, 2, 2, 1, 1, 3, 4, 0]])
    each = [gradients(potential, kinds, places, edge_index, 0.3, forces) for potential in (mine, pygs)]
    for got, want in zip(*each, strict=True):
        assert (got is None) == (want is None)
        if want is not None:
            assert_close(got, want)
