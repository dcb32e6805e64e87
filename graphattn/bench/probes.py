"""Measurements that belong to no case: memory bandwidth, overhead of a call, cost of alternating with PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import torch

from graphattn.bench import process
from graphattn.bench.calls import prepare
from graphattn.bench.case import SCORES, Case
from graphattn.bench.contenders import GRAPHATTN
from graphattn.bench.graphs import random
from graphattn.bench.measure import per_call, repeat
from graphattn.graph import Graph


def bandwidth(device: str) -> dict[str, float]:
    """Bytes a second that a copy of 256 MiB reads and writes."""
    source = torch.ones(64 * 2**20, device=device)
    target = torch.empty_like(source)
    target.copy_(source)
    copied = repeat(lambda: target.copy_(source), 0.5, device)
    return {"bandwidth": 2 * 4 * source.numel() / copied.median}


def overhead(device: str) -> dict[str, float]:
    """Seconds of one call on a ring of 30 nodes, H × D = 4 × 16: almost nothing is left to compute.

    Returns:
        `overhead, SCORE` without gradients, `overhead recorded, SCORE` with what backward needs recorded, and
        `overhead both, SCORE` with backward.
    """
    node = torch.arange(30)
    graph = Graph(torch.cat([torch.stack([node, node.roll(1)]), torch.stack([node.roll(1), node])], dim=1), 30)
    graph = graph.to(device)
    found = {}
    for score in SCORES:
        forward, recorded, both, *_ = prepare(GRAPHATTN, Case("", score, 4, 16), graph, device)
        found[f"overhead, {score}"] = per_call(forward, device)
        found[f"overhead recorded, {score}"] = per_call(recorded, device)
        found[f"overhead both, {score}"] = per_call(both, device)
    return found


def alternation(device: str) -> dict[str, float]:
    """Time of a matrix product and our forward pass in turns, in multiples of the two times alone.

    Both use all cores; threads of one that go on spinning take them from the other.
    """
    graph = random(2_000, 32_000, torch.Generator().manual_seed(0)).to(device)
    forward, *_ = prepare(GRAPHATTN, Case("", "dot", 8, 16), graph, device)
    left, right = torch.randn(2_000, 256, device=device), torch.randn(256, 256, device=device)

    def product() -> None:
        torch.mm(left, right)

    def in_turns() -> None:
        product()
        forward()

    parts = sum(per_call(call, device) for call in (product, forward))
    return {"alternation": per_call(in_turns, device) / parts}


PROBES: tuple[Callable[[str], dict[str, float]], ...] = (bandwidth, overhead, alternation)


def run(probe: Callable[[str], dict[str, float]], device: str) -> dict[str, float]:
    """Run one of `PROBES` in a fresh process; nothing if it fails."""
    try:
        return process.run(probe, device)
    except process.FailedError:
        return {}
