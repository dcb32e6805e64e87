"""The memory of a Neural Turing Machine: where its heads look, what they read and what they write."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TuringState(NamedTuple):
    """The memory of B machines after a step, R rows of width W each; H heads."""

    memory: Tensor
    """`[B, R, W]`"""
    weights: Tensor
    """where the heads look, `[B, R, H]`: the read heads first, then the write heads"""
    read: Tensor
    """what was read, `[B, read_heads, W]`"""


def address_by_content(key: Tensor, strength: Tensor, memory: Tensor) -> Tensor:
    """Where the memory is like the key: w_c(i) = softmax_i( β · cos(k, M(i)) ).

    The weights of `ga.attention` on the graph `bipartite([1] * B, [R] * B)`, heads sharing the rows as keys. As all
    machines have as many rows, they are one batch of matrix products, and no values are summed.

    Args:
        key: k, `[B, H, W]`.
        strength: β > 0, `[B, H]`.
        memory: M, `[B, R, W]`.

    Returns:
        `[B, R, H]`.

    Graves et al. 2014, arXiv:1410.5401, eq. 5-6.
    """
    query = F.normalize(key, dim=-1) * strength.unsqueeze(-1)
    return (F.normalize(memory, dim=-1) @ query.mT).softmax(dim=1)


def address_by_location(content: Tensor, previous: Tensor, gate: Tensor, shift: Tensor, sharpness: Tensor) -> Tensor:
    """Interpolate with the last place, shift along the rows, and sharpen.

        w_g = g w_c + (1 − g) w_{t−1},   w̃(i) = Σ_j w_g(j) s(i − j) round the rows,   w(i) = w̃(i)^γ / Σ_j w̃(j)^γ

    Args:
        content: w_c, `[B, R, H]`.
        previous: w_{t−1}, `[B, R, H]`.
        gate: g in (0, 1), `[B, H]`.
        shift: s, a distribution over −r, ..., r, `[B, H, 2r + 1]`.
        sharpness: γ ≥ 1, `[B, H]`.

    Graves et al. 2014, arXiv:1410.5401, eq. 7-9.
    """
    g = gate.unsqueeze(1)
    mixed = g * content + (1 - g) * previous
    radius = shift.shape[-1] // 2
    shifted = torch.stack([mixed.roll(offset, dims=1) for offset in range(-radius, radius + 1)], dim=-1)
    moved = (shifted * shift.unsqueeze(1)).sum(dim=-1)
    log = moved.clamp(min=torch.finfo(moved.dtype).tiny).log()
    return (sharpness.unsqueeze(1) * log).softmax(dim=1)  # w̃^γ / Σ w̃^γ


def write(memory: Tensor, weights: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """Erase and add: M(i) ← M(i) Π_h (1 − w_h(i) e_h) + Σ_h w_h(i) a_h.

    Args:
        memory: `[B, R, W]`.
        weights: of the write heads, `[B, R, H]`.
        erase: e in (0, 1), `[B, H, W]`.
        add: a, `[B, H, W]`.

    Graves et al. 2014, arXiv:1410.5401, eq. 3-4: several heads erase first and then add, in any order.
    """
    kept = (1 - weights.unsqueeze(-1) * erase.unsqueeze(1)).prod(dim=2)
    return memory * kept + weights @ add


class TuringMemory(nn.Module):
    """Heads that a controller steers over a memory of R rows.

        k = tanh(W_k h),  β = softplus(W_β h),  g = sigmoid(W_g h),  s = softmax(W_s h),  γ = 1 + softplus(W_γ h)
        w_t = location(content(k, β; M_{t−1}), w_{t−1}),   M_t = write(M_{t−1}, w_t),   r_t = Σ_i w_t(i) M_t(i)

    The numbers of rows and of machines are those of `begin`, so that a machine may be tested with a longer memory. At
    first the memory is a small constant, as Collier & Beel recommend (2018, arXiv:1807.08518), and the heads are
    at row 0, not where the machine has learned that they begin.

    Args:
        controller_dim: width of the controller's output h.
        width: W of a row.
        read_heads, write_heads: how many.
        shift_radius: r, how far a head may move in a step.

    Graves et al. 2014, arXiv:1410.5401, section 3. The paper gives no squashing of k and a; ours is tanh.
    """

    def __init__(
        self, controller_dim: int, width: int, *, read_heads: int = 1, write_heads: int = 1, shift_radius: int = 1
    ) -> None:
        super().__init__()
        for name, value in (("width", width), ("read_heads", read_heads), ("write_heads", write_heads)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if shift_radius < 0:
            raise ValueError(f"shift_radius must not be negative, got {shift_radius}")
        self.width, self.read_heads, self.write_heads = width, read_heads, write_heads
        self.parts = [width, 1, 1, 2 * shift_radius + 1, 1]
        self.steer = nn.Linear(controller_dim, (read_heads + write_heads) * sum(self.parts))
        self.change = nn.Linear(controller_dim, write_heads * 2 * width)

    def begin(self, machines: int, rows: int) -> TuringState:
        """The state before the first step."""
        like, heads = self.steer.weight, self.read_heads + self.write_heads
        first = like.new_zeros(machines, rows, heads)
        first[:, 0] = 1
        read = like.new_zeros(machines, self.read_heads, self.width)
        return TuringState(like.new_full((machines, rows, self.width), 1e-6), first, read)

    def forward(self, hidden: Tensor, state: TuringState) -> TuringState:
        """One step: address, write, read.

        Args:
            hidden: the controller's output h, `[B, controller_dim]`.
            state: the last one.
        """
        steering = self.steer(hidden).view(hidden.shape[0], self.read_heads + self.write_heads, -1)
        key, strength, gate, shift, sharpness = steering.split(self.parts, dim=-1)
        content = address_by_content(key.tanh(), F.softplus(strength).squeeze(-1), state.memory)
        weights = address_by_location(
            content, state.weights, gate.sigmoid().squeeze(-1), shift.softmax(-1), 1 + F.softplus(sharpness).squeeze(-1)
        )
        reading, writing = weights.split([self.read_heads, self.write_heads], dim=-1)
        erase, add = self.change(hidden).view(hidden.shape[0], self.write_heads, 2, self.width).unbind(2)
        memory = write(state.memory, writing, erase.sigmoid(), add.tanh())
        return TuringState(memory, weights, reading.mT @ memory)
