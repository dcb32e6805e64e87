"""The dilated window: every node sees others at regular distances."""

from __future__ import annotations

from collections.abc import Iterable
from typing import SupportsIndex

import torch

from graphattn.graph.window import Window, window


def dilated(
    n: SupportsIndex | Iterable[SupportsIndex],
    radius: int,
    dilation: int,
    causal: bool = False,
    *,
    border: str = "truncate",
    device: torch.device | str | int = "cpu",
) -> Window:
    """The window graph with gaps: every node sees `radius` others on each side, `dilation` apart.

        N(i) = { i + dilation · t : -radius <= t <= radius },   t <= 0 only, where causal

    Longformer's dilated sliding window: as wide as `window(n, radius * dilation)` at the cost of `window(n, radius)`.
    The same as `window(n, radius, causal, dilation=dilation)`; see there for the arguments and errors.

    Example:
        >>> dilated(7, radius=1, dilation=3).csr.indices.tolist()
        [0, 3, 1, 4, 2, 5, 0, 3, 6, 1, 4, 2, 5, 3, 6]

    Reference: Beltagy et al. 2020, arXiv:2004.05150, section 3.1 ("Dilated Sliding Window").
    """
    return window(n, radius, causal, dilation=dilation, border=border, device=device)
