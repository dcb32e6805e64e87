"""Where it is measured: machine, versions and date, without which a figure means nothing."""

from __future__ import annotations

import os
import platform
import sys
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from graphattn.version import __version__

_PACKAGES = ("torch", "numba", "triton", "numpy", "torch-geometric", "torch-scatter", "dgl", "turbo-gnn")


def device() -> str:
    """Where to measure: "cuda" where there is one, otherwise "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def memory(device: str) -> int:
    """Bytes of memory of the device; as good as endless where the system does not tell."""
    if device == "cuda":
        return torch.cuda.get_device_properties(0).total_memory
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**62


def load() -> float | None:
    """How many processes were running on average over the last minute, this one's included; None on Windows."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def describe(command: str) -> dict[str, Any]:
    """Everything that a reader needs to judge the figures, and to measure again."""
    where = device()
    return {
        "command": command,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "device": where,
        "processor": torch.cuda.get_device_name() if where == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
        "memory": memory(where),
        "load": load(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"graphattn": __version__, "python": platform.python_version(), **_versions()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """The model's name, which only Linux tells in full, and how many may be used."""
    name = platform.processor() or platform.machine()
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    return name
