"""Runs kernels in parallel on plain Python threads; kernels release the GIL.

Unlike an OpenMP team these threads neither spin beside PyTorch's own while there is nothing to do nor break after a
fork, several callers can share them, and the number in use follows `torch.get_num_threads()` from call to call.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import types
from torch import Tensor

from graphattn.ops.numba.jit import kernel
from graphattn.ops.numba.kernel_arguments import Tasks, pack_tasks
from graphattn.ops.numba.vector import at, load_acquire

_CACHE_LINE = 64  # bytes
_SPINS = 20_000  # looks at a counter, some fifty microseconds: about what going to sleep and waking up would cost
_NAP = 5e-5  # seconds between looks after that, for the thread that is waited for may have lost its processor


class Step(NamedTuple):
    """A kernel and its tasks; `kernel(tasks, *arguments)`, with `tasks` a record, runs tasks until none is left."""

    kernel: Callable[..., Any]
    runs: Tensor  # [tasks, 2], as in a plan
    arguments: tuple[Any, ...]
    first: int = 0  # the number of the first of these tasks, where other steps of a pass come before it


def run_steps(*steps: Step) -> None:
    """Run each step on as many threads as PyTorch is set to use, none before the one ahead of it is finished.

    A thread takes tasks, and finds out the end of a step, by counters, without coming back to Python in between: waking
    a thread costs as much as many of these steps, so it is woken once for all of them.
    """
    most = max([step.runs.shape[0] for step in steps], default=0)
    shares = max(1, min(torch.get_num_threads(), most)) if most > 1 else 1
    counters = torch.zeros(len(steps) * (shares + 1) * _CACHE_LINE // 8, dtype=torch.int64, device="cpu")
    address = counters.data_ptr()
    calls = []
    for runs_kernel, runs, arguments, first in steps:
        done = address + shares * _CACHE_LINE
        tasks = Tasks(runs.data_ptr(), runs.shape[0], address, done, first, 0, shares)
        calls.append((runs_kernel, tasks, arguments))
        address = done + _CACHE_LINE
    if shares == 1:
        for runs_kernel, tasks, arguments in calls:
            runs_kernel(pack_tasks(*tasks), *arguments)
        return
    job = _Job(calls, counters)
    _offer(job, shares - 1)
    job.lead()


@kernel
def _wait_for(counter: Any, count: Any, spins: Any) -> Any:
    """Whether the number at an address has come to `count`, after looking at most so many times."""
    for _ in range(spins):  # noqa: SIM110  # Numba knows no any()
        if load_acquire(at(counter, np.uint64(0))) >= count:
            return True
    return False


class _Job:
    """Steps that several threads go through together."""

    def __init__(self, calls: Sequence[tuple[Callable[..., Any], Tasks, tuple[Any, ...]]], counters: Tensor) -> None:
        self.calls = calls
        self.counters = counters  # must live as long as any thread may look at it
        self.over = False
        self.helpers, self.lock = 0, Lock()
        self.error: BaseException | None = None

    def lead(self) -> None:
        """Work on it until all is done; helpers that come later find nothing left and touch nothing."""
        try:
            self._work(0)
            if self.error is not None:
                raise self.error
        except BaseException:
            self.over = True
            while self.helpers:  # they write into tensors that the caller is about to lose
                time.sleep(_NAP)
            raise
        finally:
            self.over = True

    def help(self, share: int) -> None:
        """Work on it as long as it lasts, on this share first."""
        with self.lock:
            self.helpers += 1
        try:
            self._work(share)
        except BaseException as error:  # the leader raises it
            self.error = error
        finally:
            with self.lock:
                self.helpers -= 1

    def _work(self, share: int) -> None:
        wait_for = _wait_for.of(types.uint64, types.uint64, types.uint64)
        for runs_kernel, tasks, arguments in self.calls:
            if self.over or self.error is not None:
                return
            runs_kernel(pack_tasks(*tasks._replace(share=share)), *arguments)
            while not wait_for(tasks.done, tasks.count, _SPINS):
                if self.over or self.error is not None:
                    return
                time.sleep(_NAP)


_queue: SimpleQueue[tuple[_Job, int]] = SimpleQueue()
_threads = 0
_lock = Lock()


def _offer(job: _Job, others: int) -> None:
    """Hand a job to so many other threads, starting those that are missing."""
    global _threads
    if _threads < others:
        with _lock:
            for number in range(_threads, others):
                Thread(target=_serve, args=(_queue,), name=f"graphattn-{number}", daemon=True).start()
            _threads = max(_threads, others)
    for share in range(1, others + 1):
        _queue.put((job, share))


def _serve(queue: SimpleQueue[tuple[_Job, int]]) -> None:
    while True:
        job, share = queue.get()
        job.help(share)
        del job


def _forget_threads() -> None:
    """In a forked child the parent's threads do not exist, and one of them may hold the lock."""
    global _queue, _threads, _lock
    _queue, _threads, _lock = SimpleQueue(), 0, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
