"""Make Ctrl-C work during RDKit's substructure searches, which replace the handler of that signal."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done; use it around RDKit's work on one molecule.

    RDKit replaces the handler of SIGINT during a substructure search. A signal that comes then is lost to Python, and
    the search it cuts short gives a wrong count. Held back, the signal reaches Python at the end of the block. (This
    holds for the thread that calls; a signal that another thread of the process takes is out of reach. Long work
    belongs in a `Worker`. On Windows nothing is held.)
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
