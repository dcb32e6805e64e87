"""The random regular graph: every node sees as many others, drawn at random, and is seen by as many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import SupportsIndex

import torch
from torch import Generator, Tensor

from graphattn.graph.batch import batch
from graphattn.graph.checks import as_count
from graphattn.graph.graph import Graph
from graphattn.graph.rule import as_sizes, is_several


def random_regular(
    n: SupportsIndex | Iterable[SupportsIndex],
    degree: int,
    *,
    generator: Generator | None = None,
    device: torch.device | str | int = "cpu",
) -> Graph:
    """A random regular directed graph: every node sees `degree` others and is seen by `degree`.

        N(i) = { π_1(i), ..., π_degree(i) },   random permutations with π_a(i) ≠ i and π_a(i) ≠ π_b(i);   E = degree · n

    The random part of BigBird, where each node sees some drawn at random. That all are also seen equally often is
    ours: nobody is left out. Each node sees each other with the same probability, degree / (n - 1); but not every
    graph of this kind is equally likely.

    Args:
        n: the number of nodes, or the numbers of nodes of a batch of such graphs.
        degree: the number of in-neighbors, and of out-neighbors.
        generator: where the randomness comes from, on the CPU; torch's default generator when None.
        device: where its tensors will be.

    Returns:
        A `Graph`, or a `Batch` of them where `n` holds several sizes. Edges come destination by destination, sources
        ascending.

    Raises:
        TypeError: `n` or `degree` is no integer.
        ValueError: a size or `degree` is negative, or a graph has no more than `degree` nodes (and some node).

    Example:
        >>> graph = random_regular(5, degree=2, generator=torch.Generator().manual_seed(0))
        >>> graph, graph.in_degree.tolist(), graph.out_degree.tolist()
        (Graph(num_nodes=5, num_edges=10), [2, 2, 2, 2, 2], [2, 2, 2, 2, 2])

    Reference: Zaheer et al. 2020, arXiv:2007.14062, section 2.
    """
    sizes, degree = as_sizes("n", n), as_count("degree", degree)
    for size in sizes:
        if degree > max(size - 1, 0):
            raise ValueError(f"degree must be below the number of nodes, got {degree} for {size} nodes")
    parts = [from_table(_draw(size, degree, generator)).to(device) for size in sizes]
    return batch(parts) if is_several(n) else parts[0]


def from_table(table: Tensor) -> Graph:
    """The graph in which node `i` sees the nodes of row `i`, `[n, degree]`, no two alike; sorted in each row."""
    size, degree = table.shape
    dst = torch.arange(size, device="cpu").repeat_interleave(degree)
    return Graph(torch.stack([table.sort(dim=1).values.flatten(), dst]), size)


def pick(allowed: Tensor, generator: Generator | None) -> int:
    """The number of one of the places that are allowed, `[n]` bool, drawn at random; at least one is."""
    places = allowed.nonzero().flatten()
    return int(places[torch.randint(places.numel(), (), generator=generator, device="cpu")])


def _draw(size: int, degree: int, generator: Generator | None) -> Tensor:
    """Those that each node sees, `[size, degree]`."""
    if 2 * degree < size:
        return _draw_permutations(size, degree, generator)
    others = ~torch.eye(size, dtype=torch.bool, device="cpu")
    unseen = (
        _draw_permutations(size, size - 1 - degree, generator)
        if size
        else torch.empty(0, 0, dtype=torch.int64, device="cpu")
    )
    return others.scatter(1, unseen, False).nonzero()[:, 1].view(size, degree)


def _draw_permutations(size: int, degree: int, generator: Generator | None) -> Tensor:
    """`degree` permutations that differ from one another and from the identity everywhere, `[size, degree]`.

    Where a new permutation clashes, two of its values change places. Of the `size` places for that, at most
    2 · degree are forbidden, so there is always one.
    """
    table = torch.empty(size, 1 + degree, dtype=torch.int64, device="cpu")
    inverse = torch.empty_like(table)
    table[:, 0] = inverse[:, 0] = node = torch.arange(size, device="cpu")
    for column in range(1, 1 + degree):
        taken, new = table[:, :column], torch.randperm(size, generator=generator, device="cpu")
        place = torch.empty_like(node).scatter_(0, new, node)
        clashes = (taken == new.unsqueeze(1)).any(1).nonzero().flatten()
        order = torch.randperm(clashes.numel(), generator=generator, device="cpu")  # in no order of the nodes
        for i in clashes[order].tolist():
            allowed = torch.ones(size, dtype=torch.bool, device="cpu")
            allowed[place[taken[i]]] = False  # their values are taken at i
            allowed[inverse[new[i], :column]] = False  # the value of i is taken there
            j = pick(allowed, generator)
            new[[i, j]] = new[[j, i]]
            place[new[[i, j]]] = node[[i, j]]
        table[:, column], inverse[:, column] = new, place
    return table[:, 1:]
