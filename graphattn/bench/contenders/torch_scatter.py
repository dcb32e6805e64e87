"""Segment reductions of torch-scatter over edges sorted by destination."""

from __future__ import annotations

from torch import Tensor

from graphattn.bench.contenders.contender import Attend, Contender
from graphattn.bench.contenders.formula import scores_and_values
from graphattn.graph import Graph


def _prepare(score: str, graph: Graph) -> Attend:
    from torch_scatter import gather_csr, segment_csr

    indptr = graph.csr.indptr.long()
    src = graph.csr.indices.long()

    def at_dst(x: Tensor) -> Tensor:
        return gather_csr(x, indptr)

    def attend(*leaves: Tensor) -> Tensor:
        scores, values = scores_and_values(score, leaves, at_dst, lambda x: x.index_select(0, src))
        weights = (scores - at_dst(segment_csr(scores.detach(), indptr, reduce="max"))).exp()
        weights = weights / at_dst(segment_csr(weights, indptr, reduce="sum"))
        return segment_csr(weights.unsqueeze(-1) * values, indptr, reduce="sum")

    return attend


TORCH_SCATTER = Contender("torch-scatter", _prepare, needs="torch_scatter", edge_tensors=8)
