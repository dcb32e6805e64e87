"""Lists of edges: their bounds, self-loops and compressed forms, each in one or two passes over them.

What PyTorch and SciPy need ten calls for takes longer than attention itself on a graph of some hundred edges.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import types
from torch import Tensor

from graphattn.graph.compressed import Compressed
from graphattn.graph.native import Native
from graphattn.ops.numba.helper import inlined
from graphattn.ops.numba.jit import kernel
from graphattn.ops.numba.kernel_arguments import Edges, List, pack_edges, pack_list
from graphattn.ops.numba.record import Kind
from graphattn.ops.numba.vector import at, shifted

U = np.uint64
ZERO, ONE, TWO = U(0), U(1), U(2)
_MOVED, _IN_ORDER, _OUTSIDE = range(3)

_TYPES = {torch.int32: types.int32, torch.int64: types.int64}
_LISTS = {dtype: Kind(List, node=types.int64, index=index) for dtype, index in _TYPES.items()}
_EDGES = {dtype: Kind(Edges, index=index) for dtype, index in _TYPES.items()}


@kernel
def _find_bounds(e: Any) -> None:
    """In `others` the lowest and highest source and the lowest and highest destination."""
    ends, found = at(e.ends, e.node), at(e.others, e.index)
    for end in range(TWO):
        lowest = highest = ends[end * e.row_step]
        for x in range(e.num_edges):
            node = ends[end * e.row_step + x * e.step]
            lowest, highest = min(lowest, node), max(highest, node)
        found[TWO * end], found[TWO * end + ONE] = lowest, highest


@kernel
def _count_loops(e: Any) -> Any:
    ends, loops = at(e.ends, e.node), ZERO
    for x in range(e.num_edges):
        if ends[x * e.step] == ends[x * e.step + e.row_step]:
            loops += ONE
    return loops


@kernel
def _renew_loops(e: Any) -> None:
    """In `others` the edges that stay and a loop at each row, `[2, E']`; in `origins` the ids of the former."""
    ends, src, kept = at(e.ends, e.node), at(e.others, e.index), at(e.origins, e.index)
    dst, place = shifted(src, e.num_kept + e.num_rows), ZERO
    for x in range(e.num_edges):
        source, destination = ends[x * e.step], ends[x * e.step + e.row_step]
        if source != destination:
            src[place], dst[place], kept[place] = source, destination, x
            place += ONE
    for node in range(e.num_rows):
        src[place + node] = dst[place + node] = node


@inlined
def _sum_up(starts: Any, num_rows: Any) -> None:
    """starts[r + 2], the number of entries of row r, to starts[r + 1], where they begin: where the next one goes."""
    for r in range(num_rows):
        starts[r + TWO] += starts[r + ONE]


@inlined
def _take_place(starts: Any, row: Any) -> Any:
    """The place of the next entry of a row. When all have theirs, starts[r] is where row r begins."""
    place = U(starts[row + ONE])
    starts[row + ONE] += 1
    return place


@kernel
def _by_destination(e: Any) -> Any:
    ends, starts = at(e.ends, e.node), at(e.starts, e.index)
    others, origins = at(e.others, e.index), at(e.origins, e.index)
    for r in range(e.num_rows + TWO):
        starts[r] = 0
    before, found = ZERO, _IN_ORDER
    for x in range(e.num_edges):
        source, row = U(ends[x * e.step]), U(ends[x * e.step + e.row_step])
        if row >= e.num_rows or source >= e.num_others:
            return _OUTSIDE
        if row < before:
            found = _MOVED
        before = row
        starts[row + TWO] += 1
    _sum_up(starts, e.num_rows)
    for x in range(e.num_edges):
        place = _take_place(starts, U(ends[x * e.step + e.row_step]))
        others[place] = ends[x * e.step]
        origins[place] = x
    return found


@kernel
def _by_source(edges: Any, e: Any) -> Any:
    given, stops, sources = at(edges.starts, e.index), at(edges.stops, e.index), at(edges.others, e.index)
    starts, others, origins = at(e.starts, e.index), at(e.others, e.index), at(e.origins, e.index)
    for r in range(e.num_rows + TWO):
        starts[r] = 0
    for x in range(e.num_edges):
        row = U(sources[x])
        if row >= e.num_rows:
            return _OUTSIDE
        starts[row + TWO] += 1
    _sum_up(starts, e.num_rows)
    for node in range(e.num_others):
        for x in range(U(given[node]), U(stops[node])):
            place = _take_place(starts, U(sources[x]))
            others[place] = node
            origins[place] = x
    return _MOVED


def _given(edge_index: Tensor) -> tuple[int, int, int, int]:
    """Address and steps of a list, and its length."""
    row_step, step = edge_index.stride()
    return edge_index.data_ptr(), row_step, step, edge_index.shape[1]


def bounds(edge_index: Tensor) -> tuple[list[int], list[int]]:
    """The lowest source and destination, and the highest."""
    found = edge_index.new_empty(4)
    _find_bounds.of(_LISTS[torch.int64])(pack_list(*_given(edge_index), 0, 0, 0, 0, found.data_ptr(), 0))
    lowest_source, highest_source, lowest, highest = found.tolist()
    return [lowest_source, lowest], [highest_source, highest]


def renew_loops(edge_index: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The edges without self-loops and then one at each of the first `count` nodes; the ids of those that stay."""
    given, kind = _given(edge_index), _LISTS[torch.int64]
    num_kept = given[3] - _count_loops.of(kind)(pack_list(*given, 0, 0, 0, 0, 0, 0))
    looped, kept = edge_index.new_empty(2, num_kept + count), edge_index.new_empty(num_kept)
    _renew_loops.of(kind)(pack_list(*given, num_kept, count, 0, 0, looped.data_ptr(), kept.data_ptr()))
    return looped, kept


