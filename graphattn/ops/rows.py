"""Calls that have too many edges to serve at once: some destinations at a time.

Of a large complete, causal or bipartite graph the edges, one for each pair of nodes, are never there all at once: each
run of destinations is a graph of its own, made, used and forgotten; the backward pass makes it again. Other graphs
have their edges, but what is made for each of them is there for one run only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from graphattn.graph import Bipartite, Causal, Complete, Graph, bipartite
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.random import new_seed
from graphattn.ops.scores import Cosine
from graphattn.ops.state import State

BUDGET = 2**28  # bytes that what is made for the edges may take

RUNS = 8  # at least so many, of about as many edges, on a graph that has its edges

_INDEX_BYTES = 16  # of an edge, by destination and by source


def needed(call: AttentionCall, backend: str) -> bool:
    """Whether a backend that reads edges should be given some destinations at a time."""
    if not isinstance(call.graph, Complete | Causal | Bipartite) or not _has_parts(call):
        return False
    return call.graph.num_edges * _bytes_per_edge(call, backend) > BUDGET


def possible(call: AttentionCall) -> bool:
    """Whether parts of a call on any graph, on any backend, give what the whole would: not the mask of dropout."""
    return not call.dropout and _has_parts(call)


def attention(call: AttentionCall, run: Callable[[AttentionCall], Any], backend: str) -> Tensor | State:
    """Run one call on a backend, `run`, that reads edges; with dropout, one that heeds `call.drawn`."""
    answers = []
    if call.dropout:
        call = replace(call, drawn=(new_seed(call.v.device), 0))
    for piece in _pieces(call, _bytes_per_edge(call, backend)):
        if call.needs_grad:
            answers.append(checkpoint(_run, call, piece, run, use_reentrant=False, preserve_rng_state=False))
        else:
            answers.append(_run(call, piece, run))
    if call.return_state:
        return State(*(torch.cat(each) for each in zip(*answers, strict=True)))
    return torch.cat(answers)


def _has_parts(call: AttentionCall) -> bool:
    """Whether the answer is that of its destinations, one after another: not where there are weights of edges."""
    beta = call.score.beta if isinstance(call.score, Cosine) else None
    of_edges = isinstance(beta, Tensor) and beta.ndim > 1
    return call.graph.num_dst > 0 and not (call.return_weights or of_edges)


def _bytes_per_edge(call: AttentionCall, backend: str) -> int:
    if backend != "reference":
        return _INDEX_BYTES
    width = call.q.shape[-1] if call.q is not None and call.q.ndim == 3 else 1
    return _INDEX_BYTES + call.heads * (2 * width + 2 * call.v.shape[2]) * max(4, call.v.element_size())


_Piece = tuple[slice, slice, slice]
"""Destinations, the sources they see, and their edges."""


def _pieces(call: AttentionCall, bytes_per_edge: int) -> Iterator[_Piece]:
    graph = call.graph
    if not isinstance(graph, Complete | Causal | Bipartite):
        yield from _runs(graph, bytes_per_edge)
        return
    firsts = accumulate(zip(graph.dst_sizes, graph.src_sizes, strict=True), _after, initial=(0, 0))
    edge = 0
    for num_dst, num_src, (dst, src) in zip(graph.dst_sizes, graph.src_sizes, firsts, strict=False):
        at_once = max(1, BUDGET // (bytes_per_edge * max(num_src, 1)))
        for first in range(0, num_dst, at_once):
            last = min(first + at_once, num_dst)
            seen, count = num_src, (last - first) * num_src
            if isinstance(graph, Causal):
                seen, count = last, (last - first) * (first + last + 1) // 2
            yield slice(dst + first, dst + last), slice(src, src + seen), slice(edge, edge + count)
            edge += count


def _runs(graph: Graph, bytes_per_edge: int) -> Iterator[_Piece]:
    """Destinations of a graph that has its edges, here those by destination."""
    most = min(BUDGET // bytes_per_edge, -(-graph.num_edges // RUNS))
    starts = graph.csr.indptr.tolist()
    first = 0
    while first < graph.num_dst:
        last = max(first + 1, bisect_right(starts, starts[first] + most) - 1)
        yield slice(first, last), slice(0, graph.num_src), slice(starts[first], starts[last])
        first = last


def _after(first: tuple[int, int], sizes: tuple[int, int]) -> tuple[int, int]:
    return first[0] + sizes[0], first[1] + sizes[1]


def _run(call: AttentionCall, piece: _Piece, run: Callable[[AttentionCall], Any]) -> Any:
    rows, columns, edges = piece
    num_dst, num_src = rows.stop - rows.start, columns.stop - columns.start
    if not isinstance(call.graph, Complete | Causal | Bipartite):
        _, indices, perm = call.graph.csr
        nodes, count = torch.arange(num_dst, device=call.graph.device), edges.stop - edges.start
        dst = nodes.repeat_interleave(call.graph.in_degree[rows], output_size=count)
        graph = Graph(torch.stack([indices[edges].long(), dst]), num_dst=num_dst, num_src=num_src)
        return run(call.part(graph, rows, columns, edges if perm is None else perm[edges].long()))
    if isinstance(call.graph, Causal):
        pairs = torch.tril_indices(num_dst, num_src, num_src - num_dst, device=call.graph.device)
        graph = Graph(pairs.flip(0), num_dst=num_dst, num_src=num_src)
    else:
        graph = bipartite(num_dst, num_src, device=call.graph.device)
    part = call.part(graph, rows, columns, edges)
    return run(part if call.drawn is None else replace(part, drawn=(call.drawn[0], edges.start)))
