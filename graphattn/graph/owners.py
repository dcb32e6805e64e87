"""Splitting the nodes of a graph into parts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphattn.graph.compressed import Compressed


def balanced(indptr: Tensor, num_parts: int) -> Tensor:
    """Consecutive nodes in parts of about equal work, a node's work being its in-edges and one more; `[N]` int64.

    >>> balanced(torch.tensor([0, 3, 3, 4, 6]), 2)
    tensor([0, 0, 1, 1])
    """
    work = indptr.to(torch.int64) + torch.arange(indptr.numel())
    middle = (work[:-1] + work[1:]).double() / 2
    share = max(int(work[-1]), 1) / num_parts
    return (middle / share).to(torch.int64).clamp(max=num_parts - 1)


def metis(csr: Compressed, num_parts: int) -> Tensor:
    """Parts of about as many nodes each with few edges between them, by METIS; `[N]` int64.

    Karypis & Kumar 1998, doi:10.1137/S1064827595287997.

    Raises:
        ImportError: pymetis is not installed.
    """
    try:
        import pymetis
    except ImportError:
        raise ImportError('method="metis" needs pymetis, which is not installed: pip install pymetis') from None
    starts, neighbors = _undirected(csr)
    if num_parts == 1 or neighbors.numel() == 0:
        return balanced(csr.indptr, num_parts)
    _, owner = pymetis.part_graph(num_parts, xadj=starts.numpy(), adjncy=neighbors.numpy())
    return torch.tensor(owner, dtype=torch.int64)


def _undirected(csr: Compressed) -> tuple[Tensor, Tensor]:
    """Every edge both ways, once, without self-loops: where each node's neighbors begin, and the neighbors."""
    rows, others = csr.rows().to(torch.int64), csr.indices.to(torch.int64)
    num_nodes = csr.indptr.numel() - 1
    pairs = torch.cat([rows * num_nodes + others, others * num_nodes + rows])
    pairs = pairs[pairs // num_nodes != pairs % num_nodes].unique()
    starts = torch.searchsorted(pairs, torch.arange(num_nodes + 1) * num_nodes)
    return starts, pairs % num_nodes


def check_given(owner: Any, num_nodes: int, num_parts: int) -> Tensor:
    """An owner for each node as it was given.

    Raises:
        ValueError: nodes without an owner, or owners that are no process.
    """
    owner = torch.as_tensor(owner)
    if owner.shape != (num_nodes,) or owner.is_floating_point() or owner.dtype == torch.bool:
        raise ValueError(
            f"a partition names the owner of each of the {num_nodes} nodes as integers [{num_nodes}], "
            f"got {owner.dtype} {list(owner.shape)}"
        )
    owner = owner.to(torch.int64).cpu()
    if num_nodes and (int(owner.min()) < 0 or int(owner.max()) >= num_parts):
        wrong = int(owner.min()) if int(owner.min()) < 0 else int(owner.max())
        raise ValueError(f"a partition over {num_parts} processes has owners 0 to {num_parts - 1}, got {wrong}")
    return owner
