"""What the rivals see: a node's own features, statistics of its neighbors', and where it stands in the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from graphattn.tasks.network.node_inputs import NodeInputs
from graphattn.tasks.network.structure import adjacency_of, structure_of, undirected

Array = NDArray[np.float64]

_MOST_DENSE = 256
"""features up to which neighbors' statistics are of the features themselves, not of their principal components"""

_COMPONENTS = 64


@dataclass(frozen=True)
class Evidence:
    """Of N nodes: `own` features, the same with few columns (`compact`), and all that boosting sees (`wide`).

    `wide` holds own features, mean, largest and smallest of the neighbors' compact ones, structure and Laplacian
    eigenvectors.
    """

    own: Any
    compact: Array
    wide: Any
    both: sp.csr_array
    components: Array | None


def gather(inputs: NodeInputs, positions: Array, *, components: Array | None = None) -> Evidence:
    """Collect it.

    Args:
        inputs: what the network sees.
        positions: `[N, 8]` Laplacian eigenvectors.
        components: `[F, c]`, principal components of the network that was trained on; found here when None.
    """
    size = inputs.graph.num_dst
    adjacency = adjacency_of(inputs.graph.edge_index.numpy(), size)
    own = _as_numpy(inputs.x)
    if components is None and own.shape[1] > _MOST_DENSE:
        components = _principal(own)
    compact = own @ components if components is not None else _dense(own)
    around = _around(adjacency, np.asarray(compact))
    parts = [*around, structure_of(adjacency), positions]
    if sp.issparse(own):
        wide: Any = sp.csr_matrix(sp.hstack([own, compact, *parts], format="csr"))  # LightGBM takes no arrays
    else:
        wide = np.concatenate([own, *([compact] if components is not None else []), *parts], axis=1)
    return Evidence(own, np.asarray(compact), wide, undirected(adjacency), components)


def _around(adjacency: sp.csr_array, x: Array) -> list[Array]:
    """Mean, largest and smallest of the in-neighbors, `[N, c]` each; zeros for a node without."""
    degree = np.diff(adjacency.indptr)
    mean = sp.diags_array(1 / np.maximum(degree, 1)) @ _pattern(adjacency) @ x
    dst = torch.repeat_interleave(torch.arange(len(degree)), torch.from_numpy(degree.astype(np.int64)))
    found = [mean]
    for reduce in ("amax", "amin"):
        out = torch.zeros(x.shape, dtype=torch.float64)
        rows = torch.from_numpy(x)[torch.from_numpy(adjacency.indices.astype(np.int64))]
        out.scatter_reduce_(0, dst.unsqueeze(1).expand_as(rows), rows, reduce, include_self=False)
        found.append(out.numpy())
    return found


def _pattern(adjacency: sp.csr_array) -> sp.csr_array:
    ones = np.ones(adjacency.nnz)
    return sp.csr_array((ones, adjacency.indices, adjacency.indptr), shape=adjacency.shape)


def _principal(own: Any) -> Array:
    from sklearn.decomposition import TruncatedSVD

    count = min(_COMPONENTS, own.shape[0] - 1, own.shape[1] - 1)
    return TruncatedSVD(count, random_state=0).fit(own).components_.T


def _as_numpy(x: torch.Tensor) -> Any:
    if x.layout is not torch.sparse_csr:
        return x.double().numpy()
    parts = (x.values().double().numpy(), x.col_indices().numpy(), x.crow_indices().numpy())
    return sp.csr_matrix(parts, shape=tuple(x.shape))


def _dense(own: Any) -> Array:
    return own.toarray() if sp.issparse(own) else own
