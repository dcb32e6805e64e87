"""How a user calls this program."""

import shutil
import sys
from pathlib import Path


def program() -> str:
    """Return what to type for this program: its name where the shell finds it, else the path it was called by."""
    called = Path(sys.argv[0])
    return "graphattn" if called.name != "graphattn" or shutil.which("graphattn") else str(called)
