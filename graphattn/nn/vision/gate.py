"""Sigmoid gates as attention: each node attends to itself only, with the normalizer "sigmoid"."""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.graph import Graph
from graphattn.nn.functional.edge_weights import normalize_edges, weighted_sum


def gate(logits: Tensor, values: Tensor) -> Tensor:
    """sigmoid(s_i) · v_i, computed on the graph that has self-loops only.

    Args:
        logits: s, `[N, H]`.
        values: v, `[N, H, Dv]` or `[N, 1, Dv]`.

    Returns:
        `[N, H, Dv]`.
    """
    nodes = torch.arange(logits.shape[0], device=logits.device)
    graph = Graph(nodes.expand(2, -1), logits.shape[0])
    return weighted_sum(normalize_edges(logits, graph, "sigmoid"), values, graph)
