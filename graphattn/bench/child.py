"""One contender on one case, start to end: what a fresh process does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from graphattn.bench.case import Case
from graphattn.bench.contenders import ALL, Contender
from graphattn.bench.graphs import GRAPHS
from graphattn.bench.measure import peak_extra, repeat
from graphattn.graph import Graph

_SHARE = 0.6  # of the machine's memory that a contender may be expected to need


def measure(case: Case, name: str, seconds: float, device: str) -> dict[str, Any]:
    """Measure forward without gradients, forward with backward, and peak extra memory.

    Returns:
        `forward` and `both`: a `Timing` as JSON, or None; `memory`: bytes, or None; `note`: why something is None.
    """
    contender = ALL[name]
    graph = GRAPHS[case.graph].build().to(device)
    needed = contender.edge_tensors * graph.num_edges * case.heads * case.width * 4
    if needed > _SHARE * memory(device):
        return _only(f"not tried: it would need about {needed / 2**30:.0f} GiB")
    leaves = [leaf.requires_grad_() for leaf in case.leaves(graph, device)]
    attend = contender.prepare(case.score, graph)

    def forward() -> None:
        with torch.no_grad():
            attend(*leaves)

    out = _tuple(attend(*(leaf.detach() for leaf in leaves)))
    grads = [torch.ones_like(x) for x in out]
    del out

    def both() -> None:
        torch.autograd.grad(_tuple(attend(*leaves)), leaves, grads, allow_unused=True)

    measured = _only(None)
    measured["forward"] = repeat(forward, seconds, device).to_json()
    try:
        measured["both"] = repeat(both, seconds, device).to_json()
    except NotImplementedError as error:
        measured["note"] = f"forward only: {' '.join(str(error).split())[:200]}"
        return measured
    measured["memory"] = peak_extra(both, device)
    return measured


def memory(device: str) -> int:
    """Bytes of memory of the device."""
    if device == "cuda":
        return torch.cuda.get_device_properties(0).total_memory
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**62  # not told here: everything is tried


def _only(note: str | None) -> dict[str, Any]:
    return {"forward": None, "both": None, "memory": None, "note": note}


def _tuple(out: Any) -> tuple[torch.Tensor, ...]:
    return out if isinstance(out, tuple) else (out,)
