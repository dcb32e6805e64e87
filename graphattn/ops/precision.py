"""What backends agree on: the precision in which they add up, the order of edge tensors, and what is little."""

from __future__ import annotations

import torch
from torch import Tensor

FEW_PAIRS = 12_000  # pairs times heads, below which a call of its own costs more than a pass over the edges (measured)
FEW_NUMBERS = 2**16  # below which what matters is how many calls there are, not what each of them does (measured)


def is_small(tensor: Tensor) -> bool:
    """Whether the plainest way through PyTorch is the fastest; False in a compiled program, which serves all sizes."""
    return not torch.compiler.is_compiling() and tensor.numel() < FEW_NUMBERS


def under_autocast(tensor: Tensor) -> bool:
    """Whether autocast is on for the device of a tensor; "meta" has none to ask about."""
    return not tensor.is_meta and torch.is_autocast_enabled(tensor.device.type)


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
