"""What backends agree on: the precision in which they add up, and the order of edge tensors."""

from __future__ import annotations

import torch
from torch import Tensor


def wide_dtype(dtype: torch.dtype) -> torch.dtype:
    """float32 for halves: the precision in which everything is added up."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def wide(tensor: Tensor) -> Tensor:
    """In float32 at least."""
    return tensor.to(wide_dtype(tensor.dtype))


def in_callers_order(edge_tensor: Tensor, perm: Tensor | None) -> Tensor:
    """Edges by destination back in the order of `graph.edge_index`; `perm[p]` is the caller's edge at place p."""
    if perm is None:
        return edge_tensor
    return torch.zeros_like(edge_tensor).index_copy(0, perm.long(), edge_tensor)
