"""The dense layers: PyG's numbers for GAT, the sparse layer's for GATv2."""

import pytest
import torch
from torch.testing import assert_close

import graphattn as ga

theirs = pytest.importorskip("torch_geometric.nn")
B, N, F, C, H = 3, 7, 5, 4, 2


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def batch(shared=False):
    torch.manual_seed(0)
    adj = (torch.rand(1 if shared else B, N, N) < 0.4) * torch.rand(1 if shared else B, N, N)
    return numbers(B, N, F), adj.double(), torch.rand(B, N) < 0.7


@pytest.mark.parametrize("concat", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_pygs_numbers(concat, bias, shared):
    x, adj, mask = batch(shared)
    torch.manual_seed(1)
    mine = ga.nn.DenseGATConv(F, C, H, concat, negative_slope=0.1, bias=bias).double()
    torch.manual_seed(1)
    pygs = theirs.DenseGATConv(F, C, H, concat, negative_slope=0.1, bias=bias).double()
    assert mine.state_dict().keys() == pygs.state_dict().keys() and repr(mine) == repr(pygs)
    for name, value in pygs.state_dict().items():
        assert torch.equal(mine.state_dict()[name], value)
    leaf, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    got, want = mine(leaf, adj, mask), pygs(other, adj, mask)
    assert_close(got, want)
    weights = torch.randn_like(want)
    (got * weights).sum().backward()
    (want * weights).sum().backward()
    assert_close(leaf.grad, other.grad)
    for (name, parameter), twin in zip(mine.named_parameters(), pygs.parameters(), strict=True):
        assert_close(parameter.grad, twin.grad, msg=name)
    assert_close(mine(x[0], adj[0]), pygs(x[0], adj[0]))


def test_without_loops():
    x, adj, _ = batch()
    adj[:, :, 0] = 1  # nobody sees nobody
    mine, pygs = ga.nn.DenseGATConv(F, C, H).double(), theirs.DenseGATConv(F, C, H).double()
    mine.load_state_dict(pygs.state_dict())
    assert_close(mine(x, adj, add_loop=False), pygs(x, adj, add_loop=False))
    adj[0, 3] = 0
    assert_close(mine(x, adj, add_loop=False)[0, 3], mine.bias)


@pytest.mark.parametrize("concat", [True, False])
@pytest.mark.parametrize("share_weights", [True, False])
@pytest.mark.parametrize("add_loop", [True, False])
def test_gatv2_is_the_sparse_layer(concat, share_weights, add_loop):
    x, adj, mask = batch()
    dense = ga.nn.DenseGATv2Conv(F, C, H, concat, share_weights=share_weights).double()
    sparse = theirs.GATv2Conv(F, C, H, concat, share_weights=share_weights, add_self_loops=add_loop).double()
    state = {name: value[0, 0].unsqueeze(0) if name == "att" else value for name, value in dense.state_dict().items()}
    sparse.load_state_dict(state)
    out = dense(x, adj, mask, add_loop)
    for i in range(B):
        row, column = adj[i].nonzero().unbind(1)
        assert_close(out[i], sparse(x[i], torch.stack([column, row])) * mask[i].unsqueeze(1))


def test_waiting_for_the_width():
    x, adj, _ = batch()
    assert ga.nn.DenseGATConv(-1, C, H).double()(x, adj).shape == (B, N, H * C)
    assert ga.nn.DenseGATv2Conv(-1, C, H).double()(x, adj).shape == (B, N, H * C)


@pytest.mark.parametrize("kind", ["DenseGATConv", "DenseGATv2Conv"])
def test_shapes_that_disagree(kind):
    layer = getattr(ga.nn, kind)(F, C).double()
    with pytest.raises(ValueError, match=r"adj must have shape \[3, 7, 7\]"):
        layer(numbers(B, N, F), numbers(2, N, N))
    with pytest.raises(ValueError, match="x must have shape"):
        layer(numbers(F), numbers(N, N))
