"""A published network in memory."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphattn.datasets.network_card import NetworkCard


class NetworkData(NamedTuple):
    """A network of N nodes of which each, or most, has a label."""

    card: NetworkCard
    edge_index: Tensor
    """`[2, E]` of int64: each undirected edge once, in its published order"""
    x: Tensor
    """`[N, F]` of float32, `torch.sparse_csr` where most are zeros"""
    y: Tensor
    """`[N]` of int64: the place in `card.classes`, −1 where there is no label"""
    masks: dict[str, Tensor] | None
    """"train", "valid" and "test", `[N, S]` bool each: the S published splits; None where none is published"""
    names: tuple[str, ...] | None = None
    """of the nodes, where they are published"""


def undirected(pairs: NDArray[np.int64], nodes: int, *, loops: bool = False) -> Tensor:
    """`[2, E]`: each edge of `pairs`, `[E', 2]`, once, whatever its direction, where it stands first.

    Args:
        pairs: ends of the edges, 0 to `nodes` − 1.
        nodes: number of nodes.
        loops: keep the edges of a node to itself.
    """
    if not loops:
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    _, first = np.unique(pairs.min(1) * nodes + pairs.max(1), return_index=True)
    return torch.from_numpy(np.ascontiguousarray(pairs[np.sort(first)].T))


def to_torch(matrix: Any) -> Tensor:
    """A matrix of SciPy or NumPy as `torch.sparse_csr` of float32."""
    from scipy import sparse

    rows = sparse.csr_matrix(matrix)
    rows.sort_indices()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")
        return torch.sparse_csr_tensor(
            torch.from_numpy(rows.indptr.astype(np.int64)),
            torch.from_numpy(rows.indices.astype(np.int64)),
            torch.from_numpy(rows.data.astype(np.float32)),
            size=rows.shape,
            check_invariants=True,
        )


def multi_hot(lists: list[list[int]], width: int) -> Tensor:
    """`[N, width]` of `torch.sparse_csr`: 1 at the numbers that a node's list holds, however often it does."""
    from scipy import sparse

    kept = [sorted(set(numbers)) for numbers in lists]
    indptr = np.concatenate([[0], np.cumsum([len(numbers) for numbers in kept])])
    columns = np.array([number for numbers in kept for number in numbers], dtype=np.int64)
    return to_torch(sparse.csr_matrix((np.ones(len(columns)), columns, indptr), (len(kept), width)))
