"""Check that the arrays of a graph are consistent."""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.graph.checks import check_form
from graphattn.graph.compressed import Compressed, index_dtype


def validate(
    edge_index: Tensor | None,
    csr: Compressed | None,
    csc: Compressed | None,
    num_dst: int,
    num_src: int,
    num_edges: int,
) -> None:
    """Check the arrays of a graph, those that there are, against its sizes and one another.

    Raises:
        ValueError: an array is broken; the message says which and how.
    """
    if edge_index is not None:
        check_form(edge_index)
        _check(edge_index.size(1) == num_edges, f"edge_index must have {num_edges} edges")
        _check_range("edge_index[0]", edge_index[0], num_src)
        _check_range("edge_index[1]", edge_index[1], num_dst)
    if csr is not None:
        _check_compressed("csr", csr, num_dst, num_src, num_edges)
        if edge_index is not None:
            ordered = edge_index if csr.perm is None else edge_index[:, csr.perm.long()]
            _check(torch.equal(ordered[0], csr.indices.long()), "csr.indices must be the sources of edge_index")
            _check(torch.equal(ordered[1], csr.rows().long()), "csr.indptr must count edge_index's destinations")
    if csr is not None and csc is not None:
        _check_compressed("csc", csc, num_src, num_dst, num_edges)
        _check(csc.perm is not None, "csc.perm must be there")
        assert csc.perm is not None
        perm = csc.perm.long()
        _check(torch.equal(csr.rows()[perm], csc.indices), "csc.indices must be the destinations in csr")
        _check(torch.equal(csr.indices[perm], csc.rows()), "csc.indptr must count the sources in csr")


def _check(holds: bool, sentence: str) -> None:
    if not holds:
        raise ValueError(f"the graph is broken: {sentence}")


def _check_range(name: str, nodes: Tensor, size: int) -> None:
    inside = bool(((nodes >= 0) & (nodes < size)).all())
    _check(inside, f"{name} must hold nodes from 0 to {size - 1}")


def _check_compressed(name: str, form: Compressed, num_rows: int, num_others: int, num_edges: int) -> None:
    dtype = index_dtype(num_rows, num_others, num_edges)
    indptr, indices, perm = form
    for field, tensor, length in (("indptr", indptr, num_rows + 1), ("indices", indices, num_edges)):
        _check(tensor.shape == (length,), f"{name}.{field} must have shape [{length}], not {list(tensor.shape)}")
        _check(tensor.dtype == dtype, f"{name}.{field} must be {dtype}, not {tensor.dtype}")
    _check(
        int(indptr[0]) == 0 and int(indptr[-1]) == num_edges and bool((indptr.diff() >= 0).all()),
        f"{name}.indptr must rise from 0 to {num_edges}",
    )
    _check_range(f"{name}.indices", indices, num_others)
    if perm is not None:
        each_once = torch.arange(num_edges, dtype=dtype, device=perm.device)
        _check(torch.equal(perm.sort().values, each_once), f"{name}.perm must hold each edge once")
