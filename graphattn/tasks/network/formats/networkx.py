"""A graph of NetworkX."""

from __future__ import annotations

from typing import Any

from graphattn.tasks.network.rows import Rows
from graphattn.tasks.network.source import Source


def from_networkx(graph: Any) -> Source:
    """Take the nodes and edges with their attributes, in the graph's order."""
    nodes = [{"id": node, **renamed(data, ("id",))} for node, data in graph.nodes(data=True)]
    edges = [
        {"source": one, "target": other, **renamed(data, ("source", "target"))}
        for one, other, data in graph.edges(data=True)
    ]
    return records_source("the NetworkX graph", nodes, edges, directed=bool(graph.is_directed()))


def records_source(
    name: str,
    nodes: list[dict[str, Any]],
    edges: list[dict[str, Any]],
    *,
    directed: bool | None,
    lines: tuple[list[int], list[int]] | None = None,
    notes: tuple[str, ...] = (),
) -> Source:
    """Tables of nodes (with the column `id`) and edges (with `source` and `target`), and where they stand in a file."""
    import pandas as pd

    tables = []
    for at, (what, records, first) in enumerate((("nodes", nodes, ["id"]), ("edges", edges, ["source", "target"]))):
        names = list(dict.fromkeys([*first, *(key for record in records for key in record)]))
        columns = {key: pd.Series([record.get(key) for record in records], dtype=object) for key in names}
        frame = pd.DataFrame(columns)
        if lines is None:
            tables.append(Rows(f"{name} ({what})", frame))
        else:
            tables.append(Rows(name, frame, "line", lines[at].__getitem__))
    return Source(
        tables[0],
        tables[1],
        directed=directed,
        id_column="id",
        source_column="source",
        destination_column="target",
        notes=notes,
    )


def renamed(data: dict[Any, Any], taken: tuple[str, ...]) -> dict[str, Any]:
    """Attributes by their names as text; one that is called as a column of ours gets another name."""
    return {f"{key} (attribute)" if key in taken else str(key): value for key, value in data.items()}
