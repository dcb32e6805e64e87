"""Rows of a graph shared out among threads.

The kernels release the GIL, so plain Python threads run them side by side. Unlike an OpenMP team these neither
spin beside PyTorch's own nor break after a fork, several callers can share them, and the number in use
follows `torch.get_num_threads()` from call to call.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np
import torch

_SERIAL_BELOW = 400_000  # numbers to touch; under this, waking a thread costs more than it saves (about 40 µs)
_CHUNKS_PER_THREAD = 4  # smaller shares even out what the cost model misses

_pool: ThreadPoolExecutor | None = None
_pool_size = 0
_lock = Lock()


def run_rows(kernel: Callable[..., None], indptr: np.ndarray, width: int, *arguments: Any) -> None:
    """Call `kernel(start, stop, *arguments)` so that every row of the graph belongs to one call.

    Args:
        kernel: a compiled function that writes only what belongs to rows [start, stop).
        indptr: where each row's edges begin, `[rows + 1]`.
        width: numbers touched per edge and per row, for the decision between one thread and many.
        arguments: the rest of the kernel's arguments.
    """
    rows = indptr.size - 1
    threads = torch.get_num_threads()
    if threads == 1 or (rows + int(indptr[-1])) * width < _SERIAL_BELOW:
        kernel(0, rows, *arguments)
        return
    bounds = balanced_bounds(indptr, threads * _CHUNKS_PER_THREAD)
    chunks = deque(pairwise(bounds))

    def work() -> None:
        while True:
            try:
                start, stop = chunks.popleft()
            except IndexError:
                return
            kernel(start, stop, *arguments)

    helpers = [_threads(threads - 1).submit(work) for _ in range(threads - 1)]
    work()
    for helper in helpers:
        if not helper.cancel():  # it never began: this thread has done its share
            helper.result()


def balanced_bounds(indptr: np.ndarray, parts: int) -> list[int]:
    """Row numbers that cut a graph into at most `parts` runs of about equal cost, where a row costs its edges + 1."""
    rows = indptr.size - 1
    total = rows + int(indptr[-1])
    inner = (
        bisect_left(range(rows), total * part // parts, key=lambda row: int(indptr[row]) + row)
        for part in range(1, parts)
    )
    return sorted({0, *inner, rows})


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
