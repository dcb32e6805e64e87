"""The complete graph: every node sees every node, itself included."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import SupportsIndex

import torch

from graphattn.graph.checks import as_device
from graphattn.graph.compressed import Compressed
from graphattn.graph.rule import GraphKind, as_sizes, positions


class Complete(GraphKind):
    """Complete graphs with `sizes` nodes, packed; built by `complete`."""

    def __init__(self, sizes: Sequence[int], *, device: torch.device | str | int = "cpu") -> None:
        self.sizes = tuple(sizes)
        self._set_packed(self.sizes, self.sizes, sum(n * n for n in self.sizes), as_device(device))

    def _make_csr(self) -> Compressed:
        _, start, count = positions(self.sizes, self.device)
        return self._from_ranges(start, count)


def complete(n: SupportsIndex | Iterable[SupportsIndex], *, device: torch.device | str | int = "cpu") -> Complete:
    """The complete graph of `n` nodes: plain self-attention over a sequence or a set.

    N(i) = { 0, ..., n - 1 },   E = n²

    Args:
        n: the number of nodes, or the numbers of nodes of a batch of such graphs.
        device: where its tensors will be.

    Raises:
        TypeError: `n` is no integer and holds none.
        ValueError: a size is negative.

    Example:
        >>> complete(2).edge_index
        tensor([[0, 1, 0, 1],
                [0, 0, 1, 1]])
        >>> complete([2, 3])
        Complete(num_graphs=2, num_nodes=5, num_edges=13)
    """
    return Complete(as_sizes("n", n), device=device)
