"""Huge scores, hidden edges, NaN, and memory that holds NaN before it is written."""

import math

import pytest
import torch
from ops.lowering.cases import (
    EDGE_TERMS,
    FUSED,
    NORMALIZERS,
    SCORES,
    Case,
    attend,
    pairwise,
    run,
    same_bits,
    tensors,
    with_,
)
from ops.lowering.rounding import assert_as_good_as_plain_torch, assert_far_scores_weigh_like_near_ones

import graphattn as ga

pytest.importorskip("numba")

VARIANTS = pairwise(score=SCORES, normalize=NORMALIZERS, edges=("bias", "value"))
ZOO = ga.testing.zoo()


@pytest.mark.parametrize("case", VARIANTS, ids=str)
@pytest.mark.parametrize("name", ["hub", "duplicate_edges"])
def test_huge_scores(case, name):
    case = with_(case, scale=1e4)
    given = tensors(case, ZOO[name])
    if "edge_bias" in given and case.score != "sum":
        given["edge_bias"] = (given["edge_bias"] * 1e4).float().double()
    assert_as_good_as_plain_torch(case, ZOO[name], given)


@pytest.mark.parametrize("top", [-1e4, 1e4])
def test_weights_among_scores_far_from_zero(top):
    assert_far_scores_weigh_like_near_ones(ZOO["hub"], top)


@pytest.mark.parametrize("case", [case for case in VARIANTS if case.normalize != "identity"], ids=str)
def test_hidden_edges_and_hidden_rows(case):
    graph = ga.Graph(torch.tensor([[0, 1, 1, 2], [0, 0, 1, 1]]), num_nodes=3)
    case = with_(case, edges="bias", returns="weights", dtype=torch.float64)
    given = tensors(case, graph)
    given["edge_bias"][1:] = -math.inf
    fused, plain = (run(case, graph, given, backend) for backend in (FUSED, "reference"))
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
    fused, plain = (run(case, graph, given, backend) for backend in (FUSED, "reference"))
    assert fused["lse"][1:].eq(-math.inf).all()
    for name, want in plain.items():
        torch.testing.assert_close(fused[name], want, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize(
    ("case", "where"),
    [(case, where) for case in VARIANTS for where in ("v", "k", "edge_bias") if (case.score, where) != ("none", "k")],
    ids=str,
)
def test_nan_stays_in_its_row(case, where):
    graph = ga.Graph(torch.tensor([[0, 1, 2, 2], [0, 0, 1, 2]]), num_nodes=4)
    case = with_(case, edges="bias")
    given = tensors(case, graph)
    given[where][1] = math.nan  # source 1, or the edge from it
    found = run(case, graph, given, FUSED)
    assert found["out"][0].isnan().all()
    assert not found["out"][1:].isnan().any()
    assert not found["grad of v"][2:].isnan().any()
    assert not found["grad of edge_bias"][2:].isnan().any()
    for name in {"grad of q", "grad of k"} & {*found}:
        assert not found[name][2 if name.endswith("k") else 1 :].isnan().any(), name


@pytest.mark.parametrize(
    "case",
    pairwise(
        score=SCORES,
        normalize=NORMALIZERS,
        edges=tuple(EDGE_TERMS),
        returns=("out", "weights", "state"),
        dropout=(0.0, 0.4),
        heads=((3, 3), (4, 2)),
    ),
    ids=str,
)
def test_every_number_is_written(case, new_memory_is_nan):
    for name in ("hub", "isolated_nodes", "more_sources", "no_edges", "empty", "no_sources"):
        given = tensors(case, ZOO[name])
        found = run(case, ZOO[name], given, FUSED)
        for result, tensor in found.items():
            assert not tensor.isnan().any(), f"{result} on {name}"
        torch.utils.deterministic.fill_uninitialized_memory = False
        assert same_bits(found, run(case, ZOO[name], given, FUSED))
        torch.utils.deterministic.fill_uninitialized_memory = True


def test_only_the_gradients_asked_for_in_new_memory(new_memory_is_nan):
    case = Case(edges="everything", returns="weights")
    given = {name: tensor.float() for name, tensor in tensors(case, ZOO["isolated_nodes"]).items()}
    for name in given:
        leaves = given | {name: given[name].clone().requires_grad_()}
        out, weights = attend(case, ZOO["isolated_nodes"], leaves, FUSED)
        (grad,) = torch.autograd.grad(out.sum() + weights.square().sum(), leaves[name])
        assert not grad.isnan().any(), name
