"""Sinusoidal positions by the formula."""

import math

import pytest
import torch

from graphattn.nn.positions import (
    sinusoidal,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_sinusoidal():
    width, position = 6, torch.tensor([0, 3, 50])
    got = sinusoidal(position.double(), width)
    for row, p in enumerate(position.tolist()):
        for t in range(3):
            angle = p / 10000 ** (2 * t / width)
            assert got[row, 2 * t] == pytest.approx(math.sin(angle))
            assert got[row, 2 * t + 1] == pytest.approx(math.cos(angle))
    rows, columns = torch.tensor([1, 2, 7]), torch.tensor([4, 0, 3])
    image = sinusoidal(torch.stack([rows, columns], 1), 8)
    assert torch.equal(image, torch.cat([sinusoidal(rows, 4), sinusoidal(columns, 4)], 1))
    with pytest.raises(ValueError, match="multiple of 2 for each of 2 axes, got 6"):
        sinusoidal(torch.zeros(3, 2), 6)
