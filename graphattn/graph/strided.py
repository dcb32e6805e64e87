"""The strided graph: every node sees those near it, and every stride-th further away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

import torch

from graphattn.graph.axis_window import Reach, as_positive
from graphattn.graph.checks import as_count, as_device
from graphattn.graph.compressed import Compressed
from graphattn.graph.rule import GraphKind, as_sizes, positions


class Strided(GraphKind):
    """Strided graphs with `sizes` nodes, packed; built by `strided`."""

    def __init__(
        self, sizes: Sequence[int], stride: int, causal: bool = False, *, device: torch.device | str | int = "cpu"
    ) -> None:
        self.sizes = tuple(sizes)
        self.stride = stride
        self.causal = causal
        num_edges = sum(self._num_pairs(n) for n in self.sizes)
        self._set_packed(self.sizes, self.sizes, num_edges, as_device(device))

    @property
    def options(self) -> dict[str, Any]:
        """What the rule depends on beside the sizes."""
        return {"stride": self.stride, "causal": self.causal}

    def _num_pairs(self, n: int) -> int:
        def seen(steps: int, dilation: int) -> int:
            return Reach(steps, 0 if self.causal else steps, dilation).num_pairs(n)

        return seen(self.stride, 1) + seen(n, self.stride) - seen(1, self.stride)  # the last two hold 0 and ±stride

    def _make_csr(self) -> Compressed:
        position, before, size = positions(self.sizes, self.device)
        stride = self.stride
        last = position if self.causal else torch.minimum(position + stride, size - 1)
        near = (position - stride).clamp(min=0)
        # Ranges of each node, ascending, [nodes, 3]: at strides before, near, at strides after.
        start = torch.stack([position % stride, near, position + 2 * stride], dim=1)
        count = torch.stack([position, last - near, size - 1 - position], dim=1)
        count[:, 0::2] = (count[:, 0::2] // stride - 1).clamp(min=0)
        count[:, 1] += 1
        if self.causal:
            count[:, 2] = 0
        step = torch.tensor([stride, 1, stride], device=self.device).expand_as(start)
        ranges = self._from_ranges((before.unsqueeze(1) + start).flatten(), count.flatten(), step.flatten())
        return ranges._replace(indptr=ranges.indptr[::3].contiguous())


def strided(
    n: SupportsIndex | Iterable[SupportsIndex],
    stride: int,
    causal: bool = False,
    *,
    device: torch.device | str | int = "cpu",
) -> Strided:
    """The strided graph: every node sees those up to `stride` away, and every `stride`-th further away.

        N(i) = { j : |i - j| <= stride  or  (i - j) mod stride = 0 },   j <= i only, where causal

    This is the strided attention of the Sparse Transformer (causal there), both of its patterns in one graph. With
    `stride` near √n every node reaches every other one in two steps over O(n √n) edges. In a picture read row by row,
    `stride` is the width of a row: a pixel sees the row before it, and the column above.

    Args:
        n: the number of nodes, or the numbers of nodes of a batch of such graphs.
        stride: how far to see everything, and the distance between those seen further away.
        causal: see only oneself and those before.
        device: where its tensors will be.

    Raises:
        TypeError: `n` or `stride` is no integer.
        ValueError: a size is negative, or `stride` is below 1.

    Example:
        >>> strided(7, stride=2, causal=True).csr.indices.tolist()[-5:]  # node 6 sees
        [0, 2, 4, 5, 6]
        >>> strided(7, stride=2)
        Strided(num_nodes=7, stride=2, causal=False, num_edges=37)

    Reference: Child et al. 2019, arXiv:1904.10509, section 4.3.
    """
    return Strided(as_sizes("n", n), as_positive("stride", as_count("stride", stride)), bool(causal), device=device)
