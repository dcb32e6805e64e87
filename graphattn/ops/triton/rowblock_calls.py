"""Launches the kernels over dense rowblocks: for which calls, and in tiles of which size."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphattn.ops.triton import rowblocks
from graphattn.ops.triton.kernel_arguments import KernelArguments
from graphattn.ops.triton.launch import launch
from graphattn.ops.triton.rowblock_backward import (
    attend_bwd_rowblock_destination_kernel,
    attend_bwd_rowblock_source_kernel,
)
from graphattn.ops.triton.rowblock_forward import attend_fwd_rowblock_kernel
from graphattn.ops.triton.rowblocks import Rowblocks, rowblocks_of
from graphattn.ops.triton.tile_table import ARCHITECTURES, architecture_of, padded

LEAST_WIDTH = 16  # of what tensor cores add up over
MOST_WIDTH = {2: 256, 4: 64}
"""The widest keys and values by the bytes of a number: float32 goes without tensor cores, and spills beyond."""
COLUMNS = 16
"""Of a rowblock that one step takes; twice as many where rows are narrow and no edge is looked up. More would spill."""
STAGES = 2
"""Steps under way at a time."""
MOST_HEADS = 2
"""Query heads of a key head that a program takes together."""
THREADS = {512: 256, 256: 128, 64: 64, 0: 32}
"""By the least bytes of a row of a tile that asks for so many: fewer spill."""


def rowblocks_by_destination(
    p: KernelArguments, indptr: Tensor, indices: Tensor, edge_ids: Tensor | None
) -> Rowblocks | None:
    """The rowblocks of destinations for this call; None where its kernels do not serve it or would move more."""
    if not _served(p):
        return None
    row, times = _row(p.tensors["k"]) + (0 if p.shared else _row(p.v)), _parts(p)
    return _worth(p, indptr, indices, p.v.shape[0], row, times, p.key_heads * times, None, edge_ids)


def rowblocks_by_source(
    p: KernelArguments, indptr: Tensor, indices: Tensor, places: Tensor, edge_ids: Tensor | None
) -> Rowblocks | None:
    """The rowblocks of sources, with the places by destination of their edges."""
    q = p.tensors["q"]
    if not _served(p) or q is None:
        return None
    row = _row(q) + p.heads * (p.v.shape[2] * p.v.element_size() + 12)  # query, output gradient, lse, rest and δ
    return _worth(p, indptr, indices, q.shape[0], row, 1, p.heads, places, edge_ids)


def forward(p: KernelArguments, blocks: Rowblocks, given: dict[str, Any], indptr: Tensor) -> None:
    """Outputs of the rows of rowblocks."""
    _launch(attend_fwd_rowblock_kernel, p, blocks, given, indptr, _heads(p), _parts(p))


def backward_by_destination(p: KernelArguments, blocks: Rowblocks, given: dict[str, Any], indptr: Tensor) -> None:
    """Gradients of queries and biases."""
    _launch(attend_bwd_rowblock_destination_kernel, p, blocks, given, indptr, _heads(p), _parts(p))


def backward_by_source(p: KernelArguments, blocks: Rowblocks, given: dict[str, Any], indptr: Tensor) -> None:
    """Gradients of keys and values."""
    _launch(attend_bwd_rowblock_source_kernel, p, blocks, given, indptr, 1, 1)


def _launch(
    kernel: Any, p: KernelArguments, blocks: Rowblocks, given: dict[str, Any], indptr: Tensor, heads: int, parts: int
) -> None:
    k = p.tensors["k"]
    assert k is not None
    DP, DVP = (max(LEAST_WIDTH, padded(x.shape[2])) for x in (k, p.v))
    size = max(DP * k.element_size(), DVP * p.v.element_size()) * heads
    threads = next(threads for least, threads in THREADS.items() if size >= least)
    lanes = ARCHITECTURES[architecture_of(p.v.device)].lanes
    columns = COLUMNS * (1 if size >= 64 or given["bias"] is not None or p.dropout else 2)
    launch(
        kernel, (blocks.ids.numel() * p.key_heads * parts,), p.v, max(1, threads // lanes),
        **given
        | {"rowblocks": blocks.ids, "count": indptr.numel() - 1, "indptr": indptr, "order": blocks.order}
        | {name: getattr(blocks, name) for name in ("starts", "stops", "columns", "masks")},
        HK=p.key_heads, GROUP=p.group, D=p.width, DV=p.v.shape[2], DP=DP, DVP=DVP, GP=heads, COLUMNS=columns,
        STAGES=STAGES,
    )  # fmt: skip


def _worth(
    p: KernelArguments, indptr: Tensor, indices: Tensor, num_columns: int, row: int, times: int, units: int,
    places: Tensor | None, edge_ids: Tensor | None,
) -> Rowblocks | None:  # fmt: skip
    """The rowblocks, if they move little enough: see `rowblocks.ENOUGH`.

    A walk over rows moves `row` bytes for each edge, and the number of its column. Rowblocks move `row` bytes so many
    times for each column, and for each of their `units` programs its number and its mask. Biases come for each edge
    either way; to know the edge, or what dropout does to it, each program reads its place, and the caller's edge there.
    """
    blocks = rowblocks_of(indptr, indices, num_columns, places, edge_ids)
    if blocks is None:
        return None
    if places is not None:
        blocks = blocks._replace(order=places if blocks.order is None else places[blocks.order])
    bias, index = p.tensors["bias"] is not None, indices.element_size()
    looked_up = (blocks.order is not None) * (bias or p.dropout > 0) + (edge_ids is not None) * bias
    of_edge, of_column = 4 * p.heads * bias, (index + 4) * units
    by_rows = blocks.num_edges * (row + index + of_edge)
    by_rowblocks = blocks.columns.numel() * (row * times + of_column)
    by_rowblocks += blocks.num_edges * (of_edge + index * looked_up * units)
    return blocks if rowblocks.ENOUGH * by_rowblocks <= by_rows else None


def _served(p: KernelArguments) -> bool:
    """Whether the kernels cover the call."""
    q, k = p.tensors["q"], p.tensors["k"]
    if p.score != "dot" or p.weights or q is None or k is None or q.dtype != k.dtype:
        return False
    if any(p.tensors[name] is not None for name in ("edge_key", "edge_value", "edge_attr")):
        return False
    if any(x.dtype not in (torch.float16, torch.bfloat16, torch.float32) for x in (k, p.v)):
        return False
    return all(0 < x.shape[2] <= MOST_WIDTH[x.element_size()] for x in (k, p.v))


def _row(tensor: Tensor | None) -> int:
    """Bytes of a node's numbers in all heads."""
    assert tensor is not None
    return tensor.shape[1] * tensor.shape[2] * tensor.element_size()


def _heads(p: KernelArguments) -> int:
    return min(MOST_HEADS, padded(p.group))


def _parts(p: KernelArguments) -> int:
    """Programs that share the query heads of a key head."""
    return -(-p.group // _heads(p))
