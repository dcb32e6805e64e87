"""All contenders on all cases, one after another, and where it was measured."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import torch

from graphattn.bench.case import Case
from graphattn.bench.contenders import available
from graphattn.version import __version__


@dataclass(frozen=True)
class Result:
    """What one contender took for one case: seconds of each repetition, peak extra bytes, or why it failed."""

    case: str
    contender: str
    forward: list[float]
    both: list[float]
    memory: int | None
    error: str | None = None

    @property
    def forward_seconds(self) -> float:
        """Median over the repetitions of the forward pass."""
        return median(self.forward)

    @property
    def both_seconds(self) -> float:
        """Median over the repetitions of forward and backward together."""
        return median(self.both)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def run(cases: list[Case], seconds: float = 3.0) -> Iterator[Result]:
    """Measure, one child process at a time.

    Args:
        cases: what to measure.
        seconds: time given to the repetitions of each measurement.
    """
    for case in cases:
        for contender in available():
            yield _measure(case, contender, seconds)


def _measure(case: Case, contender: str, seconds: float) -> Result:
    command = [sys.executable, "-m", "graphattn.bench.child", case.name, contender, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        return Result(case.name, contender, [], [], None, error=reason)
    return Result(case.name, contender, **json.loads(done.stdout.splitlines()[-1]))


def environment() -> dict[str, Any]:
    """Machine, versions and date: what a figure means nothing without."""
    versions = {"graphattn": __version__, "python": platform.python_version()}
    for package in ("torch", "numba", "torch-geometric", "torch-scatter", "numpy"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
