"""The program of a measuring process: one contender on one case."""

from __future__ import annotations

from graphattn.bench.calls import prepare
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
    forward, _, both = prepare(contender, case, graph, device)
    forward_time = repeat(forward, seconds, device)
    try:
        both()
    except NotImplementedError:
        return Result(case, name, forward_time, note="it has no backward pass here")
    both_time = repeat(both, seconds, device)
    return Result(case, name, forward_time, both_time, peak_extra(both, device), disturbed=watch.disturbed())
