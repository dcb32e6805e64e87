"""T5's relative positions: a learned bias per bucket of distances."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.nn.positions.place import distances


class RelativeBias(nn.Module):
    """A learned bias per head and bucket of the distance from destination to source.

        b_ij^h = table[bucket(j − i), h]

    Small distances have one bucket each. From a quarter of the buckets on (half, if not `bidirectional`), bucket widths
    grow logarithmically up to `max_distance`; larger distances share the last bucket.

    Args:
        num_heads: H.
        num_buckets: number of buckets of both directions together; even, and at least 4 if `bidirectional`.
        max_distance: all distances from this one on share a bucket.
        bidirectional: whether later positions have buckets too; otherwise they share that of distance 0.

    Shapes:
        graph of E edges → `[E, H]`, for `edge_bias`, computed for the edges of the graph only.

    Raffel et al. 2020, arXiv:1910.10683, section 2.1, with the buckets of its code.
    """

    def __init__(
        self, num_heads: int, *, num_buckets: int = 32, max_distance: int = 128, bidirectional: bool = True
    ) -> None:
        super().__init__()
        exact = num_buckets // (4 if bidirectional else 2)
        if exact < 1 or num_buckets % 2 or max_distance <= exact:
            raise ValueError(
                "num_buckets must be even and at least 4 (2 for one direction), and max_distance larger than the "
                f"{exact} distances with a bucket each, got num_buckets={num_buckets}, max_distance={max_distance}"
            )
        self.num_buckets, self.max_distance, self.bidirectional = num_buckets, max_distance, bidirectional
        self.table = nn.Parameter(torch.empty(num_buckets, num_heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new values from a normal distribution with standard deviation 0.02."""
        nn.init.normal_(self.table, std=0.02)

    def bucket(self, distance: Tensor) -> Tensor:
        """The bucket of each distance j − i.

        >>> RelativeBias(1, num_buckets=8, max_distance=16).bucket(torch.tensor([-20, -3, -1, 0, 1, 3, 20]))
        tensor([3, 2, 1, 0, 5, 6, 7])
        """
        count, first = self.num_buckets, torch.zeros_like(distance)
        if self.bidirectional:
            count //= 2
            first = first.masked_fill(distance > 0, count)
            distance = distance.abs()
        else:
            distance = (-distance).clamp(min=0)
        exact = count // 2
        growth = (distance.clamp(min=1) / exact).log() / math.log(self.max_distance / exact)
        wide = (exact + (growth * (count - exact)).long()).clamp(max=count - 1)
        return first + distance.where(distance < exact, wide)

    def forward(self, graph: Graph, position: Tensor | None = None, key_position: Tensor | None = None) -> Tensor:
        """The bias of each edge, `[E, H]`; see `graphattn.nn.positions.distances` for the positions."""
        return F.embedding(self.bucket(distances(graph, position, key_position)), self.table)
