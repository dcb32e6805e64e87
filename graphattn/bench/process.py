"""A fresh process for each measurement, so that no contender inherits memory, and that costs little to start.

A server process imports torch and the contenders' packages once and runs nothing; every measurement is a fork of it.
Where there is no such server (Windows), a new interpreter is started instead.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
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
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        # Nothing is compiled in so many processes at a time that workers would pay.
        os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
        context.set_forkserver_preload(_IMPORTED_ONCE)
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, function, arguments), daemon=True)
    try:
        process.start()
        there.close()
        if not here.poll(timeout):
            raise FailedError(f"took longer than {timeout:.0f} s")
        done, answer = here.recv()
        process.join(timeout=5)
    except EOFError:
        process.join()
        raise FailedError(_death(process.exitcode)) from None
    finally:  # at once, also when Ctrl-C or SIGTERM ends us
        if process.is_alive():
            process.kill()
            process.join()
        here.close()
    if not done:
        raise FailedError(answer)
    return answer


def _answer(connection: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        connection.send((True, function(*arguments)))
    except BaseException as error:
        text = " ".join(str(error).split()) or "no message"
        connection.send((False, f"{type(error).__name__}: {text[:300]}"))


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
