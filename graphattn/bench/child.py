"""One contender on one case, start to end: what a fresh process does."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphattn.bench.case import Case
from graphattn.bench.contenders import ALL
from graphattn.bench.graphs import GRAPHS
from graphattn.bench.machine import Watch, memory
from graphattn.bench.measure import peak_extra, repeat
from graphattn.bench.result import Result

_SHARE = 0.6  # of the machine's memory that a contender may be expected to need


def measure(case: Case, name: str, seconds: float, device: str) -> Result:
    """Measure forward without gradients, forward with backward, and peak extra memory of the latter."""
    watch = Watch()
    contender = ALL[name]
    graph = GRAPHS[case.graph].build().to(device)
    needed = contender.edge_tensors * graph.num_edges * case.heads * case.width * 4
    if needed > _SHARE * memory(device):
        return Result(case, name, note=f"not tried: it would need about {needed / 2**30:.0f} GiB")
    inputs = case.leaves(graph, device)
    leaves = [tensor.detach().requires_grad_() for tensor in inputs]
    attend = contender.prepare(case.score, graph)

    def forward() -> tuple[Tensor, ...]:
        with torch.no_grad():
            return _tuple(attend(*inputs))

    grads = [torch.ones_like(out) for out in forward()]

    def both() -> None:
        torch.autograd.grad(_tuple(attend(*leaves)), leaves, grads, allow_unused=True)

    forward_time = repeat(forward, seconds, device)
    try:
        both()
    except NotImplementedError:
        return Result(case, name, forward_time, note="it has no backward pass here")
    both_time = repeat(both, seconds, device)
    return Result(case, name, forward_time, both_time, peak_extra(both, device), disturbed=watch.disturbed())


def _tuple(out: Any) -> tuple[Tensor, ...]:
    return out if isinstance(out, tuple) else (out,)
