"""Ctrl-C and SIGTERM: both stop a command in the same way, each with its own exit code."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


class Stopped:
    """How a command was stopped.

    Attributes:
        code: the exit code that says so.
    """

    code = INTERRUPTED


@contextmanager
def stoppable() -> Iterator[Stopped]:
    """Let SIGTERM raise `KeyboardInterrupt`, as Ctrl-C does, and remember which of them it was.

    Where the program was started with SIGTERM ignored, it stays ignored.
    """
    stopped = Stopped()

    def stop(number: int, frame: Any) -> None:
        stopped.code = TERMINATED
        raise KeyboardInterrupt

    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, stop)
    try:
        yield stopped
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
