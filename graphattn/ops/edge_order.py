"""Edge tensors in the order of `graph.edge_index`, which is the caller's, and in the order by destination.

`perm[p]` is the number in `graph.edge_index` of the edge at place p by destination; None if both orders are the same.
"""

from __future__ import annotations

import torch
from torch import Tensor


def by_destination(edge_tensor: Tensor, perm: Tensor | None) -> Tensor:
    """Edges of the caller's order, by destination."""
    return edge_tensor if perm is None else edge_tensor.index_select(0, perm)


def in_callers_order(edge_tensor: Tensor, perm: Tensor | None) -> Tensor:
    """Edges by destination, in the caller's order."""
    if perm is None:
        return edge_tensor
    return torch.zeros_like(edge_tensor).index_copy(0, perm.long(), edge_tensor)
