"""Rows in bins by degree, and long rows cut into pieces: the same answers, the same bits."""

import itertools

import pytest
import torch
from ops.lowering.cases import EDGE_TERMS, NORMALIZERS, SCORES, Case, pairwise, run, same_bits, tensors
from ops.lowering.rounding import assert_as_good_as_plain_torch, assert_far_scores_weigh_like_near_ones

import graphattn as ga

CASES = pairwise(
    score=SCORES,
    normalize=NORMALIZERS,
    edges=("nothing", "bias", "low rank", "key and value"),
    dtype=(torch.float32, torch.bfloat16),
    heads=((3, 3), (4, 2)),
    returns=("out", "weights", "state"),
    dropout=(0.0, 0.4),
)
SIDES = itertools.cycle(("destination", "source"))


def hub(side):
    """One node with 23 edges, some of them twice; the others have a few, or none."""
    torch.manual_seed(0)
    center, other = torch.full((23,), 3), torch.randint(0, 7, (23,))
    few = torch.randint(0, 7, (2, 13))
    edges = torch.stack([other, center] if side == "destination" else [center, other])
    return ga.Graph(torch.cat([edges[:, :11], few, edges[:, 11:]], dim=1), 9)


@pytest.mark.parametrize(("case", "side"), list(zip(CASES, SIDES, strict=False)), ids=str)
def test_cut_rows(case, side, small_bins):
    from graphattn.ops.triton.plan import plan_of

    graph = hub(side)
    assert_as_good_as_plain_torch(case, graph, tensors(case, graph))
    plan = plan_of((graph.csr if side == "destination" else graph.csc).indptr)
    assert plan.pieces.size >= 6


LEAN = [
    case
    for case in pairwise(
        score=tuple(score for score in SCORES if score != "none"),
        normalize=NORMALIZERS,
        edges=("nothing", "key", "value", "low rank"),
        heads=((3, 3), (4, 2)),
        returns=("out", "weights", "state"),
        dropout=(0.0, 0.4),
    )
    if not (case.score.startswith("additive") and case.edges == "low rank")  # whose own pass needs those numbers
]


@pytest.mark.parametrize(("case", "side"), list(zip(LEAN, SIDES, strict=False)), ids=str)
def test_backward_pass_that_recomputes_scores(case, side, small_bins, monkeypatch):
    """No memory for a number per edge and head, and no pass that reads them."""
    from graphattn.ops.triton import gradient

    monkeypatch.setattr(gradient, "RECOMPUTE_ABOVE", 0)
    monkeypatch.delattr(gradient, "attend_bwd_destination_kernel")
    assert_as_good_as_plain_torch(case, hub(side), tensors(case, hub(side)))


@pytest.mark.parametrize("score", SCORES)
def test_hidden_pieces_of_a_cut_row(score, small_bins):
    case, graph = Case(score, edges="bias", returns="state"), hub("destination")
    given = tensors(case, graph)
    (into_hub,) = torch.nonzero(graph.edge_index[1] == 3, as_tuple=True)
    for hidden in (into_hub[:15], into_hub):
        given["edge_bias"][hidden] = -torch.inf
        assert_as_good_as_plain_torch(case, graph, given)


@pytest.mark.parametrize("top", [-1e4, 1e4])
def test_weights_among_scores_far_from_zero_in_a_cut_row(top, small_bins):
    assert_far_scores_weigh_like_near_ones(hub("destination"), top)


@pytest.mark.parametrize("case", pairwise(score=SCORES, edges=tuple(EDGE_TERMS), dropout=(0.0, 0.4))[::3], ids=str)
def test_the_same_bits_each_time(case, small_bins):
    found = []
    for _ in range(2):
        graph = hub("destination")  # whose plan is made anew
        found.append(run(case, graph, tensors(case, graph), "triton"))
    assert same_bits(*found)


@pytest.mark.parametrize("heads", [(8, 8), (8, 2)])
def test_heads_shared_out_among_programs(heads, monkeypatch):
    """As where all of them would not fit into the registers of one."""
    from graphattn.ops.triton import tile_table

    table = tile_table.ARCHITECTURES["sm_80"]
    table = table._replace(warps=1, numbers=dict.fromkeys(table.numbers, 1))
    monkeypatch.setitem(tile_table.ARCHITECTURES, "sm_80", table)
    assert tile_table.tile_for("sm_80", 4, *heads, 16, "forward", 4).key_heads < heads[1]
    for case in (
        Case("additive tanh", edges="bias", heads=heads),
        Case("dot", edges="everything", heads=heads, returns="weights"),
    ):
        graph = ga.testing.zoo()["duplicate_edges"]
        assert_as_good_as_plain_torch(case, graph, tensors(case, graph))
