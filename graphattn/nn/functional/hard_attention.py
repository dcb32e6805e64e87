"""Hard attention: each destination looks at one in-neighbor.

`normalize="argmax"` of the operator takes the best and gives its scores no gradient. Here are the ways to train
through the choice: Gumbel noise with a straight-through gradient, or sampling with REINFORCE.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.graph import Graph
from graphattn.nn.functional.edge_weights import normalize_edges, weighted_sum


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The numbers of `hard` with the gradient of `soft`.

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
    """Weights of edges that are a sample from softmax(scores), with a gradient.

        y_ij = softmax_j((s_ij + g_ij) / τ),   g_ij = −log(−log u_ij), u uniform on (0, 1)

    Args:
        scores: `[E, H]` in the order of `graph.edge_index`.
        graph: who may look at whom.
        temperature: τ > 0; as it falls, the weights approach one-hot.
        hard: give one-hot weights, the gradient being that of y (straight-through); y itself otherwise.
        generator: of the noise; torch's default one when None.

    Returns:
        `[E, H]`, which `weighted_sum` applies to values.

    Raises:
        ValueError: the temperature is not positive.

    Jang et al. 2017, arXiv:1611.01144, eq. 2 and section 2.2; Maddison et al. 2017, arXiv:1611.00712.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    noisy = (scores + _gumbel(scores, generator)) / temperature
    soft = normalize_edges(noisy, graph)
    return straight_through(normalize_edges(noisy, graph, "argmax"), soft) if hard else soft


def sample_edges(weights: Tensor, graph: Graph, *, generator: torch.Generator | None = None) -> Tensor:
    """One edge of each destination, drawn with the probability that its weight says.

    The Gumbel-max trick: the largest of log α_ij + g_ij is distributed as α.

    Args:
        weights: probabilities `[E, H]` in the order of `graph.edge_index`.
        graph: who may look at whom.
        generator: of the noise; torch's default one when None.

    Returns:
        `[E, H]`, 1 for the chosen and 0 for the others, without gradient.

    Xu et al. 2015 (Show, Attend and Tell), arXiv:1502.03044, section 4.1.
    """
    return normalize_edges(weights.detach().log() + _gumbel(weights, generator), graph, "argmax")


def log_probability(choice: Tensor, weights: Tensor, graph: Graph) -> Tensor:
    """The log-probability of the chosen edges, `[M, H]`: log Σ_j c_ij α_ij.

    Args:
        choice: one-hot, `[E, H]`, as `sample_edges` gives it.
        weights: probabilities `[E, H]`.
        graph: who may look at whom; each destination has an edge.
    """
    ones = weights.new_ones(graph.num_src, 1, 1)
    return weighted_sum(choice * weights, ones, graph).squeeze(-1).clamp(min=torch.finfo(weights.dtype).tiny).log()


def _gumbel(like: Tensor, generator: torch.Generator | None) -> Tensor:
    tiny = torch.finfo(like.dtype).tiny
    return -torch.empty_like(like.detach()).exponential_(generator=generator).clamp(min=tiny).log()
