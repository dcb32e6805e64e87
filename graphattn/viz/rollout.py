"""Attention followed through several layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from graphattn.graph import Graph
from graphattn.viz.canvas import as_matrix, mean_over_heads


def rollout(graphs: Graph | Sequence[Graph], weights: Sequence[Tensor], *, residual: float = 0.5) -> Tensor:
    """How much of each source reaches each destination through all layers.

        R = Π_l (r I + (1 − r) A_l),   A_l the attention of layer l, rows adding up to one, mean over heads

    Args:
        graphs: the graph of all layers, or one for each, over the same nodes.
        weights: of each layer, first to last, `[E]` or `[E, H]`.
        residual: r, the share that passes by in the residual connection.

    Returns:
        `[N, N]`, rows adding up to one where each node looks at any.

    Raises:
        ValueError: graphs and weights differ in number, or a graph has two sets of nodes.

    Abnar & Zuidema 2020, arXiv:2005.00928, eq. 1.

    Example:
        >>> import graphattn as ga
        >>> graph = ga.causal(2)  # the second node looks at both
        >>> rollout(graph, [torch.tensor([1.0, 0.5, 0.5])] * 2)
        tensor([[1.0000, 0.0000],
                [0.4375, 0.5625]])
    """
    each = [graphs] * len(weights) if isinstance(graphs, Graph) else list(graphs)
    if len(each) != len(weights) or not each:
        raise ValueError(f"one graph for each layer's weights, got {len(each)} and {len(weights)}")
    nodes = each[0].num_nodes
    passed = torch.eye(nodes)
    for graph, layer in zip(each, weights, strict=True):
        looks = as_matrix(graph, mean_over_heads(graph, layer))
        total = looks.sum(1, keepdim=True)
        looks = torch.where(total > 0, looks / total.clamp(min=1e-30), torch.eye(nodes))
        passed = (residual * torch.eye(nodes) + (1 - residual) * looks) @ passed
    return passed
