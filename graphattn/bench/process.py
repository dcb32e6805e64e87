"""A fresh process for each measurement, so that no contender inherits memory, and that costs little to start.

Measurements that are compared go on side by side, in turns: while one works, the others wait.

A server process imports torch and the contenders' packages once and runs nothing; every measurement is a fork of it.
Where there is no such server (Windows), a new interpreter is started instead.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable
from multiprocessing.connection import Connection, wait
from typing import Any

_IMPORTED_ONCE = [
    "__main__", "torch", "torch._dynamo", "torch._inductor.compile_fx", "torch_geometric.nn", "torch_scatter",
    "graphattn.ops.numba.attend", "graphattn.bench.child",
]  # fmt: skip


class FailedError(Exception):
    """The work in the other process failed; the message says why."""


def run(function: Callable[..., Any], *arguments: Any, timeout: float = 900.0) -> Any:
    """Call a function of a module in a fresh process and return its result.

    Raises:
        FailedError: it raised, was killed, or took longer than `timeout` seconds.
    """
    (answer,) = in_turns([(function, *arguments)], timeout)
    if isinstance(answer, FailedError):
        raise answer
    return answer


def in_turns(works: Iterable[tuple[Any, ...]], timeout: float = 900.0) -> list[Any]:
    """Call functions of a module, each in a fresh process, in turns.

    A function that yields, as a generator does, lets the next one go on; what it returns in the end is its result.
    One that does not yield runs to its end in its first turn.

    Args:
        works: functions, each followed by its arguments.
        timeout: seconds that each may take, all its turns together.

    Returns:
        the results in the order of `works`; a `FailedError` for one that raised, was killed, or took too long.
    """
    workers = [_Worker(function, arguments, timeout) for function, *arguments in works]
    try:
        waiting = list(workers)
        while waiting:
            waiting = [worker for worker in waiting if not worker.take_turn()]
        return [worker.answer for worker in workers]
    finally:  # at once, also when Ctrl-C or SIGTERM ends us
        for worker in workers:
            worker.end()


class _Worker:
    """One function in a process of its own, which starts with its first turn."""

    def __init__(self, function: Callable[..., Any], arguments: list[Any], timeout: float) -> None:
        self.answer: Any = None
        self._work = function, arguments
        self._timeout = self._left = timeout
        self._process: Any = None
        self._pipe: Any = None

    def take_turn(self) -> bool:
        """Let it go on; whether it is done."""
        begun = time.monotonic()
        try:
            if self._process is None:
                self._start()
            else:
                self._pipe.send(None)
            if not self._pipe.poll(self._left):
                raise FailedError(f"took longer than {self._timeout:.0f} s")
            done, answer = self._pipe.recv()
        except FailedError as failure:
            done, answer = True, failure
        except (EOFError, ConnectionError):
            self._process.join()
            done, answer = True, FailedError(_death(self._process.exitcode))
        self._left = max(0.0, self._left - (time.monotonic() - begun))
        if done:
            self.answer = answer
            if not isinstance(answer, FailedError):
                self._process.join(timeout=5)
            self.end()
        return done

    def _start(self) -> None:
        methods = multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            # Nothing is compiled in so many processes at a time that workers would pay.
            os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
            context.set_forkserver_preload(_IMPORTED_ONCE)
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_answer, args=(there, *self._work), daemon=True)
        self._process.start()
        there.close()

    def end(self) -> None:
        """End the process if it has started."""
        if self._process is None:
            return
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()


def _answer(connection: Connection, function: Callable[..., Any], arguments: list[Any]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        result = function(*arguments)
        if isinstance(result, Generator):
            result = _with_pauses(connection, result)
        connection.send((True, result))
    except BaseException as error:
        text = " ".join(str(error).split()) or "no message"
        connection.send((True, FailedError(f"{type(error).__name__}: {text[:300]}")))


def _with_pauses(connection: Connection, turns: Generator[None, None, Any]) -> Any:
    """What a generator returns; at each yield, wait for the next turn."""
    while True:
        try:
            next(turns)
        except StopIteration as end:
            return end.value
        connection.send((False, None))
        connection.recv()


def _end_with_parent() -> None:
    """End this process when its parent is stopped or killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _death(exit_code: int | None) -> str:
    if exit_code == -9:
        return "killed, most likely for want of memory"
    return f"the process ended with exit code {exit_code}"
