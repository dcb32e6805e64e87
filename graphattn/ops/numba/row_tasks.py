"""Divides the rows of a graph into tasks for threads.

How the work is cut depends on the graph alone, never on the number of threads, so the bits do not either: rows go to
tasks of about equal cost, and a row of very many edges is cut into pieces whose results are put together afterwards.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphattn.graph.memo import PerTensor

LONGEST_ROW = 4096  # edges; a row of more is cut into pieces of at most so many
_SERIAL_BELOW = 1_500_000  # numbers to touch; fewer lie in the cache of one core, and a second would wait for them
_NUMBERS_PER_TASK = 200_000  # some twenty microseconds
_MOST_TASKS = 4096


class Pieces(NamedTuple):
    """Long rows cut up: piece t holds the edges starts[t], …, stops[t] − 1 of row rows[t]."""

    starts: Tensor
    stops: Tensor
    rows: Tensor
    of_row: list[tuple[int, int, int]]  # for each long row, its number and the range of its pieces
    runs: Tensor  # [pieces, 2]: tasks of one piece each
    long_rows: Tensor  # [long rows, 2]: tasks of one long row each


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
    """Cut the rows of a graph into tasks, once for each tensor, its content and each width.

    Args:
        indptr: where each row's edges begin, `[rows + 1]`.
        num_edges: the last of them.
        width: numbers touched for an edge and for a row.
    """
    rows = indptr.shape[0] - 1
    if (rows + num_edges) * width < _SERIAL_BELOW:
        return _one_task(rows)
    return _plans.get(indptr, width, lambda indptr: _plan(indptr, num_edges, width))


_plans: PerTensor[Plan] = PerTensor(keep=64)  # widths, a few for each kind of layer


@lru_cache(maxsize=1024)
def _one_task(rows: int) -> Plan:
    return Plan(torch.from_numpy(np.array([[0, rows]])), None)


def _plan(indptr: Tensor, num_edges: int, width: int) -> Plan:
    rows = indptr.numel() - 1
    cost = (rows + num_edges) * width
    starts = indptr.numpy()
    bounds = balanced_bounds(starts, min(max(2, cost // _NUMBERS_PER_TASK), _MOST_TASKS))
    long_rows = np.flatnonzero(np.diff(starts) > LONGEST_ROW) if num_edges > LONGEST_ROW else np.empty(0, int)
    if long_rows.size == 0:
        return Plan(torch.tensor(list(pairwise(bounds)), device="cpu"), None)
    taken = set(long_rows.tolist())
    bounds = sorted({*bounds, *taken, *(row + 1 for row in taken)})
    runs = [run for run in pairwise(bounds) if run[0] not in taken]
    return Plan(torch.tensor(runs, dtype=torch.int64, device="cpu").view(-1, 2), _cut(starts, long_rows))


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
    return Pieces(firsts, lasts, owners, of_row, _one_by_one(np.arange(len(rows))), _one_by_one(long_rows))


def _one_by_one(rows: np.ndarray) -> Tensor:
    """Tasks of one row each."""
    return torch.from_numpy(np.stack([rows, rows + 1], axis=1).astype(np.int64))
