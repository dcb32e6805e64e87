"""The graphs that are measured, synthesised to the sizes and degrees of graphs that the field uses.

Each stands for a public data set or a known difficulty. Sizes are those of the original where it is small, and scaled
down with its mean degree and its share of the largest node where it is large, so that ways of computing that form
tensors of edges × heads × width numbers can take part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from graphattn.graph import Graph, complete, window


@dataclass(frozen=True)
class Recipe:
    """How a graph is made, the same one from the same seed.

    Attributes:
        about: what it stands for, for tables.
        make: draws the graph from a generator.
    """

    about: str
    make: Callable[[Generator], Graph]

    def build(self, seed: int = 0) -> Graph:
        """The graph drawn from a seed."""
        return self.make(torch.Generator().manual_seed(seed))


def random(num_nodes: int, num_edges: int, generator: Generator) -> Graph:
    """Both ends of every edge uniform."""
    return Graph(torch.randint(num_nodes, (2, num_edges), generator=generator), num_nodes)


def power_law(
    num_nodes: int, num_edges: int, largest: int, generator: Generator, *, community: int | None = None
) -> Graph:
    """In-degrees by a power law, with a given mean and a given largest.

    Args:
        num_nodes: N.
        num_edges: E.
        largest: the largest in-degree.
        generator: where the randomness comes from.
        community: the number of nodes in each block of consecutive nodes; 85 % of the edges stay inside one. Without
            it, sources follow the same law as destinations, and nodes are in random order.
    """
    degree = _power_law_degrees(num_nodes, num_edges, largest)
    ends = torch.arange(num_nodes).repeat_interleave(degree)
    dst = torch.randperm(num_nodes, generator=generator)[ends]
    if community is None:
        src = torch.randperm(num_nodes, generator=generator)[ends][torch.randperm(num_edges, generator=generator)]
    else:
        src = _neighbors(dst, num_nodes, community, generator)
    return _sorted(src, dst, num_nodes)


def communities(num_nodes: int, num_edges: int, size: int, generator: Generator) -> Graph:
    """A planted partition: 85 % of the edges inside blocks of `size` consecutive nodes."""
    dst = torch.randint(num_nodes, (num_edges,), generator=generator)
    return _sorted(_neighbors(dst, num_nodes, size, generator), dst, num_nodes)


def hub(num_nodes: int, num_edges: int, generator: Generator, *, receivers: float = 1.0) -> Graph:
    """A tenth of all edges end in one node; the others end uniformly among the first `receivers` of all nodes."""
    dst = torch.randint(int(receivers * num_nodes), (num_edges,), generator=generator)
    dst[::10] = 0
    return Graph(torch.stack([torch.randint(num_nodes, (num_edges,), generator=generator), dst]), num_nodes)


def molecules(count: int, generator: Generator) -> Graph:
    """A batch of molecules of 18 to 28 heavy atoms: chains with branches and rings, every bond in both directions."""
    sizes = torch.randint(18, 29, (count,), generator=generator)
    first = sizes.cumsum(0) - sizes
    start = first.repeat_interleave(sizes)
    atom = torch.arange(int(sizes.sum()))
    position = atom - start
    back = torch.randint(1, 4, (atom.numel(),), generator=generator)  # an atom hangs on one of the three before it
    tree = torch.stack([atom, torch.maximum(atom - back, start)])[:, position > 0]
    closes = (position >= 5) & (torch.rand(atom.numel(), generator=generator) < 0.15)
    ring = torch.stack([atom, atom - 5])[:, closes]
    bonds = torch.cat([tree, ring], dim=1)
    return Graph(torch.cat([bonds, bonds.flip(0)], dim=1), atom.numel())


def nearest(count: int, points: int, neighbors: int, generator: Generator) -> Graph:
    """A batch of clouds of points in a square, each point seeing its nearest others: every in-degree is the same."""
    places = torch.rand(count, points, 2, generator=generator)
    distance = torch.cdist(places, places).diagonal_scatter(torch.full((count, points), torch.inf), dim1=1, dim2=2)
    near = distance.topk(neighbors, largest=False).indices + points * torch.arange(count).view(-1, 1, 1)
    dst = torch.arange(count * points).repeat_interleave(neighbors)
    return Graph(torch.stack([near.flatten(), dst]), count * points)


def mesh(num_coarse: int, num_fine: int) -> Graph:
    """From a coarse mesh on the sphere to a fine one: each fine point sees the three coarse points nearest to it."""
    distance = torch.cdist(_sphere(num_fine), _sphere(num_coarse))
    near = distance.topk(3, largest=False).indices
    edge_index = torch.stack([near.flatten(), torch.arange(num_fine).repeat_interleave(3)])
    return Graph(edge_index, num_dst=num_fine, num_src=num_coarse)


GRAPHS: dict[str, Recipe] = {
    "cora": Recipe("Cora's size and degrees: power law, small", lambda g: power_law(2_708, 10_556, 168, g)),
    "pubmed": Recipe("PubMed's size and degrees: power law", lambda g: power_law(19_717, 88_648, 171, g)),
    "arxiv": Recipe("ogbn-arxiv / 24: heavy tail, random order", lambda g: power_law(7_056, 48_594, 540, g)),
    "arxiv-community": Recipe(
        "the same degrees, 85 % of edges inside blocks of 256 consecutive nodes",
        lambda g: power_law(7_056, 48_594, 540, g, community=256),
    ),
    "web-topics": Recipe(
        "web-topics / 240: a tenth of all edges end in one node, half of the nodes receive none",
        lambda g: hub(12_000, 54_000, g, receivers=0.5),
    ),
    "molecules": Recipe("64 molecules, disjoint", lambda g: molecules(64, g)),
    "molecules-1024": Recipe("1,024 molecules, disjoint (ZINC's batch)", lambda g: molecules(1_024, g)),
    "mesh-up": Recipe("coarse to fine mesh, 3 nearest (weather models / 32)", lambda g: mesh(1_280, 16_940)),
    "mesh-down": Recipe("fine to coarse mesh, the same edges reversed", lambda g: mesh(1_280, 16_940).reverse()),
    "knn-8": Recipe("85 clouds of 71 points, 8 nearest: all degrees equal", lambda g: nearest(85, 71, 8, g)),
    "random-8k": Recipe("uniform, 16 edges a node", lambda g: random(500, 8_000, g)),
    "random-80k": Recipe("uniform, 16 edges a node", lambda g: random(5_000, 80_000, g)),
    "random-800k": Recipe("uniform, 16 edges a node, large", lambda g: random(50_000, 800_000, g)),
    "community-800k": Recipe(
        "85 % of edges inside blocks of 1,024 consecutive nodes, large",
        lambda g: communities(50_000, 800_000, 1_024, g),
    ),
    "hub-800k": Recipe("a tenth of all edges end in one node, large", lambda g: hub(50_000, 800_000, g)),
    "complete-512": Recipe("complete, 512 nodes", lambda g: complete(512)),
    "window-4096": Recipe("a sequence of 4,096, each position sees 8 on each side", lambda g: window(4_096, radius=8)),
}


def _power_law_degrees(num_nodes: int, num_edges: int, largest: int) -> Tensor:
    """`largest` · rank^-a, with a such that the sum is E; fractions carry over to the next rank."""
    rank = torch.arange(1, num_nodes + 1, dtype=torch.float64)
    low, high = 0.0, 8.0
    for _ in range(60):
        exponent = (low + high) / 2
        low, high = (exponent, high) if (largest * rank**-exponent).sum() > num_edges else (low, exponent)
    whole = (largest * rank**-low).cumsum(0).round().to(torch.int64)
    whole[-1] = num_edges
    return whole.diff(prepend=whole.new_zeros(1))


def _neighbors(dst: Tensor, num_nodes: int, size: int, generator: Generator) -> Tensor:
    """A source for each destination: with probability 0.85 from its block of `size` nodes, otherwise from anywhere."""
    anywhere = torch.randint(num_nodes, dst.shape, generator=generator)
    start = dst // size * size
    inside = start + anywhere % (start + size).clamp(max=num_nodes).sub(start)
    return torch.where(torch.rand(dst.shape, generator=generator) < 0.85, inside, anywhere)


def _sorted(src: Tensor, dst: Tensor, num_nodes: int) -> Graph:
    """Edges by source, then by destination: the order in which PyG's data sets come."""
    order = (src * num_nodes + dst).argsort()
    return Graph(torch.stack([src, dst])[:, order], num_nodes)


def _sphere(count: int) -> Tensor:
    """Points spread evenly on the unit sphere along a golden spiral, `[count, 3]`, in that order."""
    step = torch.arange(count, dtype=torch.float64) + 0.5
    height = 1 - 2 * step / count
    turn = step * torch.pi * (1 + 5**0.5)
    radius = (1 - height**2).sqrt()
    return torch.stack([radius * turn.cos(), radius * turn.sin(), height], dim=1).float()
