"""The program of a measuring process: one contender on one case, in turns with others."""

from __future__ import annotations

from dataclasses import replace

from graphattn.bench.calls import prepare
from graphattn.bench.case import Case
from graphattn.bench.contenders import ALL
from graphattn.bench.graphs import GRAPHS
from graphattn.bench.machine import Watch, memory
from graphattn.bench.measure import Turns, in_turns
from graphattn.bench.peak import peak
from graphattn.bench.result import Result

_SHARE = 0.6  # of the machine's memory that a contender may be expected to need


def measure(case: Case, name: str, seconds: float, device: str) -> Turns[Result]:
    """Measure forward without gradients, forward with backward, and the peak of memory during the latter."""
    watch = Watch()
    result = yield from watch.over(_measure(case, name, seconds, device))
    return replace(result, disturbed=watch.disturbed())


def _measure(case: Case, name: str, seconds: float, device: str) -> Turns[Result]:
    contender = ALL[name]
    graph = GRAPHS[case.graph].build().to(device)
    needed = contender.edge_tensors * graph.num_edges * case.heads * case.width * 4
    if needed > _SHARE * memory(device):
        return Result(case, name, note=f"not tried: it would need about {needed / 2**30:.0f} GiB")
    calls = prepare(contender, case, graph, device)
    forward = yield from in_turns(calls.forward, seconds, device)
    yield
    try:
        both = yield from in_turns(calls.both, seconds, device)
    except NotImplementedError:
        return Result(case, name, forward, note="it has no backward pass here")
    yield
    held = peak(calls.both, calls.leaves, [*calls.outs, *calls.leaves], device)
    return Result(case, name, forward, both, held)
