import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from graphattn.ops.numba import parallel
from graphattn.ops.numba.jit import kernel
from graphattn.ops.numba.parallel import balanced_bounds, plan_rows, run_tasks
from graphattn.ops.numba.vector import at, next_task


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
    monkeypatch.setattr(parallel, "LONGEST_ROW", 10)


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


@kernel
def count_rows(tasks, seen):
    bounds, counter = at(tasks.bounds, np.uint64(0)), at(tasks.counter, np.uint64(0))
    task = next_task(counter)
    while task < tasks.count:
        for row in range(bounds[np.uint64(2) * task], bounds[np.uint64(2) * task + np.uint64(1)]):
            seen[row] += tasks.first + 1
        task = next_task(counter)


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("degrees", [[], [2], [3] * 1001])
def test_every_row_is_in_one_task(threads, degrees):
    seen = np.zeros(len(degrees), int)
    for _ in range(20):
        run_tasks(count_rows, planned(degrees).runs, seen)
    assert (seen == 20).all()


def test_the_kernel_knows_the_tasks_before(threads):
    seen = np.zeros(4, int)
    run_tasks(count_rows, planned([3] * 4).runs, seen, first=6)
    assert (seen == 7).all()


def test_an_error_in_any_thread_reaches_the_caller(threads):
    def fail(tasks):
        raise ArithmeticError(f"{tasks.count} tasks")

    with pytest.raises(ArithmeticError, match="tasks"):
        run_tasks(fail, planned([3] * 1001).runs)
