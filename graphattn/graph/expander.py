"""The expander graph: few edges, and yet no node far from another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import SupportsIndex

import torch
from torch import Generator, Tensor

from graphattn.graph.batch import batch
from graphattn.graph.checks import as_count
from graphattn.graph.graph import Graph
from graphattn.graph.random_regular import from_table, pick
from graphattn.graph.rule import as_sizes, is_several


def expander(
    n: SupportsIndex | Iterable[SupportsIndex],
    degree: int,
    *,
    generator: Generator | None = None,
    device: torch.device | str | int = "cpu",
) -> Graph:
    """A random regular undirected graph made of random cycles, an expander with high probability.

        N(i) = { the two neighbors of i on cycle c : c = 1, ..., degree / 2 },   E = degree · n

    Each cycle runs through all nodes in random order, and no two share an edge. So the graph is connected, always;
    and its eigenvalues but the first are at most 2 √(degree - 1) + ε with a probability that tends to 1 with n
    (Friedman): messages mix in O(log n) layers. The random part of Exphormer.

    Args:
        n: the number of nodes, or the numbers of nodes of a batch of such graphs; 3 or more each.
        degree: the number of neighbors of each node; even, from 2 to n / 2 + 1.
        generator: where the randomness comes from, on the CPU; torch's default generator when None.
        device: where its tensors will be.

    Returns:
        A `Graph`, or a `Batch` of them where `n` holds several sizes. Every edge is there in both directions;
        destination by destination, sources ascending.

    Raises:
        TypeError: `n` or `degree` is no integer.
        ValueError: `n` or `degree` is out of range.

    Example:
        >>> graph = expander(8, degree=4, generator=torch.Generator().manual_seed(0))
        >>> graph, graph.in_degree.tolist()
        (Graph(num_nodes=8, num_edges=32), [4, 4, 4, 4, 4, 4, 4, 4])

    Reference: Shirzad et al. 2023, arXiv:2303.06147, section 3; Friedman 2003, STOC, "A proof of Alon's
    second eigenvalue conjecture".
    """
    sizes, degree = as_sizes("n", n), as_count("degree", degree)
    for size in sizes:
        if size < 3 or degree < 2 or degree % 2 or 2 * degree > size + 2:
            raise ValueError(
                "expander needs 3 nodes or more and an even degree from 2 to n / 2 + 1, "
                f"got n={size} and degree={degree}; where every node may see all, use complete(n)"
            )
    parts = [from_table(_draw_cycles(size, degree, generator)).to(device) for size in sizes]
    return batch(parts) if is_several(n) else parts[0]


def _draw_cycles(size: int, degree: int, generator: Generator | None) -> Tensor:
    """The neighbors of each node on `degree / 2` cycles that share no edge, `[size, degree]`.

    Where a new cycle ... a b ... c d ... would repeat the edge a b, it is crossed: ... a c ... b d ..., with the
    part between reversed and c drawn among those whose two new edges are unused. A node has fewer than n / 2 used
    edges, so there is such a c (Ore's theorem; Palmer 1997), and each crossing leaves fewer repeated edges.
    """
    table = torch.empty(size, degree, dtype=torch.int64, device="cpu")
    for column in range(0, degree, 2):
        taken, cycle = table[:, :column], torch.randperm(size, generator=generator, device="cpu")
        after = cycle.roll(-1)
        repeated = (taken[cycle] == after.unsqueeze(1)).any(1)
        for edge in zip(cycle[repeated].tolist(), after[repeated].tolist(), strict=True):
            cycle = _cross(cycle, edge, taken, generator)
        table[cycle, column], table[cycle, column + 1] = cycle.roll(-1), cycle.roll(1)
    return table


def _cross(cycle: Tensor, edge: tuple[int, int], taken: Tensor, generator: Generator | None) -> Tensor:
    """The cycle without an edge, where it still has it; in its place come edges that are not taken."""
    size = cycle.numel()
    place = torch.empty_like(cycle).scatter_(0, cycle, torch.arange(size, device="cpu"))
    steps = int(place[edge[1]] - place[edge[0]]) % size
    if steps not in (1, size - 1):
        return cycle  # another crossing has removed it
    first = int(place[edge[1]] if steps == 1 else place[edge[0]])
    cycle = cycle.roll(-first)
    # The edge now leads from the last to the first. The pair at t, t + 1 may make way if both new edges are free.
    allowed = torch.ones(size - 1, dtype=torch.bool, device="cpu")
    allowed[(place[taken[cycle[-1]]] - first) % size] = False  # last to t
    allowed[(place[taken[cycle[0]]] - first) % size - 1] = False  # first to t + 1
    end = 1 + pick(allowed, generator)
    return torch.cat([cycle[:end].flip(0), cycle[end:]])
