"""What the columns of a network's two tables are taken for.

A name that says what a column is decides, and so does an option of the user; for all others the values do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graphattn.tasks.common.decimals import looks_numeric
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.network import ColumnRole
from graphattn.tasks.network.rows import Rows
from graphattn.tasks.network.values import Coded, coded, missing, numbers, words, yes_no

PARTS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
}
"""names of the parts of a split, and what they mean"""

_IDS = ("id", "node_id", "nodeid", "node", "uid", "user_id", "userid", "key", "name", "index")
_PAIRS = (
    ("source", "target"), ("source", "destination"), ("src", "dst"), ("src", "dest"), ("from", "to"), ("id_1", "id_2"),
    ("id1", "id2"), ("node1", "node2"), ("node_1", "node_2"), ("source_id", "target_id"), ("from_id", "to_id"),
    ("u", "v"), ("head", "tail"), ("start", "end"), ("sender", "receiver"), ("citing", "cited"),
    ("follower", "followee"), ("source_node", "target_node"), ("from_node", "to_node"), ("a", "b"), ("i", "j"),
    ("subject", "object"),
)  # fmt: skip
_WEIGHTS = ("weight", "w", "edge_weight", "weights", "strength", "count")
_TYPES = ("type", "edge_type", "relation", "rel", "kind", "predicate", "edge_label")
_TIMES = ("time", "timestamp", "date", "datetime", "created", "created_at", "updated_at", "ts")
_SPLITS = ("split", "set", "subset", "fold", "partition", "part")
_GRAPHS = ("graph_id", "graph", "graphid")
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?([T ]\d{2}:\d{2}.*)?|\d{1,2}[./]\d{1,2}[./]\d{4}")
_ID_LIKE = re.compile(r"(^|_|\s|-)id$", re.IGNORECASE)
_SAMPLE = 2000
_MOST_CATEGORIES = 50


class Options(NamedTuple):
    """What the user says about columns, in place of a guess."""

    target: str | None = None
    id_column: str | None = None
    source_column: str | None = None
    destination_column: str | None = None
    weight_column: str | None = None
    type_column: str | None = None
    split_column: str | None = None
    categorical: Sequence[str] = ()
    numeric: Sequence[str] = ()
    ignore: Sequence[str] = ()


def columns_table(columns: Sequence[ColumnRole]) -> str:
    """The roles as a table of plain text, one column of data a line."""
    cells = [("table", "column", "taken for", "because"), *((c.table, c.name, c.role, c.why) for c in columns)]
    widths = [max(len(row[at]) for row in cells) for at in range(3)]
    return "\n".join("  ".join([*(row[at].ljust(widths[at]) for at in range(3)), row[3]]).rstrip() for row in cells)


def check_header(rows: Rows) -> None:
    """Refuse a table whose first line is no header but data.

    Raises:
        TableError: a name stands twice; or each name in the header is a number or a value of its own column.
    """
    names = rows.columns
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        places = " and ".join(str(at + 1) for at, name in enumerate(names) if name == twice)
        raise TableError(f"{rows.header}: column {twice!r} appears {names.count(twice)} times (fields {places}); "
                         "rename all but one.")  # fmt: skip
    if rows.unit != "line":
        return
    head = rows.frame.head(_SAMPLE)
    if all(looks_numeric(name) or name in coded(head[name]).names for name in names):
        raise TableError(
            f"{rows.header}: {', '.join(repr(name) for name in names[:3])} look like a row, not like names of columns; "
            "put a header line above it, such as id,role for nodes or source,target for edges."
        )


def check_not_swapped(nodes: Rows, edges: Rows, options: Options) -> None:
    """Refuse nodes and edges that were given in each other's place.

    Raises:
        TableError: they seem to be.
    """
    wanted = [name for name in (options.target, options.id_column) if name is not None]
    astray = next((name for name in wanted if name not in nodes.columns and name in edges.columns), None)
    joined, other = _pair(nodes), _pair(edges)
    if joined is not None and (astray is not None or other is None) and options.source_column is None:
        what = f"{edges.name} has the column {astray!r}" if astray else f"{edges.name} has no such pair"
        raise TableError(
            f"{nodes.header}: the columns {joined[0]!r} and {joined[1]!r} are those of edges, and {what}: the two "
            "files seem to be swapped; the nodes come first."
        )


def find_columns(nodes: Rows, edges: Rows, options: Options) -> tuple[str, str, str]:
    """The columns of the nodes' ids, of the edges' sources and of their destinations.

    Raises:
        TableError: a column that the user names is not there, or nothing tells which columns they are.
    """
    head = Rows(edges.name, edges.frame.head(_SAMPLE), edges.unit, edges.line)
    ends = _given_ends(edges, options) or _pair(edges)
    if options.id_column is not None:
        return _with_ends(nodes, head, nodes.check(options.id_column, "ids"), ends)
    candidates = [name for name in nodes.columns if name != options.target]
    named = [name for wanted in _IDS for name in candidates if name.strip().lower() == wanted]
    shares = {name: _share(nodes, name, head, ends) for name in dict.fromkeys([*named, *candidates])}
    if not shares:
        raise TableError(f"{nodes.header}: there is no column for the ids of the nodes.")
    best = max(shares, key=lambda name: shares[name])  # the first of equals: what is named so, then the leftmost
    if shares[best] == 0:
        unnamed = [name for name in candidates if name == "" or name.startswith("Unnamed")]
        best = (named or unnamed or [_leftmost_unique(nodes, candidates)])[0]
    return _with_ends(nodes, head, best, ends)


def node_columns(nodes: Rows, edges: Rows, id_column: str, options: Options) -> list[ColumnRole]:
    """What each column of the nodes is taken for."""
    for names, what in (
        (options.categorical, "categories"),
        (options.numeric, "numbers"),
        (options.ignore, "columns to ignore"),
    ):
        for name in names:
            if name == options.target:
                raise TableError(f"{nodes.header}: column {name!r} cannot be both the target and a feature.")
            if name not in edges.columns:
                nodes.check(name, what)
    split = _split_column(nodes, options)
    roles = []
    for name in nodes.columns:
        if name == id_column:
            why = "given" if options.id_column else "its values are what the edges name"
            roles.append(ColumnRole(name, "nodes", "id", why))
        elif name == options.target:
            roles.append(ColumnRole(name, "nodes", "target", "given"))
        elif name == split:
            why = "given" if options.split_column else "its values are train, valid and test"
            roles.append(ColumnRole(name, "nodes", "split", why))
        elif name.strip().lower() in _GRAPHS and name not in (*options.categorical, *options.numeric, *options.ignore):
            roles.append(ColumnRole(name, "nodes", "graph_id", "its name says so"))
        else:
            roles.append(ColumnRole(name, "nodes", *_kind(nodes, name, options)))
    return roles


def edge_columns(edges: Rows, source: str, destination: str, options: Options) -> list[ColumnRole]:
    """What each column of the edges is taken for."""
    weight = options.weight_column or _named(edges, _WEIGHTS, options)
    kind = options.type_column or _named(edges, _TYPES, options)
    for name, what in ((options.weight_column, "weights"), (options.type_column, "types")):
        if name is not None:
            edges.check(name, what)
    said = (options.weight_column, options.type_column, options.source_column, options.destination_column)
    roles = []
    for name in edges.columns:
        fixed = {source: "source", destination: "destination", weight: "weight", kind: "type"}.get(name)
        if fixed is not None:
            why = "given" if name in said else "its name says so"
            if fixed in ("source", "destination") and why != "given" and _pair(edges) != (source, destination):
                why = "its values are ids of nodes"
            roles.append(ColumnRole(name, "edges", fixed, why))
            continue
        role, why = _kind(edges, name, options)
        if role in ("category", "words"):
            role, why = "text (ignored)", "name it with --type-column to use it"
        roles.append(ColumnRole(name, "edges", role, why))
    return roles


def _kind(rows: Rows, name: str, options: Options) -> tuple[str, str]:
    """Role of a column that is not one of the network's own, and why."""
    if name in options.ignore:
        return "ignored", "given"
    if name in options.categorical:
        return "category", "given"
    if name in options.numeric:
        return "numeric", "given"
    column = coded(rows.frame[name])
    gone = missing(column)
    known = int((~gone).sum())
    kept = sorted({column.names[code] for code in np.unique(column.codes[~gone])})
    if not known:
        return "constant (ignored)", "every cell is empty"
    if len(kept) == 1 and known == len(gone):
        return "constant (ignored)", f"every cell is {kept[0]!r}"
    if yes_no(column) is not None:
        return "boolean", f"{kept[0]} or {kept[1]}"
    time_named = name.strip().lower() in _TIMES
    if time_named or sum(bool(_DATE.fullmatch(cell)) for cell in kept[:100]) > len(kept[:100]) / 2:
        return "time", "its name says so" if time_named else "dates"
    numeric = known - int(numbers(column).wrong.sum())
    if 2 * numeric > known:
        if _ID_LIKE.search(name) and known > 1 and len(kept) > 0.9 * known:
            return "text (ignored)", "an identifier: hardly a value comes twice"
        return "numeric", "numbers" if numeric == known else f"numbers in {numeric:,} of {known:,} cells"
    if words(column) is not None:
        return "words", "lists"
    if (len(kept) <= _MOST_CATEGORIES and 2 * len(kept) <= max(known, 4)) or 20 * len(kept) <= known:
        return "category", f"{len(kept)} different values"
    return "text (ignored)", f"{len(kept):,} different values in {known:,} cells"


