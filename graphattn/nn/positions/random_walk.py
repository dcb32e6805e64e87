"""Positions in a graph as return probabilities of random walks."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphattn.graph import Graph


def random_walk_returns(graph: Graph, steps: int) -> Tensor:
    """The probabilities that a random walk from each node is back after 1, ..., `steps` steps, `[N, steps]`.

        out_i = [(D⁻¹ A)_ii, (D⁻¹ A)²_ii, ...]

    The walk follows the edges from source to destination and takes each of a node's edges with equal probability,
    parallel edges included. On graphs without parallel edges this is PyG's `AddRandomWalkPE`.

    Raises:
        ValueError: `steps` is below 1, or sources and destinations are different node sets.

    Example:
        >>> random_walk_returns(Graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])), 2)
        tensor([[0.0000, 0.5000],
                [0.0000, 1.0000],
                [0.0000, 0.5000]])

    Dwivedi et al. 2022, arXiv:2110.07875, eq. 3.
    """
    from scipy.sparse import csr_matrix

    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    N, (src, dst) = graph.num_nodes, graph.edge_index.cpu().numpy()
    walk = csr_matrix((1 / np.bincount(src, minlength=N)[src], (src, dst)), shape=(N, N))  # D⁻¹ A
    power, returns = walk, [walk.diagonal()]
    for _ in range(1, steps):
        power = power @ walk
        returns.append(power.diagonal())
    return torch.from_numpy(np.stack(returns, 1)).to(graph.device, torch.get_default_dtype())
