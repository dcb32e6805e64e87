"""turbo-gnn's fused CUDA kernels: one node set, widths that are powers of two from 32 to 256, no GAT."""

from __future__ import annotations

from importlib import import_module

import torch
from torch import Tensor

from graphattn.bench.case import Case
from graphattn.bench.contenders.contender import Attend, Contender
from graphattn.bench.contenders.formula import SLOPE
from graphattn.graph import Graph


def _prepare(score: str, graph: Graph) -> Attend:
    turbo = import_module("turbo_gnn")
    adjacency = turbo.AdjacencyForwardBackwardWithNodeBuckets
    theirs = adjacency.from_edge_list(graph.edge_index, num_nodes=graph.num_nodes, index_dtype=torch.int32)
    theirs = theirs.to(str(graph.device))

    def dot(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        # What it calls Q belongs to the sources, and its K to the destinations.
        return turbo.graph_transformer_aggr(theirs, q, Q=k, K=q, V=v, scale=q.shape[-1] ** -0.5)

    def additive(q: Tensor, k: Tensor, vector: Tensor) -> Tensor:
        return turbo.gatv2_aggr(theirs, q, k, vector, SLOPE).view_as(q)

    return dot if score == "dot" else additive


def _serves(case: Case, graph: Graph, device: str) -> bool:
    one_node_set = graph.num_src == graph.num_dst
    return device == "cuda" and one_node_set and case.score != "sum" and case.width in (32, 64, 128, 256)


TURBO_GNN = Contender("turbo-gnn", _prepare, needs="turbo_gnn", serves=_serves)
