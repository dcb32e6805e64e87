"""The heads of a layer: their number, checked, and how they come together at the end."""

import torch
from torch import Tensor

from graphattn.ops.thresholds import is_small


def check_heads(out_channels: int, heads: int, dropout: float) -> None:
    """Raise ValueError for sizes that are not positive and a dropout that is no probability."""
    for name, number in (("out_channels", out_channels), ("heads", heads)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if not 0 <= dropout <= 1:
        raise ValueError(f"dropout is a probability in [0, 1], got {dropout}")


def head_scores(rows: Tensor, *vectors: Tensor) -> tuple[Tensor, ...]:
    """⟨a_h, x_nh⟩ of rows `[N, H, C]` with each vector `[1, H, C]`, `[N, H]` in the rows' dtype.

    One product with a matrix of blocks: H times the arithmetic that is needed, and several times faster on small heads
    than a product for each head or a sum over a tensor of the rows' size, unless the rows are few.
    """
    if is_small(rows):
        return tuple((rows * vector).sum(-1).to(rows.dtype) for vector in vectors)
    H = rows.shape[1]
    scores = rows.flatten(1) @ blocks(*vectors).to(rows.dtype)
    return tuple(each.to(rows.dtype) for each in scores.split(H, dim=1))


def blocks(*vectors: Tensor) -> Tensor:
    """The matrix `[H·C, V·H]` that takes heads side by side to their products with V vectors `[1, H, C]`."""
    stacked = torch.cat(vectors)  # [V, H, C]
    V, H, C = stacked.shape
    diagonal = torch.eye(H, dtype=stacked.dtype, device=stacked.device).unsqueeze(1)
    return (stacked.unsqueeze(-1) * diagonal).permute(1, 2, 0, 3).reshape(H * C, V * H)


def join_heads(out: Tensor, width: int, concat: bool) -> Tensor:
    """Heads `[M, H, C]` side by side, `width` wide, or their mean."""
    return out.reshape(-1, width) if concat else out.mean(1)
