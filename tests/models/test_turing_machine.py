"""A machine's outputs do not depend on its neighbours in the batch, and its memory may be longer than it was."""

import torch

from graphattn.models import NeuralTuringMachine


def test_machines_of_a_batch_are_independent():
    torch.manual_seed(0)
    machine = NeuralTuringMachine(3, 2, hidden_dim=8, width=5, rows=6).double()
    x = torch.randn(4, 3, 3, dtype=torch.float64)
    y, places = machine(x)
    assert y.shape == (4, 3, 2) and places.shape == (4, 3, 6, 2)
    alone, places_alone = machine(x[:, 1:2])
    torch.testing.assert_close(y[:, 1:2], alone)
    torch.testing.assert_close(places[:, 1:2], places_alone)


def test_more_rows():
    machine = NeuralTuringMachine(3, 2, hidden_dim=8, width=5, rows=6)
    assert machine(torch.randn(2, 1, 3), rows=17)[1].shape == (2, 1, 17, 2)
