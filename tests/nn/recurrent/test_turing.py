"""Addressing, reading and writing of a Neural Turing Machine, against the paper's equations in loops."""

import math

import pytest
import torch
import torch.nn.functional as F

import graphattn as ga
from graphattn.nn.recurrent.turing import TuringMemory, address_by_content, address_by_location, write

B, R, H, W = 2, 5, 3, 7


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def numbers(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def test_content():
    key, strength, memory = numbers(B, H, W), numbers(B, H).exp(), numbers(B, R, W)
    got = address_by_content(key, strength, memory)
    for b in range(B):
        for h in range(H):
            u = key[b, h]
            cosine = [float(u @ row / (u.norm() * row.norm())) for row in memory[b]]
            powers = [math.exp(float(strength[b, h]) * c) for c in cosine]
            torch.testing.assert_close(got[b, :, h], torch.tensor([p / sum(powers) for p in powers]).double())


def test_content_is_the_operator_on_a_bipartite_graph():
    key, strength, memory = numbers(B, H, W), numbers(B, H).exp(), numbers(B, R, W)
    query = F.normalize(key, dim=-1) * strength.unsqueeze(-1)
    rows = F.normalize(memory, dim=-1).flatten(0, 1).unsqueeze(1)
    _, weights = ga.attention(query, rows, rows, ga.bipartite([1] * B, [R] * B), scale=1.0, return_weights=True)
    torch.testing.assert_close(address_by_content(key, strength, memory), weights.view(B, R, H))


def test_location():
    content, previous = numbers(B, R, H).softmax(1), numbers(B, R, H).softmax(1)
    gate, shift, sharpness = numbers(B, H).sigmoid(), numbers(B, H, 3).softmax(-1), 1 + numbers(B, H).exp()
    got = address_by_location(content, previous, gate, shift, sharpness)
    for b in range(B):
        for h in range(H):
            g, gamma = float(gate[b, h]), float(sharpness[b, h])
            mixed = [g * float(content[b, i, h]) + (1 - g) * float(previous[b, i, h]) for i in range(R)]
            s = {0: float(shift[b, h, 1]), 1: float(shift[b, h, 2]), R - 1: float(shift[b, h, 0])}  # by i − j mod R
            moved = [sum(mixed[j] * s.get((i - j) % R, 0.0) for j in range(R)) for i in range(R)]
            expected = [m**gamma / sum(n**gamma for n in moved) for m in moved]
            torch.testing.assert_close(got[b, :, h], torch.tensor(expected).double())


def test_writing_erases_and_then_adds():
    memory, weights = numbers(B, R, W), numbers(B, R, H).softmax(1)
    erase, add = numbers(B, H, W).sigmoid(), numbers(B, H, W)
    expected = memory.clone()
    for h in range(H):
        expected = expected * (1 - weights[:, :, h, None] * erase[:, None, h])
    for h in range(H):
        expected = expected + weights[:, :, h, None] * add[:, None, h]
    torch.testing.assert_close(write(memory, weights, erase, add), expected)


def test_a_step_reads_what_it_wrote():
    heads = TuringMemory(4, W, read_heads=2, write_heads=1, shift_radius=1).double()
    state = heads.begin(B, R)
    assert torch.equal(state.weights.sum(1), torch.ones(B, 3, dtype=torch.float64))
    for _ in range(3):
        before, state = state, heads(numbers(B, 4), state)
    assert state.memory.shape == before.memory.shape
    torch.testing.assert_close(state.read, torch.einsum("brh,brw->bhw", state.weights[..., :2], state.memory))
    torch.testing.assert_close(state.weights.sum(1), torch.ones(B, 3, dtype=torch.float64))


def test_gradients():
    heads = TuringMemory(4, 3, shift_radius=1).double()

    def run(hidden):
        state = heads.begin(2, 5)
        for step in hidden:
            state = heads(step, state)
        return state.read, state.weights

    assert torch.autograd.gradcheck(run, (numbers(3, 2, 4).requires_grad_(),))


def test_errors():
    with pytest.raises(ValueError, match="write_heads must be at least 1, got 0"):
        TuringMemory(4, 3, write_heads=0)
    with pytest.raises(ValueError, match="shift_radius must not be negative, got -1"):
        TuringMemory(4, 3, shift_radius=-1)
