"""DGL's message passing: scores of all edges, softmax and weighted sum, each a kernel of its own."""

from __future__ import annotations

from importlib import import_module

import torch.nn.functional as F
from torch import Tensor

from graphattn.bench.contenders.contender import Attend, Contender
from graphattn.bench.contenders.formula import SLOPE
from graphattn.graph import Graph


def _prepare(score: str, graph: Graph) -> Attend:
    dgl, ops = import_module("dgl"), import_module("dgl.ops")
    src, dst = graph.edge_index
    sizes = {"source": graph.num_src, "destination": graph.num_dst}
    theirs = dgl.heterograph({("source", "edge", "destination"): (src, dst)}, sizes)

    def attend(*leaves: Tensor) -> Tensor:  # u is the source of an edge, v its destination
        q, k, v = leaves
        if score == "dot":
            scores = ops.u_dot_v(theirs, k, q) * q.shape[-1] ** -0.5
        elif score == "sum":
            scores = F.leaky_relu(ops.u_add_v(theirs, k, q), SLOPE).unsqueeze(-1)
        else:
            v, vector = k, v
            scores = (F.leaky_relu(ops.u_add_v(theirs, k, q), SLOPE) * vector).sum(-1, keepdim=True)
        return ops.u_mul_e_sum(theirs, v, ops.edge_softmax(theirs, scores))

    return attend


DGL = Contender("DGL", _prepare, needs="dgl", edge_tensors=2)
