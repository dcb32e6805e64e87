"""A learned bias for each offset of a window or a grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.graph.neighborhood import Neighborhood


class OffsetBias(nn.Module):
    """A learned number for each head and each offset between a cell and one that it sees.

        b_ij^h = table[offset(i, j), h]

    On a grid of border "shift" with the score "dot" this is neighborhood attention. With the score "none", that is
    the bias alone, it is a convolution whose kernel is a softmax over its cells: the same for every cell and input.

    Args:
        offset_shape: the table's axes: `graph.offset_shape`, the same for every window or grid of one rule.
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
        """Draw new numbers, normal of deviation 0.02."""
        nn.init.normal_(self.table, std=0.02)

    def forward(self, graph: Neighborhood) -> Tensor:
        """The bias of each edge, `[E, H]`.

        Raises:
            TypeError: the graph is no window and no grid.
            ValueError: it has other offsets than the table.
        """
        if not isinstance(graph, Neighborhood):
            raise TypeError(f"graph is a window or a grid, got {type(graph).__name__}")
        if graph.offset_shape != tuple(self.table.shape[:-1]):
            raise ValueError(
                f"the table is for offsets {tuple(self.table.shape[:-1])}, the graph has {graph.offset_shape}"
            )
        return F.embedding(graph.offset_index, self.table.flatten(0, -2))
