"""Compiling kernels before they are needed."""

from __future__ import annotations

from typing import Any

import torch

from graphattn.graph import Graph
from graphattn.graph.checks import as_count, as_device
from graphattn.ops.attention import attention
from graphattn.ops.scores import Additive, Score


def warmup(*dtypes: torch.dtype, device: torch.device | str | int = "cpu", heads: int = 8, width: int = 16) -> None:
    """Compile the fused kernels of every score now, rather than at the first call that needs them.

    Kernels are compiled when first called, and kept on disk for the processes that come after. Call this where a delay
    does no harm: while an image is built, before a server takes requests, before a measurement. Forward and backward
    passes.

    On the CPU it takes a few seconds for each score and dtype, and serves calls of all sizes; kept in
    `NUMBA_CACHE_DIR`, else in the user's cache.

    On a GPU kernels are compiled for the number of heads and their width, and for what there is beside queries, keys
    and values. This compiles those of dot products (as of a Transformer), of the sums of GAT and of the additive score
    of GATv2, without edge terms or dropout, for graphs of any degrees: about a hundred for each dtype, kept in Triton's
    own cache (`TRITON_CACHE_DIR`). Other calls are best made once themselves.

    Args:
        dtypes: of the tensors that will come; float32 when none is given.
        device: where they will be.
        heads: of queries, keys and values; of no matter on the CPU.
        width: of each head, of keys and values; of no matter on the CPU.

    Raises:
        TypeError: something is not a floating-point dtype, or a size no integer.
        ValueError: there are no fused kernels here; the message says why.

    Example:
        >>> import torch, graphattn as ga
        >>> ga.warmup(torch.float32)
    """
    heads, width = as_count("heads", heads), as_count("width", width)
    for dtype in dtypes or (torch.float32,):
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise TypeError(f"warmup takes floating-point dtypes, got {dtype!r}")
    for dtype in dtypes or (torch.float32,):
        if torch.device(device).type == "cpu":
            _on_cpu(dtype)
        else:
            _on_gpu(dtype, as_device(device), heads, width)


def _on_cpu(dtype: torch.dtype) -> None:
    nodes = torch.ones(2, 1, 1, dtype=dtype, device="cpu", requires_grad=True)
    numbers = torch.ones(2, 1, dtype=dtype, device="cpu")
    graph = Graph(torch.tensor([[0, 1], [1, 1]], device="cpu"), 2)
    additive = (Additive(numbers[:1], "leaky_relu"), Additive(numbers[:1], "tanh"))
    scores: tuple[str | Score, ...] = ("dot", "sum", *additive, "none")
    for score in scores:
        ends = nodes[:, :, 0].detach().requires_grad_() if score == "sum" else nodes
        _run(ends, ends, nodes, graph, score=score, edge_bias=numbers, backend="numba")
    _run(nodes, nodes, nodes, graph, edge_attr=numbers, edge_proj=nodes[:1].detach(), backend="numba")


def _on_gpu(dtype: torch.dtype, device: torch.device, heads: int, width: int) -> None:
    """On graphs of which each kernel has all bins of rows, and hubs, and on some of which it has but one bin."""
    additive = Additive(torch.ones(heads, width, dtype=dtype, device=device, requires_grad=True))
    for graph in (_of_all_degrees(device), *(_of_one_degree(degree, device) for degree in (2, 16, 64))):
        nodes = torch.ones(graph.num_nodes, heads, width, dtype=dtype, device=device)
        q, k, v = (nodes.clone().requires_grad_() for _ in range(3))
        left, right = (nodes[:, :, 0].clone().requires_grad_() for _ in range(2))
        _run(q, k, v, graph, backend="triton")
        _run(left, right, v, graph, score="sum", backend="triton")
        _run(q, k, k, graph, score=additive, backend="triton")


def _of_all_degrees(device: torch.device) -> Graph:
    """Nodes with 3, 20, 100 and 600 edges from others, and as many with edges to them."""
    node = torch.arange(4, device=device).repeat_interleave(torch.tensor([3, 20, 100, 600], device=device))
    edges = torch.stack([4 + torch.arange(node.numel(), device=device), node])
    return Graph(torch.cat([edges, edges.flip(0)], dim=1), 4 + node.numel())


def _of_one_degree(degree: int, device: torch.device) -> Graph:
    """A ring in which each node has edges from the `degree` next ones."""
    node, step = torch.arange(2 * degree, device=device), torch.arange(1, degree + 1, device=device)
    src = (node[:, None] + step) % node.numel()
    return Graph(torch.stack([src.flatten(), node.repeat_interleave(degree)]), node.numel())


def _run(*arguments: Any, **options: Any) -> None:
    """Forward and backward, and forward where no gradient is asked for."""
    with torch.no_grad():
        attention(*arguments, **options)
    with torch.enable_grad():
        out = attention(*arguments, **options)
    assert isinstance(out, torch.Tensor)
    leaves = [x for x in arguments if isinstance(x, torch.Tensor) and x.requires_grad]
    score = options.get("score")
    leaves += [score.vector] if isinstance(score, Additive) and score.vector.requires_grad else []
    torch.autograd.grad(out.sum(), list({id(leaf): leaf for leaf in leaves}.values()))
