"""Hard attention: each destination attends to exactly one in-neighbor.

`normalize="argmax"` of the operator selects the in-neighbor of highest score and gives the scores no gradient. These
functions make the selection trainable: by Gumbel noise with a straight-through gradient, or by sampling with
`Reinforce`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.graph import Graph
from graphattn.nn.functional.edge_weights import normalize_edges, weighted_sum


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The values of `hard` in the forward pass and the gradient of `soft` in the backward pass.

    Bengio et al. 2013, arXiv:1308.3432, section 4.
    """
    return hard.detach() + (soft - soft.detach())


def gumbel_softmax(
    scores: Tensor,
    graph: Graph,
    *,
    temperature: float = 1.0,
    hard: bool = True,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Edge weights sampled from the (relaxed) categorical distribution softmax(scores), with a gradient.

        y_ij = softmax_j((s_ij + g_ij) / τ),   g_ij = −log(−log u_ij), u uniform on (0, 1)

    Args:
        scores: `[E, H]` in the order of `graph.edge_index`.
        graph: the graph with E edges.
        temperature: τ > 0; the weights approach one-hot as it approaches 0.
        hard: return one-hot weights with the gradient of y (straight-through) instead of y.
        generator: random number generator of the noise; torch's default generator when None.

    Returns:
        `[E, H]`, for `weighted_sum`.

    Raises:
        ValueError: `temperature` is not positive.

    Jang et al. 2017, arXiv:1611.01144, eq. 2 and section 2.2; Maddison et al. 2017, arXiv:1611.00712.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    noisy = (scores + _gumbel(scores, generator)) / temperature
    soft = normalize_edges(noisy, graph)
    return straight_through(normalize_edges(noisy, graph, "argmax"), soft) if hard else soft


def sample_edges(weights: Tensor, graph: Graph, *, generator: torch.Generator | None = None) -> Tensor:
    """Sample one edge per destination and head, with probabilities given by the weights.

    Uses the Gumbel-max trick: the argmax of log α_ij + g_ij is distributed as α.

    Args:
        weights: probabilities `[E, H]` in the order of `graph.edge_index`.
        graph: the graph with E edges.
        generator: random number generator of the noise; torch's default generator when None.

    Returns:
        `[E, H]`, 1 for sampled edges and 0 for the others, without gradient.

    Xu et al. 2015 (Show, Attend and Tell), arXiv:1502.03044, section 4.1.
    """
    return normalize_edges(weights.detach().log() + _gumbel(weights, generator), graph, "argmax")


def log_probability(choice: Tensor, weights: Tensor, graph: Graph) -> Tensor:
    """The log-probability of the sampled edges, `[M, H]`: log Σ_j c_ij α_ij.

    Args:
        choice: one-hot, `[E, H]`, as returned by `sample_edges`.
        weights: probabilities `[E, H]`.
        graph: the graph with E edges, at least one into each destination.
    """
    ones = weights.new_ones(graph.num_src, 1, 1)
    return weighted_sum(choice * weights, ones, graph).squeeze(-1).clamp(min=torch.finfo(weights.dtype).tiny).log()


def _gumbel(like: Tensor, generator: torch.Generator | None) -> Tensor:
    tiny = torch.finfo(like.dtype).tiny
    return -torch.empty_like(like.detach()).exponential_(generator=generator).clamp(min=tiny).log()
