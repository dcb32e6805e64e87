"""A machine by the paper's equations; its neighbors in the batch do not matter, and its memory may grow."""

import torch
import torch.nn.functional as F

from graphattn.models import NeuralTuringMachine


def test_equations():
    """One machine with two read heads and a write head, row by row."""
    torch.manual_seed(0)
    R, W = 5, 4
    machine = NeuralTuringMachine(3, 2, hidden_dim=6, width=W, rows=R, read_heads=2).double()
    x = torch.randn(6, 1, 3, dtype=torch.float64)
    got, places = machine(x)
    memory = torch.full((R, W), 1e-6, dtype=torch.float64)
    weights, reads = [torch.eye(R, dtype=torch.float64)[0]] * 3, [torch.zeros(W, dtype=torch.float64)] * 2
    cell = None
    for t in range(6):
        cell = machine.controller(torch.cat([x[t, 0], *reads])[None], cell)
        h = cell[0][0]
        for head, part in enumerate(machine.memory.steer(h).split(W + 6)):
            key, (strength, gate), shift, sharpness = part[:W].tanh(), part[W : W + 2], part[W + 2 : W + 5], part[W + 5]
            likeness = torch.stack([F.cosine_similarity(key, row, dim=0) for row in memory])
            content = (F.softplus(strength) * likeness).softmax(0)  # eq. 5-6
            w = gate.sigmoid() * content + (1 - gate.sigmoid()) * weights[head]  # eq. 7
            s = dict(zip((-1, 0, 1), shift.softmax(0), strict=True))
            w = torch.stack([sum(w[(i - o) % R] * s[o] for o in s) for i in range(R)])  # eq. 8
            w = w ** (1 + F.softplus(sharpness))
            weights[head] = w / w.sum()  # eq. 9
        erase, add = machine.memory.change(h).split(W)
        for i in range(R):
            memory[i] = memory[i] * (1 - weights[2][i] * erase.sigmoid()) + weights[2][i] * add.tanh()  # eq. 3-4
        reads = [sum(weights[head][i] * memory[i] for i in range(R)) for head in range(2)]  # eq. 2
        torch.testing.assert_close(got[t, 0], machine.output(torch.cat([h, *reads])))
        torch.testing.assert_close(places[t, 0], torch.stack(weights, 1))


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
