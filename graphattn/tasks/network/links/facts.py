"""What is known of a pair of nodes from the edges around them: the heuristics of link prediction."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Array = NDArray[np.float64]

FACTS = ("common_neighbors", "adamic_adar", "preferential_attachment", "resource_allocation", "jaccard", "paths_of_3",
         "smaller_degree", "larger_degree")  # fmt: skip
"""what `facts_of` returns, in this order"""

_CHUNK = 4096


def facts_of(both: sp.csr_array, pairs: NDArray[np.int64]) -> Array:
    """Return `[P, 8]`, the columns of `FACTS`, of pairs u, v; counts as log(1 + x).

        common neighbors          |Γ(u) ∩ Γ(v)|
        Adamic–Adar               Σ 1 / log d_w   over the common neighbors w
        preferential attachment   d_u d_v
        resource allocation       Σ 1 / d_w
        Jaccard                   |Γ(u) ∩ Γ(v)| / |Γ(u) ∪ Γ(v)|
        paths of 3                walks of three edges from u to v

    Liben-Nowell and Kleinberg 2007, "The link-prediction problem for social networks"; resource allocation of Zhou et
    al. 2009, arXiv:0901.0553.

    Args:
        both: the edges in both directions, ones, without self-loops, `[N, N]`.
        pairs: `[P, 2]`.
    """
    degree = np.asarray(both.sum(axis=1)).ravel()
    weights = {
        "adamic_adar": 1 / np.log(np.maximum(degree, 2)),
        "resource_allocation": 1 / np.maximum(degree, 1),
    }
    blocks = [np.zeros((0, len(FACTS)))]
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        one, other = both[chunk[:, 0]], both[chunk[:, 1]]
        shared = one.multiply(other).tocsr()
        common = _sums(shared)
        ends = degree[chunk]
        together = ends.sum(axis=1) - common
        found = {
            "common_neighbors": np.log1p(common),
            "preferential_attachment": np.log1p(ends.prod(axis=1)),
            "jaccard": common / np.maximum(together, 1),
            "paths_of_3": np.log1p(_sums((one @ both).multiply(other))),
            "smaller_degree": np.log1p(ends.min(axis=1)),
            "larger_degree": np.log1p(ends.max(axis=1)),
        } | {name: shared @ weight for name, weight in weights.items()}
        blocks.append(np.stack([found[name] for name in FACTS], axis=1))
    return np.concatenate(blocks)


def _sums(matrix: sp.csr_array) -> Array:
    return np.asarray(matrix.sum(axis=1)).ravel()
