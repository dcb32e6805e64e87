"""Attention between the stages of a convolutional network, against the published formulas on dense tensors."""

import pytest
import torch

from graphattn.nn import CBAM, NonLocalBlock, PatchEncoder, SqueezeExcitation

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


def test_non_local(x):
    layer = NonLocalBlock(C, 4).double()
    assert torch.equal(layer(x), x)  # as it comes
    torch.nn.init.normal_(layer.out.weight)
    places = x.permute(0, 2, 3, 1).reshape(B, H * W, C)
    theta, phi, g = layer.theta(places), layer.phi(places), layer.g(places)
    y = (theta @ phi.transpose(1, 2)).softmax(dim=2) @ g
    same_with_gradients(layer(x), x + layer.out(y).view(B, H, W, C).permute(0, 3, 1, 2), x)


def test_patches(x):
    encoded = PatchEncoder(torch.nn.Identity(), C)(x)
    assert encoded.sizes == [H * W] * B
    torch.testing.assert_close(encoded.memory[W + 2], x[0, :, 1, 2])
    torch.testing.assert_close(encoded.summary[1], x[1].mean(dim=(1, 2)))


def test_errors():
    for layer in (SqueezeExcitation, CBAM):
        with pytest.raises(ValueError, match="reduction must be at least 1, got 0"):
            layer(4, reduction=0)
    with pytest.raises(ValueError, match="kernel_size must be odd, got 4"):
        CBAM(4, kernel_size=4)
    with pytest.raises(ValueError, match=r"features must give \[B, 7, h, w\], got \[1, 3, 2, 2\]"):
        PatchEncoder(torch.nn.Identity(), 7)(torch.zeros(1, 3, 2, 2))
