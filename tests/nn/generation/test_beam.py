"""Beam search against every sequence there is, and against greedy search."""

from itertools import product

import pytest
import torch

from graphattn.nn.generation import beam_search, sample

END, V = 0, 4


def chain(seed):
    """A model that sees the last two tokens, one of them in its state; and its log-probabilities."""
    table = torch.randn(V, V, V, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2

    def step(tokens, before):
        return table[before, tokens], tokens

    return step, table.log_softmax(-1)


def log_p(table, before, start, tokens):
    total, place = 0.0, (before, start)
    for token in tokens:
        total += table[place][token].item()
        place = (place[1], token)
    return total


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_a_beam_as_wide_as_the_tree_finds_the_best_of_all(alpha):
    length = 4
    start, before = torch.tensor([1, 3]), torch.tensor([2, 1])
    step, table = chain(0)
    found = beam_search(step, before, start, end=END, max_length=length, num_beams=V**length, length_penalty=alpha)
    for b in range(2):
        every = {}
        for size in range(length):
            for tokens in product(range(1, V), repeat=size):
                every[tokens] = log_p(table, before[b], start[b], [*tokens, END]) / ((6 + size) / 6) ** alpha
        for tokens in product(range(1, V), repeat=length):  # cut off before their end
            every[tokens] = log_p(table, before[b], start[b], tokens) / ((5 + length) / 6) ** alpha
        want = sorted(every.items(), key=lambda each: -each[1])
        assert len(found[b]) == len(every)
        assert [tuple(each.tokens) for each in found[b][:20]] == [tokens for tokens, _ in want[:20]]
        for hypothesis, (_, score) in zip(found[b], want, strict=True):
            assert hypothesis.score == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_one_beam_is_greedy(seed):
    step, _ = chain(seed)
    start, before = torch.tensor([1, 2, 3]), torch.tensor([0, 1, 2])
    beams = beam_search(step, before, start, end=END, max_length=9, num_beams=1)
    greedy = sample(step, before, start, end=END, max_length=9, temperature=0)
    assert [found[0].tokens for found in beams] == greedy


def test_two_beams_find_what_greedy_search_misses():
    # After 1 the token 2 is likelier than 3, but what follows 3 is certain.
    probability = torch.tensor([[1, 0, 0, 0], [0, 0, 0.6, 0.4], [0.5, 0, 0.25, 0.25], [1, 0, 0, 0]])

    def step(tokens, state):
        return probability.log()[tokens], state

    start = torch.tensor([1])
    assert sample(step, None, start, end=END, max_length=5, temperature=0) == [[2]]
    best = beam_search(step, None, start, end=END, max_length=5, num_beams=2, length_penalty=0.0)[0][0]
    assert best.tokens == [3]
    assert best.score == pytest.approx(torch.tensor(0.4).log().item())


def test_sequences_of_a_batch_do_not_see_one_another():
    step, _ = chain(3)
    start, before = torch.tensor([1, 3, 2]), torch.tensor([2, 1, 0])
    together = beam_search(step, before, start, end=END, max_length=7, num_beams=3)
    for b in range(3):
        (alone,) = beam_search(step, before[b : b + 1], start[b : b + 1], end=END, max_length=7, num_beams=3)
        assert [each.tokens for each in alone] == [each.tokens for each in together[b]]


def test_scores_of_halves_add_up_in_full():
    table = torch.randn(V, V, generator=torch.Generator().manual_seed(0)).bfloat16()
    start, options = torch.tensor([1, 2]), {"end": END, "max_length": 20, "num_beams": 2}
    half, full = (
        beam_search(lambda tokens, state, dtype=dtype: (table[tokens].to(dtype), state), None, start, **options)
        for dtype in (torch.bfloat16, torch.float32)
    )
    assert half == full


def test_no_sequences():
    step, _ = chain(0)
    none = torch.tensor([], dtype=torch.int64)
    assert beam_search(step, none, none, end=END, max_length=3) == []


def test_errors():
    step, _ = chain(0)
    with pytest.raises(ValueError, match=r"start holds one token for each sequence, \[B\] integers, got torch.float32"):
        beam_search(step, None, torch.zeros(2), end=END, max_length=3)
    with pytest.raises(ValueError, match="num_beams must be at least 1, got 0"):
        beam_search(step, None, torch.tensor([1]), end=END, max_length=3, num_beams=0)
    with pytest.raises(ValueError, match="max_length must be at least 1, got 0"):
        beam_search(step, None, torch.tensor([1]), end=END, max_length=0)
    with pytest.raises(ValueError, match="length_penalty must not be negative, got -1"):
        beam_search(step, None, torch.tensor([1]), end=END, max_length=3, length_penalty=-1)
