"""Compiling kernels before they are needed."""

from __future__ import annotations

import torch

from graphattn.graph import Graph
from graphattn.ops.attention import attention
from graphattn.ops.scores import Additive, Score


def warmup(*dtypes: torch.dtype) -> None:
    """Compile the fused kernels of every score now, rather than at the first call that needs them.

    Kernels are compiled when first called, a few seconds for each score and dtype, and kept on disk for the processes
    that come after (in `NUMBA_CACHE_DIR`, else in the user's cache). Call this where a delay does no harm: while an
    image is built, before a server takes requests, before a measurement. Forward and backward passes on the CPU.

    Args:
        dtypes: of the tensors that will come; float32 when none is given.

    Raises:
        TypeError: something is not a floating-point dtype.
        ValueError: there are no fused kernels here; the message says why.

    Example:
        >>> import torch, graphattn as ga
        >>> ga.warmup(torch.float32)
    """
    for dtype in dtypes or (torch.float32,):
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise TypeError(f"warmup takes floating-point dtypes, got {dtype!r}")
        nodes = torch.ones(2, 1, 1, dtype=dtype, requires_grad=True)
        numbers = torch.ones(2, 1, dtype=dtype)
        graph = Graph(torch.tensor([[0, 1], [1, 1]]), 2)
        additive = (Additive(numbers[:1], "leaky_relu"), Additive(numbers[:1], "tanh"))
        scores: tuple[str | Score, ...] = ("dot", "sum", *additive, "none")
        for score in scores:
            ends = numbers if score == "sum" else nodes
            with torch.enable_grad():
                out = attention(ends, ends, nodes, graph, score=score, edge_bias=numbers, backend="numba")
            assert isinstance(out, torch.Tensor)
            out.sum().backward()
