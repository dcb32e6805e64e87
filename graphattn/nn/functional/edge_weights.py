"""The two steps of attention as separate functions: normalize edge scores to weights, and sum weighted values.

For methods that modify the weights in between (a Gaussian, a sampled edge, a shift) or need only one step.
"""

from __future__ import annotations

from torch import Tensor

from graphattn.graph import Graph
from graphattn.ops.attention import attention


def normalize_edges(scores: Tensor, graph: Graph, normalize: str = "softmax") -> Tensor:
    """Edge weights from edge scores: α_ij = normalize_j(s_ij) over the edges into each destination.

    Args:
        scores: `[E, H]` in the order of `graph.edge_index`; −inf masks an edge.
        graph: the graph with E edges.
        normalize: see `graphattn.normalizers`.

    Returns:
        `[E, H]`, differentiable if the normalizer is.

    Example:
        >>> import torch, graphattn as ga
        >>> graph = ga.Graph(torch.tensor([[0, 1, 0], [0, 0, 1]]))
        >>> normalize_edges(torch.tensor([[1.0], [1.0], [5.0]]), graph).flatten()
        tensor([0.5000, 0.5000, 1.0000])
    """
    nothing = scores.new_zeros(graph.num_src, 1, 1)
    return attention(
        None, None, nothing, graph, score="none", edge_bias=scores, normalize=normalize, return_weights=True
    )[1]


def weighted_sum(weights: Tensor, values: Tensor, graph: Graph) -> Tensor:
    """The weighted sum of the in-neighbors' values at each destination: out_i = Σ_j w_ij v_j.

    Args:
        weights: `[E, H]` in the order of `graph.edge_index`; arbitrary real numbers.
        values: `[N, Hk, Dv]`, where Hk divides H.
        graph: the graph with E edges from N sources to M destinations.

    Returns:
        `[M, H, Dv]`.

    Example:
        >>> import torch, graphattn as ga
        >>> graph = ga.Graph(torch.tensor([[0, 1, 0], [0, 0, 1]]))
        >>> values = torch.tensor([1.0, 10.0]).view(2, 1, 1)
        >>> weighted_sum(torch.tensor([[0.5], [0.25], [2.0]]), values, graph).flatten()
        tensor([3., 2.])
    """
    out = attention(None, None, values, graph, score="none", edge_bias=weights, normalize="identity")
    assert isinstance(out, Tensor)
    return out
