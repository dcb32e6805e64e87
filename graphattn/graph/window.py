"""The window graph: every node sees those within a radius along a sequence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

import torch

from graphattn.graph.axis_window import Border, Reach, as_border, as_positive
from graphattn.graph.checks import as_count, as_device
from graphattn.graph.compressed import Compressed
from graphattn.graph.neighborhood import Neighborhood
from graphattn.graph.rule import as_sizes, positions


class Window(Neighborhood):
    """Window graphs with `sizes` nodes, packed; built by `window`."""

    def __init__(
        self,
        sizes: Sequence[int],
        radius: int | tuple[int, int],
        causal: bool = False,
        dilation: int = 1,
        border: Border = "truncate",
        *,
        device: torch.device | str | int = "cpu",
    ) -> None:
        self.sizes = tuple(sizes)
        self.radius = radius
        self.causal = causal
        self.dilation = dilation
        self.border = border
        left, right = (radius, radius) if isinstance(radius, int) else radius
        reach = Reach(left=left, right=0 if causal else right, dilation=dilation, border=border)
        self._set_neighborhood([(size,) for size in self.sizes], [reach], as_device(device))

    @property
    def options(self) -> dict[str, Any]:
        """What the rule depends on beside the sizes."""
        return {
            "radius": self.radius,
            "causal": self.causal,
            "dilation": self.dilation,
            "border": self.border,
        }

    def _make_csr(self) -> Compressed:
        position, before, size = positions(self.sizes, self.device)
        (reach,) = self.reaches
        start, count = reach.start_and_count(position, size)
        if self.border != "periodic":
            return self._from_ranges(before + start, count, self.dilation)
        csr = self._from_ranges(start, count, self.dilation)
        seen = csr.indices.view(-1, reach.width).remainder(size.unsqueeze(1)) + before.unsqueeze(1)
        return csr._replace(indices=seen.sort(dim=1).values.flatten().to(csr.indices.dtype))


def window(
    n: SupportsIndex | Iterable[SupportsIndex],
    radius: SupportsIndex | tuple[SupportsIndex, SupportsIndex],
    causal: bool = False,
    *,
    dilation: int = 1,
    border: str = "truncate",
    device: torch.device | str | int = "cpu",
) -> Window:
    """The window graph: every node sees those at most `radius` steps of `dilation` away.

    N(i) = { i + dilation · t : -radius <= t <= radius },   t <= 0 only, where causal

    This is truncated self-attention of speech models and the local part of Longformer. A bias for each relative
    position is a table read at `offset_index` of the graph.

    Args:
        n: the number of nodes, or the numbers of nodes of a batch of such graphs.
        radius: how many steps to see on each side, or a pair (before, after).
        causal: see only oneself and those before.
        dilation: the length of a step.
        border: what happens at the two ends. "truncate" leaves out nodes that are not there; "shift" moves the
            window inwards until it fits, so that each node sees `2·radius + 1` (NATTEN's rule; needs
            `(2·radius + 1)·dilation <= n`); "periodic" goes on at the other end (needs `2·radius + 1` different
            nodes on the way round). A causal window is always truncated. (For a pair it is before + 1 + after.)
        device: where its tensors will be.

    Raises:
        TypeError: `n`, `radius` or `dilation` is no integer.
        ValueError: a size is negative, `dilation` is below 1, `radius` holds more or fewer than two numbers or a second
            one in a causal window, or the window does not fit `border`.

    Example:
        >>> window(3, radius=1).edge_index
        tensor([[0, 1, 0, 1, 2, 1, 2],
                [0, 0, 1, 1, 1, 2, 2]])
        >>> window(4, radius=1, border="shift").csr.indices.view(4, 3).tolist()
        [[0, 1, 2], [0, 1, 2], [1, 2, 3], [1, 2, 3]]
        >>> window(4, radius=1, border="periodic").csr.indices.view(4, 3).tolist()
        [[0, 1, 3], [0, 1, 2], [1, 2, 3], [0, 2, 3]]
        >>> window(3, radius=(2, 0)).csr.indices.tolist()
        [0, 0, 1, 0, 1, 2]
    """
    if causal and border != "truncate":
        raise ValueError(f"a causal window must have border='truncate', got {border!r}")
    return Window(
        as_sizes("n", n),
        _as_radius(radius, causal),
        bool(causal),
        as_positive("dilation", as_count("dilation", dilation)),
        as_border(border),
        device=device,
    )


def _as_radius(radius: Any, causal: bool) -> int | tuple[int, int]:
    """How far to see: one number, or two where the sides differ."""
    if not isinstance(radius, tuple | list):
        return as_count("radius", radius)
    if len(radius) != 2:
        raise ValueError(f"radius is one number or a pair (before, after), got {len(radius)} numbers")
    before, after = (as_count("radius", side) for side in radius)
    if causal and after:
        raise ValueError(f"a causal window sees nothing after a node, got radius={(before, after)}")
    return before if causal or before == after else (before, after)
