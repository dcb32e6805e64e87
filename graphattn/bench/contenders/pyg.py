"""PyTorch Geometric's own layers, without their linear maps: message, softmax and sum; and the same compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from graphattn.bench.case import Case
from graphattn.bench.contenders.contender import Attend, Contender
from graphattn.bench.contenders.formula import SLOPE
from graphattn.graph import Graph


def _prepare(score: str, graph: Graph, change: Callable[[Any], Any] = lambda function: function) -> Attend:
    from torch_geometric.nn import GATConv, GATv2Conv, TransformerConv

    edge_index, size = graph.edge_index, (graph.num_src, graph.num_dst)
    layers: list[Any] = []  # made at the first call, which knows the sizes

    def transformer(layer: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return layer.propagate(edge_index, query=q, key=k, value=v, edge_attr=None, size=size)

    def gat(layer: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        weights = layer.edge_updater(edge_index, alpha=(k, q), edge_attr=None, size=size)
        return layer.propagate(edge_index, x=(v, None), alpha=weights, size=size)

    def gatv2(layer: Any, q: Tensor, k: Tensor, vector: Tensor) -> Tensor:
        layer.att = vector.unsqueeze(0)
        weights = layer.edge_updater(edge_index, x=(k, q), edge_attr=None, size=size)
        return layer.propagate(edge_index, x=(k, q), alpha=weights, size=size)

    run = change({"dot": transformer, "sum": gat, "additive": gatv2}[score])

    def attend(q: Tensor, k: Tensor, last: Tensor) -> Tensor:
        if not layers:
            heads, width = (last if score == "sum" else k).shape[1:]
            if score == "dot":
                layers.append(TransformerConv(1, width, heads=heads))
            else:
                layers.append((GATConv if score == "sum" else GATv2Conv)(1, width, heads=heads, negative_slope=SLOPE))
            if score == "additive":
                del layers[0].att  # a parameter, in whose place the case's vector gets its gradient
        return run(layers[0], q, k, last)

    return attend


def _compiled(score: str, graph: Graph) -> Attend:
    return _prepare(score, graph, torch.compile)


def _on_a_gpu(case: Case, graph: Graph, device: str) -> bool:
    return device == "cuda"


PYG = Contender("PyG", _prepare, needs="torch_geometric", edge_tensors=8)
COMPILED_PYG = Contender("PyG, compiled", _compiled, needs="torch_geometric", edge_tensors=8, serves=_on_a_gpu)
