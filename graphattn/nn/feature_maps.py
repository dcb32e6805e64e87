"""Feature maps of linear attention: functions φ with ⟨φ(q), φ(k)⟩ ≥ 0 in place of exp ⟨q, k⟩."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.nn.positions.place import sizes_of

FeatureMap = Callable[[Tensor, Tensor, Graph], tuple[Tensor, Tensor]]
"""Maps queries, keys and the graph between them to the features of queries and keys."""


class PerformerFeatures(nn.Module):
    """Positive orthogonal random features, whose expected dot product is the kernel of softmax attention.

        φ(x)_r = exp(⟨w_r, x'⟩ − |x'|² / 2 − c) / √m,   x' = D^(-1/4) x,   E ⟨φ(q), φ(k)⟩ ∝ exp(⟨q, k⟩ / √D)

    The w_r are Gaussian, orthogonal to one another in blocks of D. The constant c, the largest exponent of a query, or
    of all keys of a head in one graph of a batch, keeps the numbers in range and cancels in the normalizer "linear".

    Args:
        head_dim: D.
        num_features: m; D · ln D, rounded, when None, as the paper's bound asks.
        redraw_every: draw new w_r after this many forward passes in training; never when None. See also `redraw`.

    Shapes:
        q `[M, H, D]`, k `[N, Hk, D]` → `[M, H, m]`, `[N, Hk, m]`.

    Raises:
        ValueError: an argument is below 1.

    Choromanski et al. 2021, arXiv:2009.14794, lemma 1 and section 2.4; for blocks that favor no direction, Mezzadri
    2007, arXiv:math-ph/0609050, section 5.
    """

    projection: Tensor

    def __init__(self, head_dim: int, num_features: int | None = None, *, redraw_every: int | None = None) -> None:
        super().__init__()
        if num_features is None:
            num_features = max(1, round(head_dim * math.log(max(head_dim, 1))))
        for name, value in (("head_dim", head_dim), ("num_features", num_features), ("redraw_every", redraw_every)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.head_dim, self.num_features, self.redraw_every = head_dim, num_features, redraw_every
        self._passes = 0
        self.register_buffer("projection", torch.empty(num_features, head_dim))
        self.redraw()

    def redraw(self) -> None:
        """Draw new w_r from torch's default generator."""
        blocks = -(-self.num_features // self.head_dim)
        q, r = torch.linalg.qr(torch.randn(blocks, self.head_dim, self.head_dim))
        # The signs that QR chooses favor some directions. Multiplying by the signs of R's diagonal removes this bias.
        directions = q * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
        lengths = torch.randn(self.num_features, self.head_dim).norm(dim=1, keepdim=True)
        with torch.no_grad():
            self.projection.copy_(directions.flatten(0, 1)[: self.num_features] * lengths)

    def forward(self, q: Tensor, k: Tensor, graph: Graph | None = None) -> tuple[Tensor, Tensor]:
        """φ(q) and φ(k) with the same w_r. The graph gives the keys of each graph in a batch; one graph when None."""
        if self.training and self.redraw_every is not None:
            if self._passes == self.redraw_every:
                self.redraw()
                self._passes = 0
            self._passes += 1
        of_q, of_k = self._exponent(q), self._exponent(k)
        sizes = (k.shape[0],) if graph is None else sizes_of(graph)[1]
        top = _largest_of_each(of_k.detach().amax(2), sizes)
        return self._features(of_q, of_q.detach().amax(2)), self._features(of_k, top)

    def _exponent(self, x: Tensor) -> Tensor:
        """⟨w_r, x'⟩ − |x'|² / 2."""
        x = x * self.head_dim**-0.25
        return x @ self.projection.t().to(x.dtype) - x.square().sum(-1, keepdim=True) / 2

    def _features(self, exponent: Tensor, constant: Tensor) -> Tensor:
        return (exponent - constant.unsqueeze(2)).exp() * self.num_features**-0.5

    def extra_repr(self) -> str:
        """The options of the module, for `repr`."""
        return f"head_dim={self.head_dim}, num_features={self.num_features}, redraw_every={self.redraw_every}"


def _largest_of_each(x: Tensor, sizes: Sequence[int]) -> Tensor:
    """For each row of x, `[N, H]`, the maximum over the consecutive part of x that it lies in."""
    size = torch.tensor(sizes, dtype=torch.int64, device=x.device)
    part = torch.arange(len(sizes), device=x.device).repeat_interleave(size, output_size=x.shape[0])
    index = part.unsqueeze(1).expand_as(x)
    return x.new_full((len(sizes), x.shape[1]), -torch.inf).scatter_reduce(0, index, x, "amax").gather(0, index)
