import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from graphattn.ops.numba.parallel import balanced_bounds, run_rows


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
    assert bounds == sorted(set(bounds)) or len(degrees) == 0
    assert len(bounds) <= parts + 1


@pytest.mark.parametrize("width", [1, 10**6])
def test_every_row_runs_once(width):
    seen = np.zeros(101, int)

    def kernel(start, stop, counts):
        counts[start:stop] += 1

    run_rows(kernel, indptr_of([2] * 101), width, seen)
    assert (seen == 1).all()


def test_an_error_in_any_thread_reaches_the_caller():
    def kernel(start, stop):
        raise ArithmeticError(f"rows {start} to {stop}")

    with pytest.raises(ArithmeticError, match="rows"):
        run_rows(kernel, indptr_of([2] * 101), 10**6)


def test_one_torch_thread_means_one_call():
    calls = []
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run_rows(lambda start, stop: calls.append((start, stop)), indptr_of([2] * 101), 10**6)
    finally:
        torch.set_num_threads(before)
    assert calls == [(0, 101)]
