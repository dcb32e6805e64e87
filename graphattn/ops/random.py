"""Dropout without a stored mask: a counter-based hash that every backend computes alike.

The weight of head h on the edge at place p (in the graph's order by destination) has the number c = p·H + h, and is
kept when hash(seed, c) ≥ dropout · 2³². The backward pass hashes again. The mixing function is
"lowbias32" (Wellons 2018), a bijection of 32 bits with a bias below 0.2 in a thousand.
"""

import torch
from torch import Tensor

_MASK = 0xFFFFFFFF
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


def _mix(x: Tensor) -> Tensor:
    x = x ^ (x >> 16)
    x = (x * 0x7FEB352D) & _MASK
    x = x ^ (x >> 15)
    x = (x * 0x846CA68B) & _MASK
    return x ^ (x >> 16)


def keep_mask(seed: Tensor, num_edges: int, heads: int, dropout: float, device: torch.device) -> Tensor:
    """Which weights `[E, H]` dropout keeps, edges in the graph's order by destination."""
    seed = seed.to(device)
    counter = torch.arange(num_edges * heads, device=device)
    low = _mix((counter ^ seed) & _MASK)
    high = ((counter >> 32) + (seed >> 32)) & _MASK
    return (_mix((low + high) & _MASK) >= drop_threshold(dropout)).view(num_edges, heads)
