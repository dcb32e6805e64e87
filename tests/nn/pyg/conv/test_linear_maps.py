"""Linear maps and sums of rows against PyTorch's own."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

pytest.importorskip("torch_geometric")
from graphattn.nn.pyg.conv.linear_maps import add_terms, linear_maps, map_rows
from graphattn.ops import thresholds


@pytest.fixture(autouse=True, params=[0, thresholds.FEW_NUMBERS], ids=["as if large", "small"])
def few(request, monkeypatch):
    monkeypatch.setattr(thresholds, "FEW_NUMBERS", request.param)


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_maps(rows):
    x, maps = numbers(rows, 4), [(numbers(3, 4), numbers(3)), (numbers(2, 4), None)]
    leaves = [x, maps[0][0], maps[0][1], maps[1][0]]
    results = []
    for outs in (linear_maps(x, maps), [F.linear(x, *each) for each in maps]):
        loss = outs[0].square().sum() + outs[1].sin().sum()
        results.append((list(outs), torch.autograd.grad(loss, leaves)))
    assert_close(*results)


@pytest.mark.parametrize("used", [0, 1])
def test_a_map_that_nobody_looks_at_has_no_gradient(used):
    x, maps = numbers(5, 4), [(numbers(3, 4), None), (numbers(2, 4), None)]
    linear_maps(x, maps)[used].sum().backward()
    assert_close(x.grad, maps[used][0].detach().sum(0).expand(5, -1))
    assert maps[1 - used][0].grad is None


def test_rows_that_need_no_gradient():
    x, weight = numbers(5, 4).detach(), numbers(3, 4)
    linear_maps(x, [(weight, None)])[0].sum().backward()
    assert_close(weight.grad, x.sum(0).expand(3, -1))


@pytest.mark.parametrize("terms", [(True, True), (True, False), (False, True), (False, False)])
def test_sums(terms):
    out, residual, bias = (
        x if kept else None for x, kept in zip((numbers(5, 3), numbers(5, 3), numbers(3)), (True, *terms), strict=True)
    )
    leaves = [x for x in (out, residual, bias) if x is not None]
    want = sum(leaves[1:], leaves[0])
    found = add_terms(out, residual, bias)
    assert_close(found, want)
    assert_close(*(torch.autograd.grad(each.square().sum(), leaves) for each in (found, want)))


def test_halves_beside_a_bias_of_more_bits():
    out, bias = torch.randn(5, 3).bfloat16().requires_grad_(), torch.randn(3, requires_grad=True)
    found = add_terms(out, None, bias)
    assert found.dtype == torch.float32
    assert_close(found, out + bias)
    gradients = torch.autograd.grad(found.sum(), [out, bias])
    assert [each.dtype for each in gradients] == [torch.bfloat16, torch.float32]


def test_halves_and_a_residual_of_halves_beside_a_bias_of_more_bits():
    out, residual, bias = torch.randn(5, 3).bfloat16(), torch.randn(5, 3).bfloat16(), torch.randn(3)
    found = add_terms(out, residual, bias)
    assert found.dtype == torch.float32
    assert_close(found, (out + residual) + bias)


def test_nothing_to_add_leaves_a_tensor_of_its_own():
    out = numbers(5, 3).sin()
    assert add_terms(out, None, None).data_ptr() != out.data_ptr()
    with torch.no_grad():
        assert add_terms(kept := out.detach(), None, None) is kept


def test_autocast():
    x, weight, bias = torch.randn(5, 4, requires_grad=True), torch.randn(3, 4, requires_grad=True), torch.randn(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (found,) = linear_maps(x, [(weight, bias)])
        assert_close(found, F.linear(x, weight, bias))
    assert found.dtype == torch.bfloat16
    gradients = torch.autograd.grad(found.sum(), [x, weight])
    assert [each.dtype for each in gradients] == [torch.float32] * 2


def test_under_a_transform():
    x, weight = numbers(5, 4).detach(), numbers(3, 4).detach()
    found = torch.func.grad(lambda x: add_terms(linear_maps(x, [(weight, None)])[0], None, weight[:, 0]).sum())(x)
    assert_close(found, weight.sum(0).expand(5, -1))


def test_second_derivatives():
    x, maps, bias = numbers(5, 4), [(numbers(3, 4), numbers(3)), (numbers(3, 4), None)], numbers(3)
    torch.autograd.gradgradcheck(
        lambda x, *weights: add_terms(*linear_maps(x, [(weights[0], bias), (weights[1], None)]), bias).sin(),
        (x, maps[0][0], maps[1][0]),
    )


def test_tensors_without_memory():
    with torch._subclasses.FakeTensorMode():
        x, weight = torch.empty(100_000, 20), torch.empty(20, 20)
        assert add_terms(linear_maps(x, [(weight, None)])[0], None, weight[0]).shape == (100_000, 20)


def test_modules_that_are_no_plain_maps_are_called():
    x, plain, hooked = numbers(5, 4), torch.nn.Linear(4, 3).double(), torch.nn.Linear(4, 2).double()
    want = [plain(x), hooked(x)]
    assert_close([*map_rows(x, plain, hooked)], want)
    seen = []
    hooked.register_forward_hook(lambda *call: seen.append(call))
    assert_close([*map_rows(x, plain, hooked)], want)
    assert len(seen) == 1
