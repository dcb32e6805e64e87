"""Batches of complete, causal or bipartite graphs: those of one size run together, so that nothing is padded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.graph import Bipartite, Causal, Complete
from graphattn.graph.memo import derived

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
    sizes = _sizes(graph)
    distinct = distinct_sizes(graph) or [(0, 0)]
    if len(distinct) == 1:
        ((num_dst, num_src),), count = distinct, max(len(sizes), 1)
        return function(q.unflatten(0, (count, num_dst)), *(x.unflatten(0, (count, num_src)) for x in (k, v)))
    count_of = Counter(sizes)
    counts = [count_of[size] for size in distinct]
    by_dst = [count * num_dst for count, (num_dst, _) in zip(counts, distinct, strict=True)]
    by_src = [count * num_src for count, (_, num_src) in zip(counts, distinct, strict=True)]
    order = derived(graph, "by_size", lambda: _order(graph, sizes))
    parts = zip(
        q.index_select(0, order.dst).split(by_dst),
        k.index_select(0, order.src).split(by_src),
        v.index_select(0, order.src).split(by_src),
        strict=True,
    )
    outs = [
        function(a.unflatten(0, (count, num_dst)), *(x.unflatten(0, (count, num_src)) for x in others))
        for (num_dst, num_src), count, (a, *others) in zip(distinct, counts, parts, strict=True)
    ]
    return torch.cat(outs).index_select(0, order.back)


def distinct_sizes(graph: Complete | Causal | Bipartite) -> list[tuple[int, int]]:
    """The destinations and sources of the graphs of a batch, each pair once, in ascending order."""

    def make() -> list[tuple[int, int]]:
        sizes = _sizes(graph)
        return sizes if len(sizes) == 1 else sorted(set(sizes))  # a size left open has no order, nor a place in a set

    return derived(graph, "distinct_sizes", make)


def _sizes(graph: Complete | Causal | Bipartite) -> list[tuple[int, int]]:
    return list(zip(graph.dst_sizes, graph.src_sizes, strict=True))


class _Order(NamedTuple):
    """The nodes of packed graphs, those of graphs of one size together."""

    dst: Tensor  # the destination at each place, [M]
    src: Tensor  # the source at each place, [N]
    back: Tensor  # the place of each destination, [M]


def _order(graph: Complete | Causal | Bipartite, sizes: Sequence[tuple[int, int]]) -> _Order:
    order = sorted(range(len(sizes)), key=lambda number: sizes[number])
    dst, src = (_rows_of(each, order, graph.device) for each in (graph.dst_sizes, graph.src_sizes))
    return _Order(dst, src, dst.argsort())


def _rows_of(sizes: Sequence[int], order: Sequence[int], device: torch.device) -> Tensor:
    """The rows of packed graphs, graph by graph in another order."""
    first = list(accumulate(sizes, initial=0))
    size = torch.tensor([sizes[number] for number in order], device=device)
    ahead = torch.tensor([first[number] for number in order], device=device) - (size.cumsum(0) - size)
    total = sum(sizes)
    return torch.arange(total, device=device) + ahead.repeat_interleave(size, output_size=total)
