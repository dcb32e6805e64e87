"""Positions in a graph as eigenvectors of its Laplacian."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import torch
from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.nn.positions.place import sizes_of

_DENSE = 500  # up to this number of nodes, a dense solver computes all eigenvectors


def laplacian_eigenvectors(graph: Graph, k: int) -> Tensor:
    """The eigenvectors 2, ..., k + 1 of the symmetric normalized Laplacian, by ascending eigenvalue, `[N, k]`.

        L = 1 − D^(-1/2) A D^(-1/2)

    The graphs of a batch are treated separately. The graph is made undirected, without parallel edges and self-loops.
    If a graph has too few nodes, the remaining columns are zero. The sign of each column is arbitrary, as is the basis
    of the eigenspace of a multiple eigenvalue.

    Raises:
        ValueError: k is below 1, or sources and destinations are different node sets.

    Example:
        >>> from graphattn.graph import window
        >>> laplacian_eigenvectors(window(2, radius=1), 2).abs()
        tensor([[0.7071, 0.0000],
                [0.7071, 0.0000]])

    Dwivedi & Bresson 2021, arXiv:2012.09699, section 2.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    src, dst = graph.remove_self_loops()[0].edge_index
    both = torch.stack([torch.cat([src, dst]), torch.cat([dst, src])]).unique(dim=1)
    adjacency = Graph(both, graph.num_nodes).to_scipy().tocsr()
    waves = torch.zeros(graph.num_nodes, k, device="cpu")
    for first, last in _ranges(sizes_of(graph)[0]):
        found = _lowest(adjacency[first:last, first:last], k + 1)[:, 1:]
        waves[first:last, : found.shape[1]] = torch.from_numpy(found)
    return waves.to(graph.device)


class LaplacianPositions(nn.Module):
    """A linear map of Laplacian eigenvectors, whose signs are flipped at random in training.

        out = W (s ⊙ waves_i),   s uniform in {−1, 1}^k, the same for all nodes of a graph

    The random signs keep the network from relying on signs, which are arbitrary.

    Args:
        k: the number of eigenvectors.
        width: width of the output.

    Shapes:
        waves `[N, k]` from `laplacian_eigenvectors` → `[N, width]`.

    Dwivedi & Bresson 2021, arXiv:2012.09699, eq. 2; random signs: section 4.
    """

    def __init__(self, k: int, width: int) -> None:
        super().__init__()
        self.map = nn.Linear(k, width)

    def forward(self, waves: Tensor, graph: Graph) -> Tensor:
        """Map the eigenvectors; nodes of the same graph in a batch share their signs."""
        if self.training:
            sizes = sizes_of(graph)[0]
            signs = 2 * torch.randint(2, (len(sizes), waves.shape[1]), device=waves.device) - 1
            waves = waves * signs.repeat_interleave(torch.tensor(sizes, device=waves.device), dim=0)
        return self.map(waves)


def _ranges(sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    last = list(accumulate(sizes))
    return list(zip([0, *last], last, strict=False))


def _lowest(adjacency: object, count: int) -> np.ndarray:
    """The eigenvectors of at most `count` smallest eigenvalues, ascending, as columns."""
    from scipy.sparse.csgraph import laplacian
    from scipy.sparse.linalg import eigsh

    matrix = laplacian(adjacency, normed=True)
    size = matrix.shape[0]
    if size <= max(_DENSE, count):
        return np.linalg.eigh(matrix.toarray())[1][:, :count]
    values, vectors = eigsh(matrix.tocsc(), k=count, sigma=-0.01, v0=np.ones(size))  # L + 0.01 is positive definite
    return vectors[:, values.argsort()]
