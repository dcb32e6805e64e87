"""A note on stderr while kernels are being compiled, so that a user who waits knows why."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

PATIENCE = 2.0  # seconds of compiling, of all kernels together, that pass without a word

_log = logging.getLogger("graphattn")
_spent = 0.0
_said = False


@contextmanager
def noted(directory: Path, compiled: Callable[[], bool]) -> Iterator[None]:
    """Log once that kernels are being compiled, if the block inside takes long.

    The note is a warning of the logger "graphattn", which goes to stderr unless the program sets up logging; the
    environment variable GRAPHATTN_QUIET turns it off.

    Args:
        directory: where machine code is kept.
        compiled: called at the end; returns whether anything was compiled rather than loaded from there.
    """
    global _spent
    if _said or os.environ.get("GRAPHATTN_QUIET", "0") not in ("", "0"):
        yield
        return
    begin = time.monotonic()
    timer = Timer(max(0.0, PATIENCE - _spent), _say, [directory])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if compiled():
            _spent += time.monotonic() - begin


def _say(directory: Path) -> None:
    global _said
    if _said:
        return
    _said = True
    _log.warning(
        "graphattn: compiling the CPU kernels, once; they are kept in %s for later runs (GRAPHATTN_QUIET=1 hides this)",
        directory,
    )
