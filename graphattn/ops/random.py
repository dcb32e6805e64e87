"""Dropout without a stored mask: a counter-based hash that every backend computes alike.

The weight of head h on the edge at place p (in the graph's order by destination) has the number c = p·H + h, and is
kept when hash(seed, c) ≥ dropout · 2³². The backward pass hashes again. The mixing function is
"lowbias32" (Wellons 2018), a bijection of 32 bits with a bias below 0.2 in a thousand.
"""

import torch
from torch import Tensor

_CPU = torch.device("cpu")


def new_seed(device: torch.device = _CPU) -> Tensor:
    """A fresh 63-bit seed from torch's default generator, so that `torch.manual_seed` decides.

    While a CUDA graph is being captured it is that of the device, for each replay to draw another.
    """
    capturing = device.type == "cuda" and torch.cuda.is_current_stream_capturing()
    return torch.randint(2**63 - 1, (), dtype=torch.int64, device=device if capturing else _CPU)


def drop_threshold(dropout: float) -> int:
    """Hashes below this number are dropped."""
    return round(dropout * 2**32)


def keep_mask(seed: Tensor, num_edges: int, heads: int, dropout: float, device: torch.device, first: int = 0) -> Tensor:
    """Which weights `[E, H]` dropout keeps, edges in the graph's order by destination from place `first` on."""
    counter = torch.arange(first * heads, (first + num_edges) * heads, device=device)
    return keeps(seed, counter, dropout).view(num_edges, heads)


def keeps(seed: Tensor, counter: Tensor, dropout: float) -> Tensor:
    """Whether dropout keeps the weights that have these numbers: int64, or int32 (modulo 2³²) if all are below 2³²."""
    seed = seed.to(counter.device)
    mixed = _mix(counter.to(torch.int32) ^ seed.to(torch.int32))
    mixed += (seed >> 32 if counter.dtype == torch.int32 else (counter >> 32) + (seed >> 32)).to(torch.int32)
    return (_mix(mixed) ^ -(2**31)) >= drop_threshold(dropout) - 2**31  # unsigned, compared as signed


def _mix(x: Tensor) -> Tensor:
    """In place, on int32 that stand for unsigned ones: what a shift brings in from the left is cut off."""
    x ^= (x >> 16).bitwise_and_(0xFFFF)
    x *= 0x7FEB352D
    x ^= (x >> 15).bitwise_and_(0x1FFFF)
    x *= 0x846CA68B - 2**32
    x ^= (x >> 16).bitwise_and_(0xFFFF)
    return x
