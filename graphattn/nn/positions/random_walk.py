"""Positions in a graph as the chance that a random walk has come back."""

from __future__ import annotations

from torch import Tensor

from graphattn.graph import Graph


def random_walk_returns(graph: Graph, steps: int) -> Tensor:
    """The probability that a random walk from each node is there again after 1, ..., `steps` steps, `[N, steps]`.

        out_i = [(D⁻¹ A)_ii, (D⁻¹ A)²_ii, ...]

    PyG's `AddRandomWalkPE`. The walk goes along the edges, from source to destination.

    Raises:
        ValueError: `steps` is below 1, or sources and destinations are not one set.

    Example:
        >>> import torch
        >>> random_walk_returns(Graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])), 2)
        tensor([[0.0000, 0.5000],
                [0.0000, 1.0000],
                [0.0000, 0.5000]])

    Dwivedi et al. 2022, arXiv:2110.07875, eq. 3.
    """
    from torch_geometric.data import Data
    from torch_geometric.transforms import AddRandomWalkPE

    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    data = Data(edge_index=graph.edge_index, num_nodes=graph.num_nodes)
    return AddRandomWalkPE(steps, attr_name="returns")(data).returns
