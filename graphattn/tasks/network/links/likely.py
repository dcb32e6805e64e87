"""Pairs that are worth asking about: not linked yet, with neighbors in common."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

MOST_PAIRS = 20_000
_MOST_PATHS = 20_000_000
"""paths of two edges that are looked at"""


def likely_pairs(both: sp.csr_array, seed: int = 0) -> NDArray[np.int64]:
    """Return pairs u < v without an edge, those with the largest Adamic–Adar score, `[P, 2]`, best first.

    Of a network with very many paths of two edges, only those around some nodes, drawn at random, are looked at.

    Args:
        both: the edges in both directions, ones, without self-loops.
        seed: of the draw.
    """
    degree = np.asarray(both.sum(axis=1)).ravel()
    weighted = both @ sp.diags_array(1 / np.log(np.maximum(degree, 2)))
    order = np.random.default_rng(seed).permutation(both.shape[0])
    paths = np.cumsum(np.asarray(both @ degree).ravel()[order])
    nodes = np.sort(order[: max(1, int(np.searchsorted(paths, _MOST_PATHS)))])
    scores, pairs = np.empty(0), np.empty((0, 2), dtype=np.int64)
    for start in range(0, len(nodes), 1024):
        rows = nodes[start : start + 1024]
        found = (weighted[rows] @ both).tocoo()
        one, other = rows[found.row], found.col
        linked = np.asarray(both[one, other]).ravel() > 0
        new = (one != other) & ~linked & ((one < other) | ~np.isin(other, nodes))
        fresh = np.stack([np.minimum(one, other), np.maximum(one, other)], axis=1)[new]
        scores, pairs = np.concatenate([scores, found.data[new]]), np.concatenate([pairs, fresh])
        best = np.argsort(-scores, kind="stable")[:MOST_PAIRS]
        scores, pairs = scores[best], pairs[best]
    return pairs
