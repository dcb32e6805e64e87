"""Time, bandwidth and memory of the kernels alone, in the precisions and at the sizes that GPUs are bought for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

import graphattn as ga
from graphattn.bench.graphs import molecules
from graphattn.bench.measure import per_call, repeat
from graphattn.bench.peak import peak_extra
from graphattn.ops.triton import rowblocks
from graphattn.ops.triton.rowblocks import ENOUGH

SHAPES = [((heads, width), dtype) for heads, width in ((1, 128), (8, 16), (8, 64)) for dtype in ("bfloat16", "float32")]


def _random(nodes: int, edges: int) -> ga.Graph:
    return ga.Graph(torch.randint(nodes, (2, edges), device="cuda"), nodes)


def _community(nodes: int, edges: int) -> ga.Graph:
    """Sources within 2,048 nodes of their destination."""
    dst = torch.randint(nodes, (edges,), device="cuda")
    return ga.Graph(torch.stack([(dst + torch.randint(-2048, 2048, (edges,), device="cuda")) % nodes, dst]), nodes)


def blocks(nodes: int, degree: int, size: int = 128) -> ga.Graph:
    """Sources within the destination's block of nodes, none twice: rowblocks have a reuse of 16 · degree / size."""
    dst = torch.arange(nodes // size * size, device="cuda")
    shift, step = torch.randint(size // 2, (2, len(dst), 1), device="cuda")
    inside = (shift + (2 * step + 1) * torch.arange(degree, device="cuda")) % size
    src = dst[:, None] // size * size + inside
    return ga.Graph(torch.stack([src.flatten(), dst.repeat_interleave(degree)]), nodes)


def _hub(nodes: int, edges: int) -> ga.Graph:
    """One node has half of the edges."""
    src, dst = torch.randint(nodes, (2, edges), device="cuda")
    return ga.Graph(torch.stack([src, torch.where(torch.rand(edges, device="cuda") < 0.5, 0, dst)]), nodes)


def _zinc() -> ga.Graph:
    return molecules(1_024, torch.Generator().manual_seed(0)).to("cuda")


GRAPHS: dict[str, Any] = {
    "1,024 molecules": _zinc,
    "hub, 4 million edges": lambda: _hub(100_000, 4_000_000),
    "random, 64 million edges": lambda: _random(2_000_000, 64_000_000),
    "community, 64 million edges": lambda: _community(2_000_000, 64_000_000),
    "blocks, 64 million edges": lambda: blocks(1_000_000, 64),
    "blocks row by row, 64 million edges": lambda: blocks(1_000_000, 64),
    "random, 16 million edges": lambda: _random(1_000_000, 16_000_000),
}


def warm_up(shape: tuple[int, int], dtype: str) -> None:
    """Compile what will be measured."""
    ga.warmup(getattr(torch, dtype), device="cuda", heads=shape[0], width=shape[1])


def measure(name: str, seconds: float) -> list[dict[str, Any]]:
    """One entry for each shape and precision of dot-product attention on a graph; times in seconds."""
    bandwidth = _bandwidth(seconds)
    graph = GRAPHS[name]()
    graph.csc  # noqa: B018
    found = []
    rowblocks.ENOUGH = math.inf if "row by row" in name else ENOUGH
    for (heads, width), dtype in SHAPES:
        entry = {"graph": name, "heads": heads, "width": width, "dtype": dtype}
        try:
            entry |= _measure(graph, heads, width, getattr(torch, dtype), seconds, bandwidth)
        except Exception as error:
            entry |= {"failed": f"{type(error).__name__}: {str(error)[:300]}"}
        found.append(entry)
        print(entry, flush=True)
    return found


def tune() -> list[str]:
    """What `ga.tune` finds for one call, line by line."""
    graph = GRAPHS["random, 16 million edges"]()
    q, k, v = (torch.randn(graph.num_nodes, 8, 16, device="cuda", dtype=torch.bfloat16) for _ in range(3))
    return str(ga.tune(q.requires_grad_(), k, v.requires_grad_(), graph, backend="triton")).splitlines()


def _bandwidth(seconds: float) -> float:
    """Bytes a second that a copy of 1 GiB reads and writes."""
    source = torch.ones(2**28, device="cuda")
    target = torch.empty_like(source)
    return 8 * 2**28 / repeat(lambda: target.copy_(source), seconds, "cuda").median


def _measure(
    graph: ga.Graph, heads: int, width: int, dtype: torch.dtype, seconds: float, bandwidth: float
) -> dict[str, Any]:
    """Seconds, bytes beside the inputs, and the share of the bandwidth of a copy if no row were read from a cache.

    `launch…` is the time from one call to the next of many, which for small graphs is the host's; `replayed…` that of
    the same call in a CUDA graph.
    """
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
    found: dict[str, Any] = {
        "forward": once,
        "both": repeat(both, seconds, "cuda").median,
        "share": moved / once / bandwidth,
        "memory": peak_extra(both, "cuda"),
    }
    if graph.num_edges < 1_000_000:  # where the host is slower than the GPU
        for name, call in (("forward", forward), ("both", both)):
            found[f"launch {name}"] = per_call(call, "cuda", batches=5, calls=50)
            found[f"replayed {name}"] = per_call(captured(call), "cuda", batches=5, calls=50)
    return found


def captured(call: Callable[[], None]) -> Callable[[], None]:
    """The call as a CUDA graph, to be replayed."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay
