"""The positions of a feature map as memory."""

import pytest
import torch

from graphattn.nn import PatchEncoder

B, C, H, W = 2, 6, 3, 5


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(B, C, H, W, dtype=torch.float64, requires_grad=True)


def test_patches(x):
    encoded = PatchEncoder(torch.nn.Identity(), C)(x)
    assert encoded.sizes == [H * W] * B
    torch.testing.assert_close(encoded.memory[W + 2], x[0, :, 1, 2])
    torch.testing.assert_close(encoded.summary[1], x[1].mean(dim=(1, 2)))
