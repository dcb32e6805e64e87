"""A learned bias per offset of a window or grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.graph.neighborhood import Neighborhood


class OffsetBias(nn.Module):
    """A learned bias per head and offset between a cell and its neighbor.

        b_ij^h = table[offset(i, j), h]

    On a grid with border "shift" and score "dot" this is neighborhood attention. With score "none", the attention is a
    convolution whose kernel is the softmax of the biases.

    Args:
        offset_shape: shape of the table, `graph.offset_shape`.
        num_heads: H.

    Shapes:
        graph of E edges → `[E, H]`, for `edge_bias`.

    Hassani et al. 2023, arXiv:2204.07143, eq. 2; Liu et al. 2021, arXiv:2103.14030, eq. 4.
    """

    def __init__(self, offset_shape: Sequence[int], num_heads: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(*offset_shape, num_heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new values from a normal distribution with standard deviation 0.02."""
        nn.init.normal_(self.table, std=0.02)

    def forward(self, graph: Neighborhood) -> Tensor:
        """The bias of each edge, `[E, H]`.

        Raises:
            TypeError: the graph is neither a window nor a grid.
            ValueError: its offsets do not fit the table.
        """
        if not isinstance(graph, Neighborhood):
            raise TypeError(f"graph is a window or a grid, got {type(graph).__name__}")
        if graph.offset_shape != tuple(self.table.shape[:-1]):
            raise ValueError(
                f"the table is for offsets {tuple(self.table.shape[:-1])}, the graph has {graph.offset_shape}"
            )
        return F.embedding(graph.offset_index, self.table.flatten(0, -2))
