"""Steps shared out among threads: every task once, in order of steps, with errors handed on."""

import threading
import time

import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from numba import types

from graphattn.ops.numba.edges import finish, next_rows
from graphattn.ops.numba.jit import kernel
from graphattn.ops.numba.kernel_arguments import TASKS, pack_tasks
from graphattn.ops.numba.row_tasks import plan_rows
from graphattn.ops.numba.threads import Step, run_steps


@kernel
def count_rows(tasks, seen):
    task, row, last = next_rows(tasks)
    while task < tasks.count:
        for r in range(row, last):
            seen[r] += tasks.first + 1
        finish(tasks)
        task, row, last = next_rows(tasks)


@kernel
def take_in_order(tasks, order):
    taken = 0
    task, _row, _last = next_rows(tasks)
    while task < tasks.count:
        order[taken] = task
        taken += 1
        finish(tasks)
        task, _row, _last = next_rows(tasks)


@kernel
def double_the_next(tasks, seen):
    """What a row becomes depends on its neighbor, which another thread may have counted."""
    task, row, last = next_rows(tasks)
    while task < tasks.count:
        for r in range(row, last):
            seen[1, r] = 2 * seen[0, (r + 1) % seen.shape[1]]
        finish(tasks)
        task, row, last = next_rows(tasks)


ROW, ROWS = types.int64[::1], types.int64[:, ::1]


@pytest.fixture(params=[1, 2, 5])
def number(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def runs_of(degrees):
    indptr = torch.from_numpy(np.concatenate([[0], np.cumsum(degrees)]).astype(np.int32))
    return plan_rows(indptr, sum(degrees), 10**6).runs


@pytest.mark.parametrize("degrees", [[], [2], [3] * 1001])
def test_every_row_is_in_one_task(number, degrees):
    seen = np.zeros(len(degrees), int)
    for _ in range(20):
        run_steps(Step(count_rows.of(TASKS, ROW), runs_of(degrees), (seen,)))
    assert (seen == 20).all()


@pytest.mark.parametrize("shares", [1, 2, 3, 5, 7])
def test_a_thread_begins_with_its_share_and_then_takes_from_the_others(shares):
    count, counters = 5, torch.zeros(8 * (shares + 1), dtype=torch.int64)
    bounds = torch.tensor([[row, row + 1] for row in range(count)])
    for share in range(shares):
        counters.zero_()
        places = bounds.data_ptr(), count, counters.data_ptr(), counters.data_ptr() + 64 * shares
        order = np.full(count, -1)
        take_in_order.of(TASKS, ROW)(pack_tasks(*places, 0, share, shares), order)
        assert sorted(order) == list(range(count))
        first = share * count // shares
        assert first == (share + 1) * count // shares or order[0] == first
        assert counters[8 * shares] == count


def test_the_kernel_knows_the_tasks_before(number):
    seen = np.zeros(4, int)
    run_steps(Step(count_rows.of(TASKS, ROW), runs_of([3] * 4), (seen,), first=6))
    assert (seen == 7).all()


def test_a_step_begins_when_the_one_before_is_finished(number):
    runs = runs_of([3] * 5003)
    for _ in range(100):
        seen = np.zeros((2, 5003), int)
        run_steps(
            Step(count_rows.of(TASKS, ROW), runs, (seen[0],)), Step(double_the_next.of(TASKS, ROWS), runs, (seen,))
        )
        assert (seen == [[1], [2]]).all()


def test_nothing_to_do(number):
    run_steps()
    run_steps(Step(count_rows.of(TASKS, ROW), torch.empty(0, 2, dtype=torch.int64), (np.zeros(0, int),)))


def test_an_error_in_any_thread_reaches_the_caller(number):
    def fail(tasks):
        raise ArithmeticError(f"{tasks.count} tasks")

    with pytest.raises(ArithmeticError, match="tasks"):
        run_steps(Step(fail, runs_of([3] * 1001), ()))


def test_an_error_in_a_helper_alone_reaches_the_caller():
    """The helper takes a task and fails, so that its step is never finished."""
    caller, before = threading.get_ident(), torch.get_num_threads()
    taken = threading.Event()

    def fail_elsewhere(tasks):
        if threading.get_ident() == caller:
            assert taken.wait(30)
        else:
            taken.set()
            raise ArithmeticError("a helper")

    torch.set_num_threads(2)
    try:
        with pytest.raises(ArithmeticError, match="a helper"):
            run_steps(Step(fail_elsewhere, runs_of([3] * 1001), ()))
    finally:
        torch.set_num_threads(before)


def test_an_error_of_the_caller_waits_for_the_helpers():
    """They may be writing into what the caller is about to lose."""
    caller, before = threading.get_ident(), torch.get_num_threads()
    begun, ended = threading.Event(), []

    def slow_elsewhere(tasks):
        if threading.get_ident() == caller:
            assert begun.wait(30)
            raise KeyboardInterrupt
        begun.set()
        time.sleep(0.2)
        ended.append(True)

    torch.set_num_threads(2)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_steps(Step(slow_elsewhere, runs_of([3] * 1001), ()))
        assert ended == [True]
    finally:
        torch.set_num_threads(before)


def test_a_late_helper_touches_nothing():
    """The caller has done all and gone on before another thread comes to it."""
    seen = np.zeros(1001, int)
    runs = runs_of([3] * 1001)
    run_steps(Step(count_rows.of(TASKS, ROW), runs, (seen,)))
    counters = torch.full((16,), len(runs))
    tasks = pack_tasks(0, len(runs), counters.data_ptr(), counters.data_ptr() + 64, 0, 0, 1)
    count_rows.of(TASKS, ROW)(tasks, seen)
    assert (seen == 1).all()
