"""Which nodes are in a sample, and their numbers in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.loader import kernels

Ints = NDArray[np.int64]
NONE = np.empty(0, np.int64)


class Numbering:
    """The nodes of one type in a sample, in the order they came in, and a hash table from node to number.

    Args:
        num_nodes: the number of nodes of that type in the whole graph.
        disjoint: whether a node of two batches is two nodes.
    """

    def __init__(self, num_nodes: int, disjoint: bool) -> None:
        self.num_nodes, self.disjoint = num_nodes, disjoint
        self._nodes: list[Ints] = []
        self._batches: list[Ints] = []
        self.count = 0
        self.keys = np.full(64, kernels.EMPTY, np.int64)
        self.numbers = np.empty(64, np.int64)

    @property
    def nodes(self) -> Ints:
        """All nodes of the sample."""
        return _join(self._nodes)

    @property
    def batch(self) -> Ints:
        """The batch of each, empty unless disjoint."""
        return _join(self._batches)

    def add(self, nodes: Ints, batch: Ints) -> None:
        """Append nodes and number them; a node that is there keeps its first number."""
        self._reserve(nodes.size)
        kernels.insert(self.keys, self.numbers, nodes, batch, self.num_nodes, self.count)
        self._append(nodes, batch)

    def renumber(self, row: Any, picks: Ints, owner: Ints, owner_batch: Ints) -> Ints:
        """The numbers of the sources of the edges picked; sources not seen before are appended."""
        self._reserve(picks.size)
        local, fresh, fresh_batch = kernels.renumber(
            self.keys, self.numbers, row, picks, owner, owner_batch, self.num_nodes, self.count
        )
        self._append(fresh, fresh_batch)
        return local

    def _append(self, nodes: Ints, batch: Ints) -> None:
        self._nodes.append(nodes)
        if self.disjoint:
            self._batches.append(batch)
        self.count += nodes.size

    def _reserve(self, more: int) -> None:
        """Keep the table at most half full."""
        wanted = 2 * (self.count + more)
        if wanted <= self.keys.size:
            return
        size = 1 << (2 * wanted - 1).bit_length()
        self.keys, self.numbers = np.full(size, kernels.EMPTY, np.int64), np.empty(size, np.int64)
        kernels.insert(self.keys, self.numbers, self.nodes, self.batch, self.num_nodes, 0)


def _join(parts: list[Ints]) -> Ints:
    if len(parts) > 1:
        parts[:] = [np.concatenate(parts)]
    return parts[0] if parts else NONE