def _pair(rows: Rows) -> tuple[str, str] | None:
    """The columns whose names say that they are the two ends of an edge."""
    lowered = {name.strip().lower(): name for name in rows.columns}
    pair = next((pair for pair in _PAIRS if pair[0] in lowered and pair[1] in lowered), None)
    return None if pair is None else (lowered[pair[0]], lowered[pair[1]])


def _given_ends(edges: Rows, options: Options) -> tuple[str, str] | None:
    source, destination = options.source_column, options.destination_column
    if source is None and destination is None:
        return None
    named = _pair(edges)
    rest = [name for name in edges.columns if name not in (source, destination)]
    source = edges.check(source, "sources") if source is not None else named[0] if named else rest[0] if rest else ""
    if destination is not None:
        destination = edges.check(destination, "destinations")
    else:
        destination = named[1] if named else rest[0] if rest else ""
    if source == destination:
        raise TableError(f"{edges.header}: column {source!r} cannot be both ends of an edge.")
    return source, destination


def _with_ends(nodes: Rows, edges: Rows, ids: str, ends: tuple[str, str] | None) -> tuple[str, str, str]:
    """Add the ends of the edges, told by their values where the names do not."""
    if ends is not None:
        return ids, *ends
    if len(edges.columns) < 2:
        raise TableError(f"{edges.header}: one column only; an edge needs two, such as source and target.")
    known = set(coded(nodes.frame[ids]).names)
    shares = {name: _share_of(coded(edges.frame[name]), known) for name in edges.columns}
    found = [name for name in edges.columns if shares[name] >= 0.5][:2]
    if len(found) == 2:
        return ids, found[0], found[1]
    if len(edges.columns) == 2:
        return ids, edges.columns[0], edges.columns[1]
    shown = ", ".join(repr(name) for name in edges.columns[:12])
    raise TableError(
        f"{edges.header}: which columns are the two ends of an edge? Name them with --source-column and "
        f"--destination-column; the columns are {shown}."
    )


