"""Products head by head: einsum's numbers and gradients, in the kernels' layout."""

import torch

from graphattn.ops.by_head import by_head


def test_numbers_gradients_and_layout():
    x = torch.randn(7, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    weight = torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64).transpose(0, 1)
    found = by_head(x, weight.requires_grad_())
    assert found.is_contiguous()
    torch.testing.assert_close(found, torch.einsum("nha,hab->nhb", x, weight))
    assert torch.autograd.grad(found.square().sum(), x)[0].is_contiguous()
    assert torch.autograd.gradcheck(by_head, (x, weight))


def test_of_no_nodes():
    assert by_head(torch.empty(0, 3, 5), torch.empty(3, 5, 2)).shape == (0, 3, 2)


def test_transforms_see_it():
    x, weight = torch.randn(7, 3, 5), torch.randn(3, 5, 2)
    each = torch.func.vmap(by_head)(x[None], weight[None])
    torch.testing.assert_close(each[0], by_head(x, weight))
