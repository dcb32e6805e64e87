"""Numbers that say where a node stands in its network: degree, PageRank, core number, walks, Laplacian."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Array = NDArray[np.float64]

STRUCTURE = ("log_degree", "log_in_degree", "pagerank", "core_number", "neighbor_degree", "return_2", "return_3")
"""what `structure_of` returns, in this order"""

_DENSE_EIGENVECTORS = 400
"""nodes up to which the dense solver is faster, and exact"""


def adjacency_of(edge_index: NDArray[np.int64], num_nodes: int, weight: Array | None = None) -> sp.csr_array:
    """Return the matrix whose row i holds the sources j of the edges j → i; repeated edges add up."""
    values = np.ones(edge_index.shape[1]) if weight is None else np.asarray(weight, dtype=np.float64)
    matrix = sp.coo_array((values, (edge_index[1], edge_index[0])), shape=(num_nodes, num_nodes)).tocsr()
    matrix.sum_duplicates()
    return matrix


def undirected(adjacency: sp.csr_array) -> sp.csr_array:
    """Return the pattern of the edges in both directions, ones without self-loops."""
    pattern = adjacency.copy()
    pattern.data = np.ones_like(pattern.data)
    both = pattern.maximum(pattern.T).tocoo()
    kept = both.row != both.col
    return sp.coo_array((both.data[kept], (both.row[kept], both.col[kept])), shape=both.shape).tocsr()


def structure_of(adjacency: sp.csr_array) -> Array:
    """Return `[N, 7]`, the columns of `STRUCTURE`; log means log(1 + x), a node without edges has zeros.

    `return_k` is the probability that a random walk is back after k steps; PageRank is N times that of Brin and Page
    with damping 0.85, so that it does not depend on the network's size.
    """
    both = undirected(adjacency)
    degree = both.sum(axis=1)
    in_degree = adjacency.sum(axis=1)
    walk = sp.diags_array(1 / np.maximum(degree, 1)) @ both
    back = walk.T.tocsr()
    twice = np.asarray(walk.multiply(back).sum(axis=1)).ravel()
    thrice = np.asarray((walk @ walk).multiply(back).sum(axis=1)).ravel()
    columns = [np.log1p(degree), np.log1p(np.maximum(in_degree, 0)), pagerank(both), core_numbers(both)]
    return np.stack([*columns, np.log1p(walk @ degree), twice, thrice], axis=1)


def pagerank(both: sp.csr_array, damping: float = 0.85, steps: int = 60) -> Array:
    """Return N times the PageRank of each node, by power iteration."""
    size = both.shape[0]
    degree = both.sum(axis=1)
    back = (sp.diags_array(1 / np.maximum(degree, 1)) @ both).T.tocsr()
    rank = np.ones(size)
    for _ in range(steps):
        lost = rank[degree == 0].sum() / size
        rank = (1 - damping) + damping * (back @ rank + lost)
    return rank


def core_numbers(both: sp.csr_array) -> Array:
    """Return the largest k for which a node is in the k-core, the part where all have k neighbors in the part."""
    degree = both.sum(axis=1)
    core = np.zeros(both.shape[0])
    alive = np.ones(both.shape[0], dtype=bool)
    k = 0
    while alive.any():
        leaving = alive & (degree <= k)
        if not leaving.any():
            k = int(degree[alive].min())
            continue
        core[leaving] = k
        alive &= ~leaving
        degree = degree - both @ leaving.astype(np.float64)
    return core


def laplacian_eigenvectors(adjacency: sp.csr_array, count: int) -> Array:
    """Return `[N, count]` eigenvectors of I − D^(−1/2) A D^(−1/2) for its smallest eigenvalues but the first.

    Each column has unit variance, and its entry of largest size is positive. Columns that the network is too small for
    are zero.
    """
    both = undirected(adjacency)
    size = both.shape[0]
    root = sp.diags_array(1 / np.sqrt(np.maximum(both.sum(axis=1), 1)))
    smooth = root @ both @ root  # its largest eigenvalues are the Laplacian's smallest
    wanted = min(count + 1, size)
    if size <= _DENSE_EIGENVECTORS:
        vectors = np.linalg.eigh(smooth.toarray())[1][:, ::-1][:, :wanted]
    else:
        from scipy.sparse.linalg import eigsh

        start = np.random.default_rng(0).standard_normal(size)
        values, vectors = eigsh(smooth, k=wanted, which="LA", v0=start, tol=1e-4)
        vectors = vectors[:, np.argsort(-values, kind="stable")]
    found = vectors[:, 1:]
    largest = found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])] if size else np.ones(found.shape[1])
    found = found * np.where(largest < 0, -1.0, 1.0) * np.sqrt(size)
    return np.pad(found, ((0, 0), (0, count - found.shape[1])))
