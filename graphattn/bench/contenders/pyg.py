"""PyTorch Geometric's own layers, without their linear maps: message, softmax and aggregation."""

from __future__ import annotations

from torch import Tensor

from graphattn.bench.contenders.contender import Attend, Contender
from graphattn.bench.contenders.formula import SLOPE
from graphattn.graph import Graph


def _prepare(score: str, graph: Graph) -> Attend:
    from torch_geometric.nn import GATConv, GATv2Conv, TransformerConv

    edge_index, size = graph.edge_index, (graph.num_src, graph.num_dst)

    def transformer(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        layer = TransformerConv(1, q.shape[2], heads=q.shape[1])
        return layer.propagate(edge_index, query=q, key=k, value=v, edge_attr=None, size=size)

    def gat(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        layer = GATConv(1, v.shape[2], heads=v.shape[1], negative_slope=SLOPE)
        weights = layer.edge_updater(edge_index, alpha=(k, q), edge_attr=None, size=size)
        return layer.propagate(edge_index, x=(v, None), alpha=weights, size=size)

    def gatv2(q: Tensor, k: Tensor, vector: Tensor) -> Tensor:
        layer = GATv2Conv(1, k.shape[2], heads=k.shape[1], negative_slope=SLOPE)
        del layer.att  # a parameter, in whose place the case's vector gets its gradient
        layer.att = vector.unsqueeze(0)
        weights = layer.edge_updater(edge_index, x=(k, q), edge_attr=None, size=size)
        return layer.propagate(edge_index, x=(k, q), alpha=weights, size=size)

    return {"dot": transformer, "sum": gat, "additive": gatv2}[score]


PYG = Contender("PyG", _prepare, needs="torch_geometric", edge_tensors=8)
