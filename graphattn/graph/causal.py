"""The causal graph: every node sees itself and those before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import SupportsIndex

import torch

from graphattn.graph.checks import as_device
from graphattn.graph.compressed import Compressed
from graphattn.graph.rule import GraphKind, as_sizes, positions


class Causal(GraphKind):
    """Causal graphs with `sizes` nodes, packed; built by `causal`."""

    def __init__(self, sizes: Sequence[int], *, device: torch.device | str | int = "cpu") -> None:
        self.sizes = tuple(sizes)
        num_edges = sum(n * (n + 1) // 2 for n in self.sizes)
        self._set_packed(self.sizes, self.sizes, num_edges, as_device(device))

    def _make_csr(self) -> Compressed:
        position, start, _ = positions(self.sizes, self.device)
        return self._from_ranges(start, position + 1)


def causal(n: SupportsIndex | Iterable[SupportsIndex], *, device: torch.device | str | int = "cpu") -> Causal:
    """The causal graph of `n` nodes: self-attention in a Transformer decoder.

    N(i) = { j : j <= i },   E = n (n + 1) / 2

    Args:
        n: the number of nodes, or the numbers of nodes of a batch of such graphs.
        device: where its tensors will be.

    Raises:
        TypeError: `n` is no integer and holds none.
        ValueError: a size is negative.

    Example:
        >>> causal(3).edge_index
        tensor([[0, 0, 1, 0, 1, 2],
                [0, 1, 1, 2, 2, 2]])
        >>> causal([2, 3])
        Causal(num_graphs=2, num_nodes=5, num_edges=9)
    """
    return Causal(as_sizes("n", n), device=device)
