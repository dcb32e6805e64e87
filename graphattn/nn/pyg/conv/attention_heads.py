"""Helpers for the attention heads of a layer: checks, scores, and concatenation or mean."""

import torch
from torch import Tensor

from graphattn.ops.thresholds import is_small


def check_heads(out_channels: int, heads: int, dropout: float) -> None:
    """Raise ValueError unless the sizes are positive and `dropout` is a probability."""
    for name, number in (("out_channels", out_channels), ("heads", heads)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if not 0 <= dropout <= 1:
        raise ValueError(f"dropout is a probability in [0, 1], got {dropout}")


def head_scores(rows: Tensor, *vectors: Tensor) -> tuple[Tensor, ...]:
    """⟨a_h, x_nh⟩ of rows `[N, H, C]` with each vector `[1, H, C]`, `[N, H]` in the rows' dtype.

    Computed as a product with a block-diagonal matrix. This takes H times as many operations as necessary, but is
    several times faster for small heads than one product per head or an elementwise product and sum, unless there are
    few rows.
    """
    if is_small(rows):
        return tuple((rows * vector).sum(-1).to(rows.dtype) for vector in vectors)
    H = rows.shape[1]
    scores = rows.flatten(1) @ block_diagonal(*vectors).to(rows.dtype)
    return tuple(each.to(rows.dtype) for each in scores.split(H, dim=1))


def block_diagonal(*vectors: Tensor) -> Tensor:
    """The block-diagonal matrix `[H·C, V·H]` that multiplies concatenated heads by V vectors `[1, H, C]`."""
    stacked = torch.cat(vectors)  # [V, H, C]
    V, H, C = stacked.shape
    diagonal = torch.eye(H, dtype=stacked.dtype, device=stacked.device).unsqueeze(1)
    return (stacked.unsqueeze(-1) * diagonal).permute(1, 2, 0, 3).reshape(H * C, V * H)


def join_heads(out: Tensor, width: int, concat: bool) -> Tensor:
    """Concatenate the heads `[M, H, C]` to `[M, width]`, or average them."""
    return out.reshape(-1, width) if concat else out.mean(1)
