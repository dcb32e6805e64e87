"""`graphattn.attention`, with the backend that it chooses."""

from __future__ import annotations

from torch import Tensor

from graphattn.bench.contenders.contender import Attend, Contender
from graphattn.bench.contenders.formula import SLOPE
from graphattn.graph import Graph
from graphattn.ops.attention import attention
from graphattn.ops.scores import Additive, Score, Sum


def _prepare(score: str, graph: Graph) -> Attend:
    graph.csc  # noqa: B018  # made once per graph, so not part of a call

    def attend(*leaves: Tensor) -> Tensor:
        q, k, last = leaves
        how: str | Score = "dot"
        v = last
        if score == "sum":
            how = Sum(SLOPE)
        elif score == "additive":
            how, v = Additive(last, negative_slope=SLOPE), k
        out = attention(q, k, v, graph, score=how)
        assert isinstance(out, Tensor)
        return out

    return attend


GRAPHATTN = Contender("graphattn", _prepare)
