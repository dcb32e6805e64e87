"""Learned positions."""

import pytest
import torch

from graphattn.nn.positions import (
    LearnedPositions,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_learned():
    table = LearnedPositions(5, 3)
    assert torch.equal(table(torch.tensor([4, 0])), table.table[[4, 0]])
    with pytest.raises(ValueError, match="positions must lie from 0 to 4, got 1 to 5"):
        table(torch.tensor([1, 5]))
    assert table(torch.tensor([], dtype=torch.int64)).shape == (0, 3)
