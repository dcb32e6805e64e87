"""Tokens come as often as the model says, and greedy search takes the best."""

import pytest
import torch
from expectation import assert_mean

from graphattn.nn.generation import sample

SCORES = torch.tensor([0.5, 2.0, -1.0, 1.0])


def draw(count, **options):
    generator = torch.Generator().manual_seed(0)
    rows = sample(
        lambda tokens, state: (SCORES.expand(len(tokens), -1), state), None, torch.zeros(count, dtype=torch.int64),
        end=None, max_length=1, generator=generator, **options,
    )  # fmt: skip
    return torch.nn.functional.one_hot(torch.tensor(rows).flatten(), 4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_frequencies(temperature):
    want = (SCORES.double() / temperature).softmax(0)
    assert_mean(draw(20000, temperature=temperature), want, rather_than=(SCORES / (1.5 * temperature)).softmax(0))


def test_top_k_leaves_the_others_out():
    want = torch.zeros(4, dtype=torch.float64)
    want[[1, 3]] = SCORES[[1, 3]].double().softmax(0)
    assert_mean(draw(20000, top_k=2), want, rather_than=SCORES.softmax(0))


def test_sequences_of_a_batch_and_tokens_of_a_sequence_are_independent():
    rows = sample(
        lambda tokens, state: (SCORES.expand(len(tokens), -1), state), None, torch.zeros(20000, dtype=torch.int64),
        end=None, max_length=2, generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    first, second = torch.nn.functional.one_hot(torch.tensor(rows), 4).unbind(1)
    want = SCORES.double().softmax(0)
    assert_mean(first.unsqueeze(2) * second.unsqueeze(1), want.outer(want))
    assert_mean(first[::2].unsqueeze(2) * first[1::2].unsqueeze(1), want.outer(want))


def test_temperature_zero_is_the_best_and_an_end_cuts():
    assert draw(5, temperature=0).tolist() == [[0, 1, 0, 0]] * 5
    follows = torch.eye(4).roll(1, dims=1)  # 0 → 1 → 2 → 3 → 0
    rows = sample(
        lambda tokens, state: (follows[tokens], state), None, torch.tensor([0, 2]), end=3, max_length=6, temperature=0
    )
    assert rows == [[1, 2], []]


def test_errors():
    def step(tokens, state):
        return SCORES.expand(len(tokens), -1), state

    with pytest.raises(ValueError, match="got max_length=0, top_k=None"):
        sample(step, None, torch.tensor([0]), end=None, max_length=0)
    with pytest.raises(ValueError, match="top_k=0"):
        sample(step, None, torch.tensor([0]), end=None, max_length=1, top_k=0)
    with pytest.raises(ValueError, match="start holds one token"):
        sample(step, None, torch.tensor([[0]]), end=None, max_length=1)
