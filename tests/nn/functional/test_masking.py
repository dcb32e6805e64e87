"""How often tokens are masked, replaced or kept."""

import pytest
import torch
from expectation import assert_mean

from graphattn.nn.functional import mask_tokens


def test_shares():
    N, V, mask = 200_000, 1000, 3
    tokens = torch.randint(10, V, (N,), generator=torch.Generator().manual_seed(0))
    special = torch.arange(N) % 4 == 0
    seen, chosen = mask_tokens(
        tokens, num_tokens=V, mask=mask, special=special, generator=torch.Generator().manual_seed(1)
    )
    assert not chosen[special].any()
    assert torch.equal(seen[~chosen], tokens[~chosen])
    assert_mean(chosen[~special], 0.15, rather_than=0.13)
    assert_mean((seen == mask)[chosen], 0.8 + 0.1 / V, rather_than=0.9)
    assert_mean((seen == tokens)[chosen], 0.1 + 0.1 / V, rather_than=0.2)
    replaced = seen[chosen & (seen != mask) & (seen != tokens)].double()  # any other number from 0 to V - 1
    assert_mean(replaced, (V - 1) / 2, rather_than=V / 3)
    assert_mean(replaced.square(), (V - 1) * (2 * V - 1) / 6, rather_than=V**2 / 5)


def test_repeats_with_a_seed_and_refuses_what_is_no_probability():
    tokens = torch.arange(50)
    first, second = (
        mask_tokens(tokens, num_tokens=50, mask=0, generator=torch.Generator().manual_seed(2)) for _ in range(2)
    )
    assert torch.equal(first.tokens, second.tokens)
    assert not mask_tokens(tokens, num_tokens=50, mask=0, probability=0.0).chosen.any()
    with pytest.raises(ValueError, match="probability must be from 0 to 1, got"):
        mask_tokens(tokens, num_tokens=50, mask=0, probability=1.5)
