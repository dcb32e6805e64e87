"""From a table of edges to tensors; no loop goes over the edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.ids import Places
from graphattn.tasks.network.network import ColumnRole
from graphattn.tasks.network.rejects import Rejects
from graphattn.tasks.network.rows import Rows
from graphattn.tasks.network.values import coded, missing, numbers, yes_no

_BLOCK = 1 << 20  # rows looked at together, where more would take room


class Edges(NamedTuple):
    """See `Network` for the fields."""

    edge_index: Tensor
    weight: Tensor | None
    type: Tensor | None
    types: tuple[str, ...]
    attr: Tensor | None
    notes: list[str]


def read_edges(rows: Rows, columns: Sequence[ColumnRole], places: Places, rejects: Rejects, *, directed: bool) -> Edges:
    """Find the nodes that edges join, and read what the edges carry.

    An edge is rejected when no node has the id of one of its ends, and when its weight is no number or its type is
    missing. An edge that comes again, in either direction where the network is undirected, is one edge: weights of
    the same direction are summed, those of the two directions averaged. Edges that differ in type or in a further
    number are different edges.

    Raises:
        TableError: there is no edge, or none joins two of the nodes.
    """
    if not len(rows.frame):
        raise TableError(f"{rows.name}: there is no edge.")
    role = {c.role: c.name for c in columns}
    notes: list[str] = []
    good = np.ones(len(rows.frame), dtype=bool)
    ends = [_end(rows, role[which], places, good, rejects, notes) for which in ("source", "destination")]
    if not good.any():
        first = next(reject for reject in rejects.found if reject.file == rows.name)
        raise TableError(
            f"{rows.where(0)}: none of the {len(good):,} edges joins two nodes of {places.name}; the first reason, at "
            f"column {first.column!r}: {first.reason}."
        )
    weight = _weight(rows, role["weight"], good, rejects) if "weight" in role else None
    kind, types = _type(rows, role["type"], good, rejects) if "type" in role else (None, ())
    further = [_number(rows, c, notes) for c in columns if c.role in ("numeric", "boolean")]
    source, destination = ends
    del ends
    if not good.any():
        first = next(reject for reject in rejects.found if reject.file == rows.name)
        raise TableError(
            f"{rows.name}, {rows.unit} {first.line}, column {first.column!r}: {first.reason}; no edge can be used."
        )
    kept = np.flatnonzero(good) if not good.all() else slice(None)
    source, destination = source[kept], destination[kept]
    weight = None if weight is None else weight[kept]
    kind = None if kind is None else kind[kept]
    further = [values[kept] for values in further]
    line = np.flatnonzero(good) if not good.all() else None
    others = further if kind is None else [kind, *further]
    merged = _merge(source, destination, weight, others, directed=directed)
    if merged is not None:
        notes.append(_said(rows, line, source, destination, merged, places, directed=directed))
        once = merged.kept
        source, destination = source[once], destination[once]
        weight = None if merged.weight is None else merged.weight[once]
        kind = None if kind is None else kind[once]
        further = [values[once] for values in further]
    loops = int((source == destination).sum())
    if loops:
        row = int(np.argmax(source == destination))
        verb = "edge joins a node to itself" if loops == 1 else "edges join a node to itself"
        notes.append(f"{rows.name}: {loops:,} {verb}, such as {places.index[source[row]]!r}; kept.")
    index = np.empty((2, len(source)), dtype=np.int64)
    index[0], index[1] = source, destination
    return Edges(
        torch.from_numpy(index),
        None if weight is None else torch.from_numpy(weight.astype(np.float32)),
        None if kind is None else torch.from_numpy(kind.astype(np.int64)),
        types,
        torch.from_numpy(np.stack(further, axis=1).astype(np.float32)) if further else None,
        notes,
    )


def _end(
    rows: Rows, name: str, places: Places, good: NDArray[np.bool_], rejects: Rejects, notes: list[str]
) -> NDArray[np.integer]:
    """Places of one end of all edges; edges whose end is unknown are rejected and no longer `good`."""
    column = coded(rows.frame[name])
    found, taken = places.find(column)
    unknown = (found < 0) & good
    for row in np.flatnonzero(unknown).tolist():
        text = column.names[column.codes[row]] if column.codes[row] >= 0 else ""
        rejects.add(rows, row, name, text, places.why_unknown(text))
    good &= ~unknown
    if taken:
        written, meant = next(iter(taken.items()))
        row = column.first(column.names.index(written))
        more = f", and so on for {len(taken) - 1:,} other ids" if len(taken) > 1 else ""
        notes.append(f"{rows.where(row, name)}: {written!r} is taken for the node {meant!r}{more}.")
    return found


def _weight(rows: Rows, name: str, good: NDArray[np.bool_], rejects: Rejects) -> NDArray[np.float64]:
    found = numbers(rows.frame[name])
    bad = np.isnan(found.values) & good
    if bad.any():
        column = coded(rows.frame[name])
        for row in np.flatnonzero(bad).tolist():
            text = column.names[column.codes[row]] if column.codes[row] >= 0 else ""
            rejects.add(rows, row, name, text, f"the weight {text!r} is no number" if text else "the weight is missing")
        good &= ~bad
    return found.values


def _type(
    rows: Rows, name: str, good: NDArray[np.bool_], rejects: Rejects
) -> tuple[NDArray[np.integer], tuple[str, ...]]:
    column = coded(rows.frame[name])
    bad = missing(column) & good
    for row in np.flatnonzero(bad).tolist():
        rejects.add(rows, row, name, "", "the type of the edge is missing")
    good &= ~bad
    used = {column.names[code] for code in np.unique(column.codes[good])}
    types = tuple(sorted(used))
    position = {kind: at for at, kind in enumerate(types)}
    return np.array([*(position.get(text, -1) for text in column.names), -1], dtype=np.int64)[column.codes], types


def _number(rows: Rows, role: ColumnRole, notes: list[str]) -> NDArray[np.float64]:
    if role.role == "boolean":
        values = yes_no(coded(rows.frame[role.name]))
        assert values is not None
        return values
    found = numbers(rows.frame[role.name])
    if found.wrong.any():
        row, count = int(np.argmax(found.wrong)), int(found.wrong.sum())
        notes.append(f"{rows.where(row, role.name)}: no number; it is taken as missing ({count:,} cells in all).")
    return found.values


class _Merged(NamedTuple):
    kept: NDArray[np.bool_]
    """which rows are"""
    weight: NDArray[np.float64] | None
    """of all rows"""
    example: tuple[int, int]
    """a row that is left out, and the one that it repeats"""


def _merge(
    source: NDArray[np.integer],
    destination: NDArray[np.integer],
    weight: NDArray[np.float64] | None,
    others: Sequence[NDArray[np.generic]],
    *,
    directed: bool,
) -> _Merged | None:
    """Find the edges that come again; None where none does."""
    key = _key(source, destination, others, directed=directed)
    key.sort()
    again = np.unique(key[1:][key[1:] == key[:-1]])
    if not len(again):
        return None
    del key  # it is sorted
    key = _key(source, destination, others, directed=directed)
    rows = np.concatenate(
        [at + np.flatnonzero(_among(key[at : at + _BLOCK], again)) for at in range(0, len(key), _BLOCK)]
    )
    _, first, group = np.unique(key[rows], return_index=True, return_inverse=True)
    left_out = first[group] != np.arange(len(rows))
    kept = np.ones(len(key), dtype=bool)
    kept[rows[left_out]] = False
    if weight is not None:
        forward = source[rows] <= destination[rows]
        ways = [np.bincount(group, way * weight[rows]) for way in (forward, ~forward)]
        both = (np.bincount(group, forward) > 0) & (np.bincount(group, ~forward) > 0)
        weight = weight.copy()
        weight[rows[first]] = (ways[0] + ways[1]) / np.where(both, 2, 1)
    example = int(np.argmax(left_out))
    return _Merged(kept, weight, (int(rows[example]), int(rows[first[group[example]]])))


def _key(
    source: NDArray[np.integer],
    destination: NDArray[np.integer],
    others: Sequence[NDArray[np.generic]],
    *,
    directed: bool,
) -> NDArray[np.int64]:
    """A number for each edge, the same for the same edge."""
    key = (source if directed else np.minimum(source, destination)).astype(np.int64)
    key *= int(max(source.max(), destination.max())) + 1
    key += destination if directed else np.maximum(source, destination)
    for values in others:
        _, codes = np.unique(values, return_inverse=True)
        _, key = np.unique(key, return_inverse=True)
        key = key.astype(np.int64) * (int(codes.max()) + 1) + codes
    return key


def _among(key: NDArray[np.int64], ordered: NDArray[np.int64]) -> NDArray[np.bool_]:
    place = np.searchsorted(ordered, key)
    return ordered[np.minimum(place, len(ordered) - 1)] == key


def _said(
    rows: Rows,
    line: NDArray[np.integer] | None,
    source: NDArray[np.integer],
    destination: NDArray[np.integer],
    merged: _Merged,
    places: Places,
    *,
    directed: bool,
) -> str:
    again, before = (int(row if line is None else line[row]) for row in merged.example)
    one, other = places.index[source[merged.example[0]]], places.index[destination[merged.example[0]]]
    repeats = int((~merged.kept).sum())
    count = f"{repeats:,} edges repeat" if repeats > 1 else "1 edge repeats"
    how = "" if directed else ", in either direction"
    what = "their weights summed, of two directions averaged" if merged.weight is not None else "counted once"
    return (
        f"{rows.where(again)}: the edge of {one!r} and {other!r} stands on {rows.unit} {rows.line(before)} already; "
        f"{count} an earlier one{how}, {what}."
    )
