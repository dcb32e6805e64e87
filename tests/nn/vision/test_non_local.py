"""The non-local block against the formula on dense tensors."""

import pytest
import torch

from graphattn.nn import NonLocalBlock

B, C, H, W = 2, 6, 3, 5


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(B, C, H, W, dtype=torch.float64, requires_grad=True)


def same_with_gradients(got, expected, x):
    torch.testing.assert_close(got, expected)
    grad = torch.randn_like(got)
    torch.testing.assert_close(*(torch.autograd.grad(y, x, grad)[0] for y in (got, expected)))


def test_non_local(x):
    layer = NonLocalBlock(C, 4).double()
    assert torch.equal(layer(x), x)  # as it comes
    torch.nn.init.normal_(layer.out.weight)
    places = x.permute(0, 2, 3, 1).reshape(B, H * W, C)
    theta, phi, g = layer.theta(places), layer.phi(places), layer.g(places)
    y = (theta @ phi.transpose(1, 2)).softmax(dim=2) @ g
    same_with_gradients(layer(x), x + layer.out(y).view(B, H, W, C).permute(0, 3, 1, 2), x)
