"""Plain torch: gather, softmax, scatter, as one writes it without a library; and the same through `torch.compile`."""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.bench.contenders.contender import Attend, Contender
from graphattn.bench.contenders.formula import scores_and_values
from graphattn.graph import Graph


def _attend(score: str, src: Tensor, dst: Tensor, num_dst: int, *leaves: Tensor) -> Tensor:
    # index_select, for its backward pass is many times faster than that of x[index]
    scores, values = scores_and_values(
        score, leaves, lambda x: x.index_select(0, dst), lambda x: x.index_select(0, src)
    )
    rows = (num_dst, scores.shape[1])
    top = scores.new_full(rows, -torch.inf).scatter_reduce(0, dst[:, None].expand_as(scores), scores.detach(), "amax")
    weights = (scores - top.index_select(0, dst)).exp()
    total = scores.new_zeros(rows).index_add(0, dst, weights)
    weights = weights / total.index_select(0, dst)
    return values.new_zeros(num_dst, *values.shape[1:]).index_add(0, dst, weights.unsqueeze(-1) * values)


def _plain(score: str, graph: Graph) -> Attend:
    src, dst = graph.edge_index
    return lambda *leaves: _attend(score, src, dst, graph.num_dst, *leaves)


def _compiled(score: str, graph: Graph) -> Attend:
    """With sizes left open: one compilation, kept on disk, serves every graph; on a CPU fixing them gains nothing."""
    src, dst = graph.edge_index
    compiled = torch.compile(_attend, dynamic=True, fullgraph=True)
    return lambda *leaves: compiled(score, src, dst, graph.num_dst, *leaves)


PLAIN_TORCH = Contender("plain torch", _plain, edge_tensors=8)
COMPILED = Contender("torch.compile", _compiled, edge_tensors=8)
