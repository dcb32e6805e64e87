"""Long rows cut into pieces, many tasks, and the backward pass that keeps no number per edge: the same answers."""

import pytest
import torch
from ops.lowering.cases import EDGE_TERMS, NORMALIZERS, SCORES, Case, pairwise, tensors
from ops.lowering.rounding import assert_as_good_as_plain_torch, assert_far_scores_weigh_like_near_ones

import graphattn as ga

pytest.importorskip("numba")

CHOICES = {
    "score": SCORES,
    "normalize": NORMALIZERS,
    "edges": tuple(EDGE_TERMS),
    "dtype": (torch.float32, torch.float64, torch.bfloat16),
    "heads": ((3, 3), (4, 2)),
    "returns": ("out", "weights", "state"),
    "dropout": (0.0, 0.4),
}
CASES = pairwise(**CHOICES)
# The gradient of a bias is a number for each edge and head, so there they are kept anyway; so are they for features of
# edges, except inside an additive score.
LEAN = pairwise(
    **CHOICES
    | {
        "score": tuple(score for score in SCORES if score != "none"),
        "edges": tuple(edges for edges, terms in EDGE_TERMS.items() if not {"edge_bias", "edge_attr"} & {*terms}),
    }
)


def hub(side):
    """One node with 70 edges, some of them twice; the others have a few, or none."""
    torch.manual_seed(0)
    center, other = torch.full((70,), 3), torch.randint(0, 20, (70,))
    few = torch.randint(0, 20, (2, 30))
    edges = torch.stack([other, center] if side == "destination" else [center, other])
    return ga.Graph(torch.cat([edges[:, :35], few, edges[:, 35:]], dim=1), 23)


@pytest.fixture
def small_tasks(monkeypatch):
    """Rows of more than four edges are cut, and a few numbers make a task."""
    from graphattn.ops.numba import row_tasks

    monkeypatch.setattr(row_tasks, "LONGEST_ROW", 4)
    monkeypatch.setattr(row_tasks, "_SERIAL_BELOW", 0)
    monkeypatch.setattr(row_tasks, "_NUMBERS_PER_TASK", 200)
    indptr = hub("destination").csr.indptr
    plan = row_tasks.plan_rows(indptr, int(indptr[-1]), 8)
    assert len(plan.runs) > 2
    assert plan.pieces.rows.numel() > 10


@pytest.fixture
def recomputes(monkeypatch):
    """No memory for a number per edge and head, and no pass that reads them."""
    from graphattn.ops.numba import attend_backward

    monkeypatch.setattr(attend_backward, "RECOMPUTE_ABOVE", 0)
    monkeypatch.delattr(attend_backward.kernels, "backward_destination")


@pytest.mark.parametrize("side", ["destination", "source"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_cut_rows(case, side, small_tasks):
    assert_as_good_as_plain_torch(case, hub(side), tensors(case, hub(side)))


@pytest.mark.parametrize("case", LEAN, ids=str)
def test_backward_pass_that_recomputes_scores(case, recomputes):
    assert_as_good_as_plain_torch(case, hub("destination"), tensors(case, hub("destination")))


@pytest.mark.parametrize("case", LEAN[::3], ids=str)
def test_backward_pass_that_recomputes_scores_over_cut_rows(case, recomputes, small_tasks):
    for side in ("destination", "source"):
        assert_as_good_as_plain_torch(case, hub(side), tensors(case, hub(side)))


@pytest.mark.parametrize("score", [score for score in SCORES if score.startswith("additive")])
def test_backward_pass_that_recomputes_scores_with_features_inside_the_score(score, recomputes):
    case = Case(score, edges="low rank for keys")
    given = tensors(case, hub("destination"))
    del given["edge_bias"]
    assert_as_good_as_plain_torch(case, hub("destination"), given)


@pytest.mark.parametrize("name", sorted(ga.testing.zoo()))
def test_the_zoo_in_small_tasks(name, small_tasks):
    graph = ga.testing.zoo()[name]
    for case in (Case(edges="everything", heads=(4, 2)), Case("sum", "relu", "value"), Case("additive tanh")):
        assert_as_good_as_plain_torch(case, graph, tensors(case, graph))


@pytest.mark.parametrize("side", ["destination", "source"])
@pytest.mark.parametrize("score", SCORES)
def test_a_row_of_many_edges(score, side):
    """As the limits are."""
    torch.manual_seed(0)
    center, other = torch.full((10_000,), 3), torch.randint(0, 300, (10_000,))
    graph = ga.Graph(torch.stack([other, center] if side == "destination" else [center, other]), 300)
    case = Case(score, edges="bias", widths=(16, 16, 2), heads=(2, 2), returns="state")
    assert_as_good_as_plain_torch(case, graph, tensors(case, graph))


@pytest.mark.parametrize("score", SCORES)
def test_hidden_pieces_of_a_cut_row(score, small_tasks):
    case = Case(score, edges="bias", returns="state")
    graph = hub("destination")
    given = tensors(case, graph)
    (into_hub,) = torch.nonzero(graph.edge_index[1] == 3, as_tuple=True)
    given["edge_bias"][into_hub[:40]] = -torch.inf
    assert_as_good_as_plain_torch(case, graph, given)
    given["edge_bias"][into_hub] = -torch.inf
    assert_as_good_as_plain_torch(case, graph, given)


@pytest.mark.parametrize("top", [-1e4, 1e4])
def test_weights_among_scores_far_from_zero_in_a_cut_row(top, small_tasks):
    assert_far_scores_weigh_like_near_ones(hub("destination"), top)
