"""Batches of complete, causal or bipartite graphs: those of one size run together, so that nothing is padded."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from graphattn.graph import Bipartite, Causal, Complete

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def attend_by_size(function: Attend, q: Tensor, k: Tensor, v: Tensor, graph: Complete | Causal | Bipartite) -> Tensor:
    """Call a function of batched tensors for each size of graph.

    Args:
        function: of q `[B, m, H, D]`, k and v `[B, n, Hk, D]`, to `[B·m, H, Dv]`.
        q: packed queries, `[M, H, D]`.
        k: packed keys, `[N, Hk, D]`.
        v: packed values, `[N, Hk, Dv]`.
        graph: a batch of graphs of `m` destinations and `n` sources, which may differ from graph to graph.

    Returns:
        `[M, H, Dv]`, packed as `q` is.
    """
    sizes = list(zip(graph.dst_sizes, graph.src_sizes, strict=True))
    distinct = sorted(set(sizes)) or [(0, 0)]
    if len(distinct) == 1:
        ((num_dst, num_src),), count = distinct, max(len(sizes), 1)
        return function(q.unflatten(0, (count, num_dst)), *(x.unflatten(0, (count, num_src)) for x in (k, v)))
    order = sorted(range(len(sizes)), key=lambda number: sizes[number])
    to_dst, to_src = _rows_of(graph.dst_ptr, order), _rows_of(graph.src_ptr, order)
    counts = [sizes.count(size) for size in distinct]
    by_dst = [count * num_dst for count, (num_dst, _) in zip(counts, distinct, strict=True)]
    by_src = [count * num_src for count, (_, num_src) in zip(counts, distinct, strict=True)]
    parts = zip(
        q.index_select(0, to_dst).split(by_dst),
        k.index_select(0, to_src).split(by_src),
        v.index_select(0, to_src).split(by_src),
        strict=True,
    )
    outs = [
        function(a.unflatten(0, (count, num_dst)), *(x.unflatten(0, (count, num_src)) for x in others))
        for (num_dst, num_src), count, (a, *others) in zip(distinct, counts, parts, strict=True)
    ]
    return torch.cat(outs).index_select(0, to_dst.argsort())


def _rows_of(ptr: Tensor, order: list[int]) -> Tensor:
    """The rows of packed graphs, graph by graph in another order."""
    first, size = ptr[:-1][order], ptr.diff()[order]
    total = int(ptr[-1])
    before = size.cumsum(0) - size
    return torch.arange(total, device=ptr.device) + (first - before).repeat_interleave(size, output_size=total)
