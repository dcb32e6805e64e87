"""The dropout hash: even, independent, and decided by the seed."""

import pytest
import torch

from graphattn.ops.random import drop_threshold, keep_mask, new_seed

E, H = 10_007, 7
CPU = torch.device("cpu")


def mask(seed, dropout=0.3, edges=E, heads=H):
    return keep_mask(torch.tensor(seed), edges, heads, dropout, CPU)


@pytest.mark.parametrize("dropout", [0.0, 0.1, 0.5, 0.9])
def test_the_share_of_kept_weights(dropout):
    kept = mask(12345, dropout)
    assert kept.shape == (E, H)
    assert kept.dtype == torch.bool
    error = (dropout * (1 - dropout) / (E * H)) ** 0.5
    assert kept.double().mean().item() == pytest.approx(1 - dropout, abs=4 * error + 1e-12)


def test_every_head_and_every_stretch_has_its_share():
    kept = mask(7).double()
    assert (kept.mean(0) - 0.7).abs().max() < 4 * (0.21 / E) ** 0.5
    stretches = kept[: 97 * 103].view(97, 103 * H)
    assert (stretches.mean(1) - 0.7).abs().max() < 5 * (0.21 / (103 * H)) ** 0.5


def correlation(a, b):
    return torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1].abs()


def test_heads_are_independent():
    kept = mask(7, 0.5)
    off_diagonal = torch.corrcoef(kept.double().T) - torch.eye(H)
    assert off_diagonal.abs().max() < 5 / E**0.5


def test_neighboring_edges_are_independent():
    kept = mask(7, 0.5)
    assert correlation(kept[1:].flatten(), kept[:-1].flatten()) < 5 / (E * H) ** 0.5


# Seeds that differ in one low bit, one high bit, and seeds that are neighbors.
@pytest.mark.parametrize("other", [1, 2, 2**31, 2**32, 2**33, 2**62])
def test_seeds_are_independent(other):
    assert correlation(mask(0, 0.5).flatten(), mask(other, 0.5).flatten()) < 5 / (E * H) ** 0.5


def test_the_same_seed_gives_the_same_mask():
    assert torch.equal(mask(99), mask(99))


def test_more_edges_do_not_change_those_before():
    assert torch.equal(mask(99, edges=11, heads=3), mask(99, edges=13, heads=3)[:11])


def test_a_higher_dropout_drops_more_of_the_same():
    assert not (mask(5, 0.6) & ~mask(5, 0.2)).any()


def test_no_edges():
    assert mask(3, edges=0).shape == (0, H)


def lowbias32(x):
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        x ^= x >> shift
        x = x * factor % 2**32
    return x


def test_the_mask_is_the_documented_hash():
    seed = 0x1234_5678_9ABC_DEF0
    numbers = [lowbias32((lowbias32(c ^ seed % 2**32) + (seed >> 32)) % 2**32) for c in range(11 * 3)]
    want = torch.tensor(numbers).view(11, 3) >= 0.3 * 2**32
    assert torch.equal(mask(seed, 0.3, edges=11, heads=3), want)


def test_thresholds():
    assert drop_threshold(0.0) == 0
    assert drop_threshold(0.5) == 2**31
    assert mask(3, 0.0).all()


def test_seeds_come_from_the_default_generator():
    torch.manual_seed(3)
    first, second = new_seed(), new_seed()
    torch.manual_seed(3)
    assert torch.equal(first, new_seed())
    assert not torch.equal(first, second)
    assert first.dtype == torch.int64
    assert first >= 0


def test_seeds_use_their_high_bits():
    torch.manual_seed(0)
    assert max(new_seed().item() for _ in range(20)) > 2**61
