"""Huge scores, hidden edges, NaN, 64-bit indices, strided tensors, and memory that holds NaN before it is written."""

import math

import pytest
import torch
from ops.lowering.cases import EDGE_TERMS, NORMALIZERS, SCORES, Case, attend, pairwise, run, same_bits, tensors, with_
from ops.lowering.rounding import assert_as_good_as_plain_torch, assert_far_scores_weigh_like_near_ones

import graphattn as ga

VARIANTS = pairwise(score=SCORES, normalize=NORMALIZERS, edges=("bias", "value"))
ZOO = ga.testing.zoo()


@pytest.mark.parametrize("case", VARIANTS, ids=str)
def test_huge_scores(case):
    case = with_(case, scale=1e4)
    given = tensors(case, ZOO["duplicate_edges"])
    if "edge_bias" in given and case.score != "sum":
        given["edge_bias"] = (given["edge_bias"] * 1e4).float().double()
    assert_as_good_as_plain_torch(case, ZOO["duplicate_edges"], given)


@pytest.mark.parametrize("top", [-1e4, 1e4])
def test_weights_among_scores_far_from_zero(top):
    assert_far_scores_weigh_like_near_ones(ZOO["hub"], top)


@pytest.mark.parametrize("case", [case for case in VARIANTS if case.normalize != "identity"], ids=str)
def test_hidden_edges_and_hidden_rows(case):
    graph = ga.Graph(torch.tensor([[0, 1, 1, 2], [0, 0, 1, 1]]), num_nodes=3)
    case = with_(case, edges="bias", returns="weights", dtype=torch.float64)
    given = tensors(case, graph)
    given["edge_bias"][1:] = -math.inf
    fused, plain = (run(case, graph, given, backend) for backend in ("triton", "reference"))
    for name, want in plain.items():
        assert not want.isnan().any()
        torch.testing.assert_close(fused[name], want, msg=lambda text, name=name: f"{name}: {text}")
    assert not fused["out"][1:].any()
    assert not fused["weights"][1:].any()


@pytest.mark.parametrize("score", SCORES)
def test_lse_of_hidden_rows(score):
    graph = ga.Graph(torch.tensor([[0, 1, 1], [0, 0, 1]]), num_nodes=3)
    case = Case(score, edges="bias", returns="state", dtype=torch.float64)
    given = tensors(case, graph)
    given["edge_bias"][1:] = -math.inf
    fused, plain = (run(case, graph, given, backend) for backend in ("triton", "reference"))
    assert fused["lse"][1:].eq(-math.inf).all()
    for name, want in plain.items():
        torch.testing.assert_close(fused[name], want, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("where", ["v", "k", "edge_bias"])
@pytest.mark.parametrize("score", ["dot", "sum", "additive leaky_relu"])
def test_nan_stays_in_its_row(score, where):
    graph = ga.Graph(torch.tensor([[0, 1, 2, 2], [0, 0, 1, 2]]), num_nodes=4)
    case = Case(score, edges="bias")
    given = tensors(case, graph)
    given[where][1] = math.nan  # source 1, or the edge from it
    found = run(case, graph, given, "triton")
    assert found["out"][0].isnan().all()
    assert not found["out"][1:].isnan().any()
    for name, first in (("v", 2), ("edge_bias", 2), ("q", 1), ("k", 2)):
        assert not found[f"grad of {name}"][first:].isnan().any(), name


@pytest.mark.parametrize("name", ["isolated_nodes", "more_sources", "no_edges", "empty", "no_sources"])
def test_every_number_is_written(name, new_memory_is_nan, small_bins):
    for case in pairwise(
        score=SCORES, normalize=NORMALIZERS, edges=("nothing", "everything"), returns=("out", "weights")
    )[::3]:
        found = run(case, ZOO[name], tensors(case, ZOO[name]), "triton")
        for result, tensor in found.items():
            assert not tensor.isnan().any(), f"{result} of {case}"


def test_only_the_gradients_asked_for():
    case, graph = Case(edges="everything", returns="weights"), ZOO["duplicate_edges"]
    given = {name: tensor.float() for name, tensor in tensors(case, graph).items()}
    every = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
    out, weights = attend(case, graph, every, "triton")
    (out.sum() + weights.square().sum()).backward()
    for name in given:
        leaves = given | {name: given[name].clone().requires_grad_()}
        out, weights = attend(case, graph, leaves, "triton")
        (grad,) = torch.autograd.grad(out.sum() + weights.square().sum(), leaves[name])
        assert torch.equal(grad, every[name].grad), name


def test_indices_of_64_bits(monkeypatch):
    """Which a graph has where a size is too large for 32 bits."""
    from graphattn.graph import graph as module

    case = Case(edges=tuple(EDGE_TERMS)[-1], heads=(4, 2), dropout=0.4)
    edge_index = ZOO["duplicate_edges"].edge_index
    narrow = ga.Graph(edge_index, 3)
    given = tensors(case, narrow)
    found = [run(case, narrow, given, "triton")]
    monkeypatch.setattr(module, "index_dtype", lambda *sizes: torch.int64)
    wide = ga.Graph(edge_index, 3)
    found.append(run(case, wide, given, "triton"))
    assert wide.csr.indptr.dtype == wide.csc.indices.dtype == torch.int64
    assert same_bits(*found)


def test_strided_tensors():
    graph = ZOO["unsorted"]
    q, k, v = (torch.randn(5, 13, 3, generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    found = []
    for change in (lambda x: x, lambda x: x.contiguous()):
        leaves = [x.clone().requires_grad_() for x in (q, k, v)]
        out = ga.attention(*(change(leaf.permute(1, 2, 0)) for leaf in leaves), graph, backend="triton")
        out.square().sum().backward()
        found.append({"out": out.detach(), **{str(at): leaf.grad for at, leaf in enumerate(leaves)}})
    assert same_bits(*found)


def test_keys_that_are_the_values():
    """As in GATv2: a row is read once for both."""
    graph, score = ZOO["unsorted"], ga.scores.Additive(torch.randn(3, 5, generator=torch.Generator().manual_seed(1)))
    x = torch.randn(13, 3, 5, generator=torch.Generator().manual_seed(0))
    found = []
    for copy in (lambda x: x, torch.clone):
        leaf = x.clone().requires_grad_()
        out = ga.attention(leaf, leaf, copy(leaf), graph, score=score, backend="triton")
        out.square().sum().backward()
        found.append({"out": out.detach(), "x": leaf.grad})
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)
    assert torch.equal(found[0]["out"], found[1]["out"])
