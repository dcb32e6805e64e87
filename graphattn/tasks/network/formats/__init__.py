"""The formats that hold a network, one a file; which one a file has, its name says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphattn.datasets.networks import NETWORK_CARDS, find_network
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.formats.data_frame import frame_rows
from graphattn.tasks.network.formats.edge_list import read_edge_list
from graphattn.tasks.network.formats.gexf import read_gexf
from graphattn.tasks.network.formats.graphml import read_graphml
from graphattn.tasks.network.formats.named import read_named
from graphattn.tasks.network.formats.networkx import from_networkx
from graphattn.tasks.network.formats.node_link import read_node_link
from graphattn.tasks.network.formats.npz import read_npz
from graphattn.tasks.network.formats.parquet import read_parquet
from graphattn.tasks.network.formats.pyg import from_pyg
from graphattn.tasks.network.formats.text_table import read_text_table
from graphattn.tasks.network.rows import Rows
from graphattn.tasks.network.source import Source

__all__ = ["open_graph", "open_tables"]

_EDGE_LISTS = (".edgelist", ".edges", ".el", ".txt")
_GRAPHS = {".graphml": read_graphml, ".gexf": read_gexf, ".json": read_node_link, ".npz": read_npz}
Progress = Callable[[int, int], None] | None


def open_tables(nodes: Any, edges: Any, encoding: str | None, progress: Progress = None) -> Source:
    """Open a table of nodes, if there is one, and a table or list of edges."""
    found = None if nodes is None else open_table(nodes, "nodes", encoding, progress)
    if isinstance(edges, (str, Path)) and _suffix(Path(edges)) in _EDGE_LISTS:
        listed = read_edge_list(Path(edges), encoding, progress)
        return Source(found, listed, source_column="source", destination_column="target")
    return Source(found, open_table(edges, "edges", encoding, progress))


def open_graph(
    graph: Any, nodes: Any, encoding: str | None, progress: Progress = None, *, split: str | None, target: str | None
) -> Source:
    """Open what holds nodes and edges together.

    Raises:
        TableError: it is of no kind that is known.
    """
    if not isinstance(graph, (str, Path)) and hasattr(graph, "__fspath__"):
        graph = Path(graph)
    if isinstance(graph, (str, Path)):
        path = Path(graph)
        if path.is_file() or find_network(str(graph)) is None:
            return _graph_file(path, nodes, encoding, progress)
        _alone(nodes, str(graph))
        return read_named(str(graph), split, target)
    _alone(nodes, type(graph).__name__)
    if hasattr(graph, "adj") and hasattr(graph, "is_directed") and hasattr(graph, "nodes"):
        return from_networkx(graph)
    if hasattr(graph, "edge_index") and hasattr(graph, "keys"):
        return from_pyg(graph)
    raise TypeError(
        "graph must be a path, the name of a data set, a NetworkX graph or a torch_geometric.data.Data, got "
        f"{type(graph).__name__}"
    )


def _graph_file(path: Path, nodes: Any, encoding: str | None, progress: Progress) -> Source:
    suffix = _suffix(path)
    if not path.is_file():
        what = "a directory" if path.is_dir() else "no file"
        raise TableError(
            f"{str(path)!r} is {what}, and no data set has that name; there are {', '.join(NETWORK_CARDS)}."
        )
    if suffix in _EDGE_LISTS:
        return open_tables(nodes, path, encoding, progress)
    if suffix not in _GRAPHS:
        raise TableError(
            f"{path}: what kind of graph is it? Its name should end in .graphml, .gexf, .json, .npz, .edgelist or "
            ".txt; tables are given as nodes and edges."
        )
    _alone(nodes, str(path))
    return _GRAPHS[suffix](path)


def _alone(nodes: Any, graph: str) -> None:
    if nodes is not None:
        raise TableError(f"{graph} has nodes of its own; give it without a table of nodes.")


def open_table(table: Any, what: str, encoding: str | None, progress: Progress) -> Rows:
    if hasattr(table, "columns") and hasattr(table, "iloc"):
        return frame_rows(table, f"the data frame of {what}")
    if not isinstance(table, (str, Path)) and not hasattr(table, "__fspath__"):
        raise TypeError(f"{what} must be a path or a pandas DataFrame, got {type(table).__name__}")
    path = Path(table)
    if path.is_dir() or not path.exists():
        raise TableError(
            f"{path} is a directory; a table is expected." if path.is_dir() else f"There is no file {path}."
        )
    if path.suffix in (".parquet", ".pq"):
        return read_parquet(path)
    return read_text_table(path, encoding, progress, coded=what == "edges")


def _suffix(path: Path) -> str:
    return Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
