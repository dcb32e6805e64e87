"""Time, bandwidth and memory of the kernels alone, in the precisions and at the sizes that GPUs are bought for."""

from __future__ import annotations

import math
from typing import Any

import torch

import graphattn as ga
from graphattn.bench.measure import peak_extra, per_call, repeat
from graphattn.ops.triton import windows
from graphattn.ops.triton.windows import ENOUGH

SHAPES = ((1, 128), (8, 16), (8, 64))
DTYPES = (torch.bfloat16, torch.float32)


def _random(nodes: int, edges: int) -> ga.Graph:
    return ga.Graph(torch.randint(nodes, (2, edges), device="cuda"), nodes)


def _community(nodes: int, edges: int) -> ga.Graph:
    """Sources within 2,048 nodes of their destination."""
    dst = torch.randint(nodes, (edges,), device="cuda")
    return ga.Graph(torch.stack([(dst + torch.randint(-2048, 2048, (edges,), device="cuda")) % nodes, dst]), nodes)


def blocks(nodes: int, degree: int, size: int = 128) -> ga.Graph:
    """Sources within the destination's block of nodes, none twice: windows have a reuse of 16 · degree / size."""
    dst = torch.arange(nodes // size * size, device="cuda")
    shift, step = torch.randint(size // 2, (2, len(dst), 1), device="cuda")
    inside = (shift + (2 * step + 1) * torch.arange(degree, device="cuda")) % size
    src = dst[:, None] // size * size + inside
    return ga.Graph(torch.stack([src.flatten(), dst.repeat_interleave(degree)]), nodes)


def _hub(nodes: int, edges: int) -> ga.Graph:
    """One node has half of the edges."""
    src, dst = torch.randint(nodes, (2, edges), device="cuda")
    return ga.Graph(torch.stack([src, torch.where(torch.rand(edges, device="cuda") < 0.5, 0, dst)]), nodes)


GRAPHS: dict[str, Any] = {
    "random, 16 million edges": lambda: _random(1_000_000, 16_000_000),
    "random, 64 million edges": lambda: _random(2_000_000, 64_000_000),
    "community, 64 million edges": lambda: _community(2_000_000, 64_000_000),
    "blocks, 64 million edges": lambda: blocks(1_000_000, 64),
    "blocks row by row, 64 million edges": lambda: blocks(1_000_000, 64),
    "hub, 4 million edges": lambda: _hub(100_000, 4_000_000),
    "random, 50 thousand edges": lambda: _random(24_000, 50_000),
}


def speed(seconds: float, *, quick: bool) -> list[dict[str, Any]]:
    """One entry for each graph, shape and precision of dot-product attention; times in seconds."""
    bandwidth = _bandwidth(seconds)
    found = []
    for name in list(GRAPHS)[-2:] if quick else GRAPHS:
        graph = GRAPHS[name]()
        graph.csc  # noqa: B018
        windows.ENOUGH = math.inf if "row by row" in name else ENOUGH
        for heads, width in SHAPES:
            for dtype in DTYPES:
                entry = {"graph": name, "heads": heads, "width": width, "dtype": str(dtype)}
                found.append(entry | _measure(graph, heads, width, dtype, seconds, bandwidth))
                print(found[-1])
    return found


def _bandwidth(seconds: float) -> float:
    """Bytes a second that a copy of 1 GiB reads and writes."""
    source = torch.ones(2**28, device="cuda")
    target = torch.empty_like(source)
    return 8 * 2**28 / repeat(lambda: target.copy_(source), seconds, "cuda").median


def _measure(
    graph: ga.Graph, heads: int, width: int, dtype: torch.dtype, seconds: float, bandwidth: float
) -> dict[str, Any]:
    """Times, the share of the bandwidth of a copy when no row is read from a cache, and bytes beside the inputs."""
    q, k, v = (torch.randn(graph.num_nodes, heads, width, device="cuda", dtype=dtype) for _ in range(3))
    leaves = [x.requires_grad_() for x in (q, k, v)]
    grad = torch.randn_like(q)

    def forward() -> None:
        with torch.no_grad():
            ga.attention(q, k, v, graph, backend="triton")

    def both() -> None:
        out = ga.attention(*leaves, graph, backend="triton")
        assert isinstance(out, torch.Tensor)
        torch.autograd.grad(out, leaves, grad)

    forward()
    both()
    row = heads * width * dtype.itemsize
    moved = 2 * graph.num_edges * row + 2 * graph.num_nodes * row + 4 * (graph.num_edges + graph.num_nodes * heads)
    once = repeat(forward, seconds, "cuda").median
    return {
        "forward": once,
        "both": repeat(both, seconds, "cuda").median,
        "launch": per_call(forward, "cuda", batches=5, calls=20),
        "share": moved / once / bandwidth,
        "memory": peak_extra(both, "cuda"),
    }
