"""The interval graph: every destination sees the sources of an interval of its own."""

from __future__ import annotations

from typing import SupportsIndex

import torch
from torch import Tensor

from graphattn.graph.checks import as_count
from graphattn.graph.graph import Graph


def interval(start: Tensor, stop: Tensor, num_src: SupportsIndex) -> Graph:
    """The graph in which destination i sees the sources start_i, ..., stop_i - 1.

    N(i) = { start_i, ..., stop_i - 1 },   E = Σ max(stop_i - start_i, 0)

    A window around a position that a model predicts, as in Luong's local attention, is one of these.

    Args:
        start: the first source that each destination sees, `[M]` integers.
        stop: one more than the last, `[M]` integers; a destination with `stop_i <= start_i` sees none.
        num_src: the number of sources N.

    Raises:
        TypeError: `start` or `stop` holds no integers.
        ValueError: they differ in shape, or an interval that is not empty leaves 0, ..., N - 1.

    Example:
        >>> interval(torch.tensor([0, 2, 1]), torch.tensor([2, 3, 1]), num_src=3).edge_index
        tensor([[0, 1, 2],
                [0, 0, 1]])
    """
    for name, tensor in (("start", start), ("stop", stop)):
        if tensor.is_floating_point() or tensor.dtype == torch.bool:
            raise TypeError(f"{name} must hold integers, got {tensor.dtype}")
    if start.ndim != 1 or start.shape != stop.shape:
        raise ValueError(f"start and stop must be [M] alike, got {list(start.shape)} and {list(stop.shape)}")
    count = (stop - start).clamp(min=0)
    dst = torch.arange(start.shape[0], device=start.device).repeat_interleave(count)
    first = start - (count.cumsum(0) - count)  # so that adding the number of the edge gives its source
    src = first.repeat_interleave(count) + torch.arange(len(dst), device=start.device)
    return Graph(torch.stack([src, dst]), num_dst=start.shape[0], num_src=as_count("num_src", num_src))
