"""CBAM against the formula on dense tensors."""

import pytest
import torch

from graphattn.nn import CBAM, PatchEncoder, SqueezeExcitation

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


def test_cbam(x):
    layer = CBAM(C, reduction=2, kernel_size=3).double()
    what = torch.stack([mlp(layer.what, i.mean(dim=(1, 2))) + mlp(layer.what, i.amax(dim=(1, 2))) for i in x])
    y = torch.sigmoid(what)[:, :, None, None] * x
    two = torch.nn.functional.pad(torch.stack([y.mean(1), y.amax(1)], 1), (1, 1, 1, 1))
    where = torch.zeros(B, H, W, dtype=torch.float64)
    for i in range(3):
        for j in range(3):
            where = where + torch.einsum("c,bchw->bhw", layer.where.weight[0, :, i, j], two[:, :, i : i + H, j : j + W])
    same_with_gradients(layer(x), torch.sigmoid(where)[:, None] * y, x)


def test_errors():
    for layer in (SqueezeExcitation, CBAM):
        with pytest.raises(ValueError, match="reduction must be at least 1, got 0"):
            layer(4, reduction=0)
    with pytest.raises(ValueError, match="kernel_size must be odd, got 4"):
        CBAM(4, kernel_size=4)
    with pytest.raises(ValueError, match=r"features must give \[B, 7, h, w\], got \[1, 3, 2, 2\]"):
        PatchEncoder(torch.nn.Identity(), 7)(torch.zeros(1, 3, 2, 2))
