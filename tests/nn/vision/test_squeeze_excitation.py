"""Squeeze-and-excitation against the formula on dense tensors."""

import pytest
import torch

from graphattn.nn import SqueezeExcitation

B, C, H, W = 2, 6, 3, 5


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(B, C, H, W, dtype=torch.float64, requires_grad=True)


def mlp(layers, z):
    first, _, second = layers
    return second.weight @ (first.weight @ z + first.bias).clamp(min=0) + second.bias


def same_with_gradients(got, expected, x):
    torch.testing.assert_close(got, expected)
    grad = torch.randn_like(got)
    torch.testing.assert_close(*(torch.autograd.grad(y, x, grad)[0] for y in (got, expected)))


def test_squeeze_excitation(x):
    layer = SqueezeExcitation(C, reduction=2).double()
    s = torch.stack([torch.sigmoid(mlp(layer.excite, image.mean(dim=(1, 2)))) for image in x])
    same_with_gradients(layer(x), s[:, :, None, None] * x, x)
