"""The two halves of attention, apart: scores of edges into weights, and weights with values into a sum.

For systems that change the weights in between (a Gaussian, a sampled choice, a shift), or that want only one half.
"""

from __future__ import annotations

from torch import Tensor

from graphattn.graph import Graph
from graphattn.ops.attention import attention


def normalize_edges(scores: Tensor, graph: Graph, normalize: str = "softmax") -> Tensor:
    """The weights of edges, from their scores: α_ij = normalize_j(s_ij) over the edges of each destination.

    Args:
        scores: `[E, H]` in the order of `graph.edge_index`; −inf hides an edge.
        graph: who may look at whom.
        normalize: see `graphattn.normalizers`.

    Returns:
        `[E, H]`, differentiable as the normalizer is.

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
    """Each destination's sum of its in-neighbors' values: out_i = Σ_j w_ij v_j.

    Args:
        weights: `[E, H]` in the order of `graph.edge_index`, any numbers.
        values: `[N, Hk, Dv]`, Hk a divisor of H.
        graph: who may look at whom.

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
