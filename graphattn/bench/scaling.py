"""How the time grows with the number of edges and with heads × width."""

from __future__ import annotations

import math
from typing import Any

import torch

from graphattn.bench import process
from graphattn.bench.calls import prepare
from graphattn.bench.case import Case
from graphattn.bench.contenders import GRAPHATTN
from graphattn.bench.machine import memory
from graphattn.bench.measure import repeat
from graphattn.graph import Graph

_DEGREE = 16
_BYTES_PER_EDGE = 110  # edges, both compressed forms and what sorting them takes, and 1/16 node of 16 numbers
_SHARE = 0.7


def points(device: str) -> list[dict[str, Any]]:
    """Which sizes to measure: E from 1e5 to 1e8 as far as memory goes, and H·D from 16 to 1024.

    Each has `axis` ("edges", "heads" or "width"), `order` ("local": sources within 128 positions of the destination;
    "random": anywhere), `num_edges`, `heads` and `width`.
    """
    sizes = [round(10 ** (power / 2)) for power in range(10, 17)]
    fitting = [size for size in sizes if size * _BYTES_PER_EDGE < _SHARE * memory(device)]
    edges = [
        {"axis": "edges", "order": order, "num_edges": size, "heads": 1, "width": 16}
        for order in ("local", "random")
        for size in fitting
    ]
    shape = [
        {"axis": axis, "order": "random", "num_edges": 200_000, "heads": heads, "width": width}
        for axis in ("heads", "width")
        for heads, width in [(many, 16) if axis == "heads" else (1, 16 * many) for many in (1, 2, 4, 8, 16, 32, 64)]
    ]
    return edges + shape


def run(point: dict[str, Any], seconds: float, device: str) -> dict[str, Any]:
    """Measure one point in a fresh process: the point with `forward` and `both` in seconds, or a `note`."""
    try:
        return process.run(measure, point, seconds, device, timeout=1800.0)
    except process.FailedError as failure:
        return {**point, "note": str(failure)}


def measure(point: dict[str, Any], seconds: float, device: str) -> dict[str, Any]:
    """Measure one point in this process."""
    graph = build(point["order"], point["num_edges"]).to(device)
    case = Case("", "dot", point["heads"], point["width"])
    forward, _, both, *_ = prepare(GRAPHATTN, case, graph, device)
    found = {**point, "forward": repeat(forward, seconds, device).median}
    return {**found, "both": repeat(both, seconds, device).median}


def build(order: str, num_edges: int) -> Graph:
    """A graph of 16 edges a node, destinations uniform, sources anywhere or within 128 positions of them."""
    generator = torch.Generator().manual_seed(0)
    num_nodes = num_edges // _DEGREE
    edge_index = torch.randint(num_nodes, (2, num_edges), generator=generator)
    if order == "local":
        src, dst = edge_index
        torch.remainder(src, 257, out=src).sub_(128).add_(dst).clamp_(0, num_nodes - 1)
    return Graph(edge_index, num_nodes)


def exponent(sizes: list[float], times: list[float]) -> float:
    """The slope of log time against log size, by least squares: 1 where the cost is linear."""
    x, y = [math.log(size) for size in sizes], [math.log(time) for time in times]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    above = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return above / sum((a - mean_x) ** 2 for a in x)


def lines(measured: list[dict[str, Any]], kind: str) -> dict[tuple[str, str], tuple[list[float], list[float]]]:
    """Sizes and times of each line, by axis and order; points that failed are left out."""
    found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for point in measured:
        if kind in point:
            sizes, times = found.setdefault((point["axis"], point["order"]), ([], []))
            sizes.append(point["num_edges"] if point["axis"] == "edges" else point["heads"] * point["width"])
            times.append(point[kind])
    return found
