"""The environment of a measurement: machine, versions and date."""

from __future__ import annotations

import os
import platform
import sys
from datetime import datetime, timezone
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from graphattn.bench.measure import T, Turns
from graphattn.version import __version__

_PACKAGES = ("torch", "numba", "triton", "numpy", "torch-geometric", "torch-scatter", "dgl", "turbo-gnn")

METHOD = (
    "steady state: warmed up until three calls agree within 5 %, at least ten repetitions, contenders in turns; "
    "medians and quartiles"
)
"""How times are measured; reports of before December 2026 do not say it."""


def device() -> str:
    """Where to measure: "cuda" where there is one, otherwise "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def memory(device: str) -> int:
    """Bytes of memory of the device; a very large number where the system does not say."""
    if device == "cuda":
        return torch.cuda.get_device_properties(0).total_memory
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**62


class Watch:
    """Tells how much of the processors' time other processes took while it ran."""

    def __init__(self) -> None:
        self._passed = [0.0, 0.0, 0.0]
        self._start = self._read()

    def pause(self) -> None:
        """Stop until `resume`: what happens in between does not count."""
        end = self._read()
        if self._start is not None and end is not None:
            spent = (after - before for after, before in zip(end, self._start, strict=True))
            self._passed = [sum_ + more for sum_, more in zip(self._passed, spent, strict=True)]

    def resume(self) -> None:
        """Go on after `pause`."""
        self._start = self._read()

    def disturbed(self) -> float | None:
        """A share from 0 to 1, up to the last `pause`; None where the system does not tell (Linux does)."""
        total, busy, own = self._passed
        return round(min(1.0, max(0.0, (busy - own) / total)), 3) if total else None

    def over(self, turns: Turns[T]) -> Turns[T]:
        """A measurement, watched in its own turns."""
        while True:
            self.resume()
            try:
                next(turns)
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                self.pause()
            yield

    @staticmethod
    def _read() -> tuple[float, float, float] | None:
        """Seconds of all processors so far: in total, not idle, and of this process and the compilers it ran."""
        try:
            fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        except OSError:
            return None
        seconds = [int(field) / os.sysconf("SC_CLK_TCK") for field in fields]
        idle, waiting = seconds[3:5]
        return sum(seconds), sum(seconds) - idle - waiting, sum(os.times()[:4])


def describe(command: str) -> dict[str, Any]:
    """The facts needed to judge the figures and to measure again."""
    where = device()
    return {
        "command": command,
        "method": METHOD,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "device": where,
        "processor": torch.cuda.get_device_name() if where == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
        "memory": memory(where),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"graphattn": __version__, "python": platform.python_version(), **_versions()},
    }


def instructions() -> dict[str, str]:
    """The vector instructions that PyTorch and Numba make use of, which the variables of both can take from them."""
    found = {"torch": torch.backends.cpu.get_cpu_capability()}
    if find_spec("numba") is not None:
        from numba.core.registry import cpu_target

        features = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
        names = [name for name in ("avx512f", "avx2", "avx") if f"+{name}" in features]
        found["numba"] = names[0].removesuffix("f").upper() if names else "no AVX"
    return found


def processor() -> str:
    """The processor in one line: threads and cores, model, and the instructions that are made use of."""
    used = ", ".join(f"{name} with {what}" for name, what in instructions().items())
    return f"cpu ({torch.get_num_threads()} threads on {os.cpu_count()} cores of {_processor()}; {used})"


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
