"""Where things are kept for the user between one process and the next."""

import os
import sys
from pathlib import Path


def user_cache() -> Path:
    """`$GRAPHATTN_CACHE`, without that variable graphattn's folder in the platform's cache directory."""
    if own := os.environ.get("GRAPHATTN_CACHE"):
        return Path(own).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local"))
    elif sys.platform == "darwin":
        base = Path("~/Library/Caches")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return base.expanduser() / "graphattn"
