"""The rows of a graph shared out among threads.

How the work is cut depends on the graph alone, never on the number of threads, so the bits do not either: rows go to
tasks of about equal cost, and a row of very many edges is cut into pieces whose results are put together afterwards.

The kernels release the GIL, so plain Python threads run them side by side. Unlike an OpenMP team these neither
spin beside PyTorch's own nor break after a fork, several callers can share them, and the number in use
follows `torch.get_num_threads()` from call to call.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphattn.ops.numba.problem import Tasks

LONGEST_ROW = 4096  # edges; a row of more is cut into pieces of at most so many
_SERIAL_BELOW = 400_000  # numbers to touch; under this, waking a thread costs more than it saves (about 40 µs)
_NUMBERS_PER_TASK = 200_000  # some twenty microseconds
_MOST_TASKS = 4096

_pool: ThreadPoolExecutor | None = None
_pool_size = 0
_lock = Lock()


class Pieces(NamedTuple):
    """Long rows cut up: piece t holds the edges starts[t], …, stops[t] − 1 of row rows[t]."""

    starts: Tensor
    stops: Tensor
    rows: Tensor
    of_row: list[tuple[int, int, int]]  # for each long row, its number and the range of its pieces


class Plan(NamedTuple):
    """Runs of rows, each a task, and the pieces of the rows that are in none of them, each a task too."""

    runs: Tensor  # [tasks, 2]: the first row of each and the one after its last
    pieces: Pieces | None

    @property
    def num_pieces(self) -> int:
        """How many pieces there are."""
        return 0 if self.pieces is None else self.pieces.rows.numel()

    @property
    def num_tasks(self) -> int:
        """How many tasks there are."""
        return self.runs.shape[0] + self.num_pieces


def plan_rows(indptr: Tensor, num_edges: int, width: int) -> Plan:
    """Cut the rows of a graph into tasks.

    Args:
        indptr: where each row's edges begin, `[rows + 1]`.
        num_edges: the last of them.
        width: numbers touched for an edge and for a row.
    """
    rows = indptr.numel() - 1
    cost = (rows + num_edges) * width
    if cost < _SERIAL_BELOW:
        return Plan(torch.tensor([[0, rows]]), None)
    starts = indptr.numpy()
    bounds = balanced_bounds(starts, min(max(2, cost // _NUMBERS_PER_TASK), _MOST_TASKS))
    long_rows = np.flatnonzero(np.diff(starts) > LONGEST_ROW) if num_edges > LONGEST_ROW else np.empty(0, int)
    if long_rows.size == 0:
        return Plan(torch.tensor(list(pairwise(bounds))), None)
    taken = set(long_rows.tolist())
    bounds = sorted({*bounds, *taken, *(row + 1 for row in taken)})
    runs = [run for run in pairwise(bounds) if run[0] not in taken]
    return Plan(torch.tensor(runs, dtype=torch.int64).view(-1, 2), _cut(starts, long_rows))


def balanced_bounds(starts: np.ndarray, parts: int) -> list[int]:
    """Row numbers that cut a graph into at most `parts` runs of about equal cost, where a row costs its edges + 1."""
    costs = starts + np.arange(starts.size)
    inner = np.searchsorted(costs, costs[-1] * np.arange(1, parts) // parts).tolist()
    return sorted({0, *inner, starts.size - 1})


def _cut(starts: np.ndarray, long_rows: np.ndarray) -> Pieces:
    bounds: list[tuple[int, int]] = []
    of_row: list[tuple[int, int, int]] = []
    for row in long_rows.tolist():
        first, last = int(starts[row]), int(starts[row + 1])
        count = -(-(last - first) // LONGEST_ROW)
        of_row.append((row, len(bounds), len(bounds) + count))
        bounds += pairwise(first + (last - first) * part // count for part in range(count + 1))
    rows = [row for row, first, last in of_row for _ in range(first, last)]
    firsts, lasts, owners = (torch.from_numpy(np.array(x, starts.dtype)) for x in (*zip(*bounds, strict=True), rows))
    return Pieces(firsts, lasts, owners, of_row)


def run_tasks(kernel: Callable[..., None], runs: Tensor, *arguments: Any, first: int = 0) -> None:
    """Call `kernel(tasks, *arguments)` on as many threads as PyTorch is set to use.

    Each call takes tasks from one counter until there are none, without coming back to Python between two.

    Args:
        kernel: a compiled function.
        runs: the rows of each task, as in a plan.
        arguments: the rest of the kernel's arguments.
        first: the number of the first of these tasks, where a pass has others before it.
    """
    count, counter = runs.shape[0], torch.zeros(1, dtype=torch.int64)
    tasks = Tasks(runs.data_ptr(), np.uint64(count), counter.data_ptr(), first)
    others = min(torch.get_num_threads(), count) - 1
    helpers = [_threads(others).submit(kernel, tasks, *arguments) for _ in range(others)]
    try:
        kernel(tasks, *arguments)
    finally:
        for helper in helpers:
            if not helper.cancel():  # it never began: this thread has done its share
                helper.result()


def _threads(count: int) -> ThreadPoolExecutor:
    """The pool shared by all callers, grown to `count` threads where it is smaller."""
    global _pool, _pool_size
    with _lock:
        if _pool is None or _pool_size < count:
            _pool, _pool_size = ThreadPoolExecutor(count, thread_name_prefix="graphattn"), count
        return _pool


def _forget_threads() -> None:
    """In a forked child the parent's threads do not exist; its lock may be held by one of them."""
    global _pool, _pool_size, _lock
    _pool, _pool_size, _lock = None, 0, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
