"""No rival but a measure: merely gathering what the edges need to read, k[src] and v[src], and adding gradients up."""

from __future__ import annotations

from torch import Tensor

from graphattn.bench.contenders.contender import Attend, Contender
from graphattn.graph import Graph


def _prepare(score: str, graph: Graph) -> Attend:
    src = graph.edge_index[0]

    def attend(*leaves: Tensor) -> tuple[Tensor, ...]:
        of_sources = leaves[1:2] if score == "additive" else leaves[1:]  # there, keys are values
        return tuple(x.index_select(0, src) for x in of_sources)

    return attend


GATHER = Contender("gather", _prepare, edge_tensors=4)
