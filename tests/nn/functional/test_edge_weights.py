"""The two halves of attention give what the whole gives."""

import pytest
import torch

import graphattn as ga
from graphattn.ops.normalizers import NORMALIZERS

GRAPH = ga.Graph(torch.tensor([[3, 0, 1, 4, 1, 2], [0, 0, 2, 2, 2, 3]]), num_dst=4, num_src=5)


@pytest.mark.parametrize("normalize", NORMALIZERS)
def test_halves_make_the_whole(normalize):
    torch.manual_seed(0)
    q, k, v = torch.rand(4, 2, 3), torch.rand(5, 2, 3), torch.randn(5, 2, 7)
    out, weights = ga.attention(q, k, v, GRAPH, normalize=normalize, return_weights=True)
    src, dst = GRAPH.edge_index
    scores = (q[dst] * k[src]).sum(-1) * 3**-0.5
    torch.testing.assert_close(ga.nn.functional.normalize_edges(scores, GRAPH, normalize), weights)
    torch.testing.assert_close(ga.nn.functional.weighted_sum(weights, v, GRAPH), out)


@pytest.mark.parametrize(("name", "theirs"), [("sparsemax", "sparsemax"), ("entmax15", "entmax15")])
def test_against_the_package_entmax(name, theirs):
    entmax = pytest.importorskip("entmax")
    torch.manual_seed(1)
    scores = torch.randn(6, 11, dtype=torch.float64, requires_grad=True)
    grad = torch.randn(6, 11, dtype=torch.float64)
    ours = ga.nn.functional.normalize_edges(scores.view(-1, 1), ga.bipartite(6, 11), name).view(6, 11)
    expected = getattr(entmax, theirs)(scores, dim=1)
    torch.testing.assert_close(ours, expected)
    (ours_grad,), (their_grad,) = (torch.autograd.grad(x, scores, grad) for x in (ours, expected))
    torch.testing.assert_close(ours_grad, their_grad)


def test_temperature_is_the_scale():
    torch.manual_seed(2)
    q, k = torch.randn(2, 1, 4), torch.randn(3, 1, 4)
    _, weights = ga.attention(q, k, k, ga.bipartite(2, 3), scale=1 / 0.3, return_weights=True)
    expected = (torch.einsum("mhd,nhd->mn", q, k) / 0.3).softmax(dim=1)
    torch.testing.assert_close(weights.view(2, 3), expected)


def test_gradient_of_the_sum():
    weights = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    values = torch.randn(5, 1, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w, v: ga.nn.functional.weighted_sum(w, v, GRAPH), (weights, values))
