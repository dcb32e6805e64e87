"""Rotary positions: rotation of queries and keys, so that their dot products depend on relative positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Rotary(nn.Module):
    """Rotate each pair of entries of a query or key by an angle proportional to its position.

        (x_2t, x_2t+1) ← R(p θ_t) (x_2t, x_2t+1),   θ_t = base^(−2t / D),   so ⟨R(p) q, R(p') k⟩ depends on p' − p alone

    Args:
        head_dim: D; even.
        base: the longest wavelength is 2π · base.

    Shapes:
        x `[N, H, D]`, position `[N]` → `[N, H, D]`.

    Raises:
        ValueError: `head_dim` is odd.

    Example:
        >>> x = torch.tensor([1.0, 0.0]).expand(2, 1, 2)
        >>> Rotary(2)(x, torch.tensor([0, 1])).squeeze(1)
        tensor([[1.0000, 0.0000],
                [0.5403, 0.8415]])

    Su et al. 2021, arXiv:2104.09864, eq. 34.
    """

    def __init__(self, head_dim: int, *, base: float = 10000.0) -> None:
        super().__init__()
        if head_dim < 2 or head_dim % 2:
            raise ValueError(f"head_dim must be even, got {head_dim}")
        self.head_dim, self.base = head_dim, base

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        """Rotate x by its positions."""
        wide = torch.promote_types(x.dtype, torch.float32)  # large angles need float32 precision
        exponent = torch.arange(0, self.head_dim, 2, dtype=wide, device=x.device) / self.head_dim
        angle = position.to(wide).view(-1, 1, 1) * self.base**-exponent
        even, odd = x[..., 0::2].to(wide), x[..., 1::2].to(wide)
        cos, sin = angle.cos(), angle.sin()
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2).to(x.dtype)

    def extra_repr(self) -> str:
        """The options of the module, for `repr`."""
        return f"head_dim={self.head_dim}, base={self.base}"
