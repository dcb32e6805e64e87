"""One contender on one case: `python -m graphattn.bench.child CASE CONTENDER SECONDS`.

A process of its own, so that no contender inherits memory that another has freed. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from graphattn.bench.case import CASES, Case
from graphattn.bench.contenders import prepare


def measure(case: Case, contender: str, seconds: float) -> dict[str, object]:
    """Measure forward, and forward with backward.

    Returns:
        `forward` and `both`: seconds of each repetition; `memory`: peak bytes above what was there before, in the first
        forward with backward (None where the system does not tell).
    """
    forward, both = _calls(case, contender)
    return {
        "memory": _peak_above(both),
        "both": _repeat(both, seconds),
        "forward": _repeat(forward, seconds),
    }


def peak_memory(case: Case, contender: str) -> int | None:
    """Bytes that one forward with backward needs beside what was there before; for a fresh process."""
    return _peak_above(_calls(case, contender)[1])


def _calls(case: Case, contender: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """The forward pass, and forward with backward, as functions without arguments, ready to run."""
    _compile(contender)
    graph, q, k, v = case.build()
    graph.csc  # noqa: B018  # made once per graph, so not part of a call
    attend = prepare(contender, graph)
    leaves = [tensor.requires_grad_() for tensor in (q, k, v)]
    grad = torch.ones_like(q)

    def both() -> None:
        torch.autograd.grad(attend(q, k, v), leaves, grad)

    def forward() -> None:
        with torch.no_grad():
            attend(q, k, v)

    return forward, both


def _compile(contender: str) -> None:
    """Run once on a tiny graph, so that compiling and loading are not measured."""
    graph, q, k, v = Case("", "molecules", 50, 0, heads=2, width=8).build()
    prepare(contender, graph)(q.requires_grad_(), k, v).sum().backward()


def _repeat(call: Callable[[], None], seconds: float, least: int = 3, most: int = 200) -> list[float]:
    call()
    taken: list[float] = []
    while len(taken) < least or (sum(taken) < seconds and len(taken) < most):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return taken


def _peak_above(call: Callable[[], None]) -> int | None:
    """Bytes by which the resident memory's peak during the call is above what it was before (Linux only)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to the present size
    except OSError:
        return None
    before = _status("VmRSS")
    call()
    return _status("VmHWM") - before


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")


if __name__ == "__main__":
    name, contender, seconds = sys.argv[1:]
    print(json.dumps(measure(CASES[name], contender, float(seconds))))
