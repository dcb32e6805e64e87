"""The hub graph: a few nodes see all and are seen by all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

import torch

from graphattn.graph.checks import as_device
from graphattn.graph.compressed import Compressed
from graphattn.graph.rule import GraphKind, as_sizes, is_several, positions


class Hub(GraphKind):
    """Hub graphs with `sizes` nodes, packed; built by `hub`."""

    def __init__(self, sizes: Sequence[int], hubs: Sequence[int], *, device: torch.device | str | int = "cpu") -> None:
        self.sizes = tuple(sizes)
        self.hubs = tuple(hubs)
        num_hubs = len(self.hubs)
        num_edges = sum(num_hubs * (2 * n - num_hubs) for n in self.sizes)
        self._set_packed(self.sizes, self.sizes, num_edges, as_device(device))

    @property
    def options(self) -> dict[str, Any]:
        """What the rule depends on beside the sizes."""
        return {"hubs": self.hubs}

    def _make_csr(self) -> Compressed:
        position, before, size = positions(self.sizes, self.device)
        hubs = torch.tensor(self.hubs, dtype=torch.int64, device=self.device)
        is_hub = torch.isin(position, hubs)
        count = size.where(is_hub, hubs.numel())
        csr = self._from_ranges(torch.zeros_like(count), count)
        number, row = csr.indices.long(), csr.rows().long()
        seen = number.where(is_hub[row], hubs[number.clamp(max=hubs.numel() - 1)]) + before[row]
        return csr._replace(indices=seen.to(csr.indices.dtype))


def hub(
    n: SupportsIndex | Iterable[SupportsIndex],
    hubs: SupportsIndex | Iterable[SupportsIndex],
    *,
    device: torch.device | str | int = "cpu",
) -> Hub:
    """The hub graph: `hubs` see every node and are seen by every node.

        N(i) = { 0, ..., n - 1 } where i is a hub, and the hubs elsewhere;   E = h (2n - h) with h hubs

    These are the global tokens of Longformer and of BigBird's internal construction. Exphormer's virtual nodes, and
    BigBird's external construction, are nodes added to the others: `hub(n + 1, hubs=[n])`. A node that is no hub
    does not see itself; a union with a window gives it that.

    Args:
        n: the number of nodes, or the numbers of nodes of a batch of such graphs.
        hubs: how many hubs there are, which are then nodes 0, 1, ...; or the nodes that are hubs, counted within
            each graph.
        device: where its tensors will be.

    Raises:
        TypeError: `n` or `hubs` is no integer and holds none.
        ValueError: a size is negative, or a graph has not all those hubs.

    Example:
        >>> hub(3, hubs=1).edge_index
        tensor([[0, 1, 2, 0, 0],
                [0, 0, 0, 1, 2]])
        >>> hub([3, 5], hubs=[0, 2])
        Hub(num_graphs=2, num_nodes=8, hubs=(0, 2), num_edges=24)

    Reference: Beltagy et al. 2020, arXiv:2004.05150, section 3.1 ("Global Attention"); Zaheer et al. 2020,
    arXiv:2007.14062, section 2; Shirzad et al. 2023, arXiv:2303.06147, section 3.
    """
    sizes, places = as_sizes("n", n), as_sizes("hubs", hubs)
    if not is_several(hubs):
        places = tuple(range(places[0]))
    for size in sizes:
        if places and max(places) >= size:
            raise ValueError(f"hubs must be nodes of each graph, but node {max(places)} is not in one of {size} nodes")
    return Hub(sizes, sorted(set(places)), device=device)
