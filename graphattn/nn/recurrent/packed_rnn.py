"""Recurrent networks on packed sequences."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence


def run_packed(rnn: nn.RNNBase, x: Tensor, sizes: list[int], state: Any = None) -> tuple[Tensor, Any]:
    """Run `rnn` on each of several packed sequences, without computation on padding.

    PyTorch packs by time step (all first elements, then all second ones, ...), longest sequence first; here sequences
    are packed one after another, as the nodes of graphs are. The conversion is one `index_select` each way, whereas
    `pack_sequence` and `unpack_sequence` create one tensor per sequence.

    Args:
        rnn: a GRU, LSTM or RNN.
        x: the packed elements, `[N, F]`.
        sizes: the length of each sequence, at least 1; they add up to N.
        state: the initial state, as `rnn` takes it, in the order of the sequences.

    Returns:
        The states, `[N, C]`, packed as x, and the final states as `rnn` returns them, in the order of the sequences.

    Raises:
        ValueError: there are no sequences, a sequence is empty, or the sizes do not add up to N.
    """
    if not sizes or min(sizes) < 1 or sum(sizes) != x.shape[0]:
        raise ValueError(f"sizes must be one or more, at least 1 each, {x.shape[0]} in all; got {sizes}")
    size = torch.tensor(sizes, device="cpu")
    order = size.argsort(descending=True, stable=True)
    alive = torch.arange(max(sizes), device="cpu").unsqueeze(1) < size[order]  # [longest, sequences]
    step, sequence = alive.nonzero().unbind(1)
    by_time = ((size.cumsum(0) - size)[order][sequence] + step).to(x.device)
    packed = PackedSequence(x.index_select(0, by_time), alive.sum(1), sorted_indices=order.to(x.device))
    states, last = rnn(packed, state)
    back = torch.empty_like(by_time).scatter_(0, by_time, torch.arange(x.shape[0], device=x.device))
    return states.data.index_select(0, back), last
