"""The console of tables that are to be kept: no line of theirs wraps where nobody looks."""

from __future__ import annotations

from rich.console import Console

_WIDTH = 500  # more than any table has


def wide_console() -> Console:
    """A console as wide as the terminal; where there is none (a file, a pipe), wider than any table."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