def _empty(like: Tensor, num_rows: int, num_edges: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    return (
        like.new_empty(num_rows + 2, dtype=dtype),
        like.new_empty(num_edges, dtype=dtype),
        like.new_empty(num_edges, dtype=dtype),
    )


def _refuse_if(found: int) -> None:
    if found == _OUTSIDE:
        raise ValueError("edge_index holds a node outside the graph: it was changed after the Graph was made")


def by_destination(edge_index: Tensor, num_dst: int, num_src: int, dtype: torch.dtype) -> Compressed:
    """Edges by destination, in the caller's order within each."""
    given = _given(edge_index)
    starts, others, origins = _empty(edge_index, num_dst, given[3], dtype)
    places = starts.data_ptr(), others.data_ptr(), origins.data_ptr()
    found = _by_destination.of(_LISTS[dtype])(pack_list(*given, 0, num_dst, num_src, *places))
    _refuse_if(found)
    return Compressed(starts[:-1], others, None if found == _IN_ORDER else origins)


def by_source(csr: Compressed, num_src: int) -> Compressed:
    """Edges by source, in their order by destination within each."""
    indptr, indices, _ = csr
    num_edges, num_dst, dtype = indices.shape[0], indptr.shape[0] - 1, indptr.dtype
    starts, others, origins = _empty(indptr, num_src, num_edges, dtype)
    address = indptr.data_ptr()
    edges = pack_edges(address, address + indptr.element_size(), indices.data_ptr(), 0, 0, 0, 0)
    places = starts.data_ptr(), others.data_ptr(), origins.data_ptr()
    _refuse_if(
        _by_source.of(_EDGES[dtype], _LISTS[dtype])(edges, pack_list(0, 0, 0, num_edges, 0, num_src, num_dst, *places))
    )
    return Compressed(starts[:-1], others, origins)


NATIVE = Native(bounds, renew_loops, by_destination, by_source)
