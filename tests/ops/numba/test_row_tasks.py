import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from graphattn.ops.numba import row_tasks
from graphattn.ops.numba.row_tasks import balanced_bounds, plan_rows


def indptr_of(degrees):
    return np.concatenate([[0], np.cumsum(degrees)]).astype(np.int32)


def test_bounds_cut_by_edges_not_by_rows():
    assert balanced_bounds(indptr_of([0, 0, 0, 0, 96, 0, 0, 0]), 2) == [0, 5, 8]
    assert balanced_bounds(indptr_of([3] * 8), 4) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("degrees", [[], [0], [5], [0] * 7, [1000, 0, 1], list(range(50))])
@pytest.mark.parametrize("parts", [1, 3, 8])
def test_bounds_cover_each_row_once(degrees, parts):
    bounds = balanced_bounds(indptr_of(degrees), parts)
    assert bounds[0] == 0
    assert bounds[-1] == len(degrees)
    assert bounds == sorted(set(bounds))
    assert len(bounds) <= parts + 1


@pytest.fixture
def short_rows(monkeypatch):
    """Rows of more than ten edges are long."""
    monkeypatch.setattr(row_tasks, "LONGEST_ROW", 10)


def planned(degrees, width=10**6):
    return plan_rows(torch.from_numpy(indptr_of(degrees)), sum(degrees), width)


def test_little_work_is_one_task():
    plan = planned([2] * 101, width=1)
    assert plan.runs.tolist() == [[0, 101]]
    assert plan.pieces is None


@pytest.mark.parametrize("degrees", [[3] * 40, [0, 25, 3, 0, 11, 12, 0], [25], [10, 11], [200] * 3])
def test_every_edge_is_in_one_task(short_rows, degrees):
    indptr, plan = indptr_of(degrees), planned(degrees)
    edges = [range(indptr[start], indptr[stop]) for start, stop in plan.runs.tolist()]
    if plan.pieces is not None:
        edges += [range(a, b) for a, b in zip(plan.pieces.starts.tolist(), plan.pieces.stops.tolist(), strict=True)]
    assert sorted(edge for some in edges for edge in some) == list(range(sum(degrees)))
    assert plan.num_tasks == len(edges)


def test_long_rows_are_cut_evenly(short_rows):
    pieces = planned([0, 25, 3, 11]).pieces
    assert pieces.runs.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]]
    assert pieces.long_rows.tolist() == [[1, 2], [3, 4]]
    assert (pieces.stops - pieces.starts).tolist() == [8, 8, 9, 5, 6]
    assert pieces.rows.tolist() == [1, 1, 1, 3, 3]
    assert pieces.of_row == [(1, 0, 3), (3, 3, 5)]


def test_rows_that_are_cut_are_in_no_run(short_rows):
    assert all(row not in range(*run) for run in planned([3, 25, 3, 3, 40, 41, 2]).runs.tolist() for row in (1, 4, 5))


def test_the_plan_does_not_depend_on_the_number_of_threads(short_rows):
    before = torch.get_num_threads()
    try:
        plans = []
        for threads in (1, 2, 7):
            torch.set_num_threads(threads)
            plans.append(planned([3] * 1000).runs.tolist())
    finally:
        torch.set_num_threads(before)
    assert plans[0] == plans[1] == plans[2]


def test_planned_once_for_a_tensor_and_a_width():
    indptr = torch.from_numpy(indptr_of([3] * 1000))
    first = plan_rows(indptr, 3000, 10**4)
    assert plan_rows(indptr, 3000, 10**4) is first
    assert plan_rows(indptr, 3000, 10**6) is not first
    assert plan_rows(indptr.clone(), 3000, 10**4) is not first


def test_planned_anew_when_the_tensor_was_written_into():
    indptr = torch.from_numpy(indptr_of([1000, 0, 0, 0, 0, 1000]))
    before = plan_rows(indptr, 2000, 10**3).runs.tolist()
    indptr.copy_(torch.from_numpy(indptr_of([0, 0, 1000, 1000, 0, 0])))
    assert plan_rows(indptr, 2000, 10**3).runs.tolist() != before


def test_planned_for_inference_tensors_too():
    with torch.inference_mode():
        indptr = torch.tensor([0, 2, 3])
    assert plan_rows(indptr, 3, 1).runs.tolist() == [[0, 2]]