def _share(nodes: Rows, name: str, edges: Rows, ends: tuple[str, str] | None) -> float:
    """How well a column of the nodes serves as their ids: the part of the edges' ends that it has; 0 if it repeats."""
    column = coded(nodes.frame[name])
    if 2 * len(column.names) < len(column.codes):
        return 0.0
    known = set(column.names)
    shares = sorted(_share_of(coded(edges.frame[end]), known) for end in (ends or edges.columns))
    return shares[-1] if ends else sum(shares[-2:]) / 2


def _share_of(column: Coded, known: set[str]) -> float:
    used = {column.names[code] for code in np.unique(column.codes) if code >= 0}
    return len(used & known) / max(len(used), 1)


def _leftmost_unique(nodes: Rows, candidates: Sequence[str]) -> str:
    for name in candidates:
        column = coded(nodes.frame[name])
        if len(set(column.names)) == len(column.codes):
            return name
    return candidates[0]


def _named(edges: Rows, wanted: Sequence[str], options: Options) -> str | None:
    claimed: tuple[Any, ...] = (*options.ignore, *options.numeric, *options.categorical)
    claimed += (options.weight_column, options.type_column, options.source_column, options.destination_column)
    lowered = {name.strip().lower(): name for name in edges.columns if name not in claimed}
    return next((lowered[name] for name in wanted if name in lowered), None)


def _split_column(nodes: Rows, options: Options) -> str | None:
    if options.split_column is not None:
        return nodes.check(options.split_column, "split")
    for name in nodes.columns:
        if name.strip().lower() in _SPLITS and name not in (options.target, *options.ignore, *options.categorical):
            known = {cell.lower() for cell in coded(nodes.frame[name]).names if cell}
            if known and known <= set(PARTS):
                return name
    return None
