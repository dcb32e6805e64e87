"""From a network whose nodes say which graph they are of to the graphs and their labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphattn.tasks.common.errors import InputError, TableError
from graphattn.tasks.network.formats import open_table
from graphattn.tasks.network.items import items_of
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.reading import as_network, read_alike
from graphattn.tasks.network.rejects import Rejects
from graphattn.tasks.network.splits import labeled
from graphattn.tasks.network.target import Labels, no_labels, read_labels
from graphattn.tasks.network.values import coded

if TYPE_CHECKING:
    import pandas as pd


class ManyGraphs(NamedTuple):
    """A network without edges between graphs, the graph of each node `[N]`, and the graphs with their labels."""

    network: Network
    graph_of: NDArray[np.int64]
    items: Network


def read_graphs(
    data: Any,
    edges: Any = None,
    *,
    target: str | None,
    graphs: Any = None,
    graph_column: str | None = None,
    task: str | None = None,
    like: ManyGraphs | None = None,
    **reading: Any,
) -> ManyGraphs:
    """Read graphs, and their labels from a table of graphs or from a column of the nodes.

    Args:
        data: nodes, as for `read_network`.
        edges: edges, likewise.
        target: the column of the labels; of `graphs` where it is given, else of the nodes.
        graphs: a table with a row for each graph: path or data frame. None: the label stands with every node.
        graph_column: the column that says which graph; told by its name when None.
        task: see `read_network`.
        like: graphs that were read before, whose columns these have.
        **reading: more options of `read_network`.

    Raises:
        InputError: there is no such column, a graph has two labels, or one is not in the table of graphs.
    """
    if graph_column is not None:
        reading["ignore"] = (*reading.get("ignore", ()), graph_column)
    inner = target if graphs is None else None
    if like is None:
        network = as_network(data, edges, target=inner, task=task if inner else None, **reading)
    else:
        network = read_alike(like.network, data, edges, reading)
    column = graph_column or next((each.name for each in network.columns if each.role == "graph_id"), None)
    if column is None or column not in network.nodes:
        said = "" if column is None else f"; there is no {column!r}"
        raise InputError(f"the nodes need a column graph_id that says which graph each is of{said} (--graph-column).")
    names = coded(network.nodes[column]).cells()
    if "" in names:
        raise InputError(f"node {network.ids[names.index('')]!r} has no {column!r}, so it is of no graph.")
    if graphs is None:
        known = list(dict.fromkeys(names))
        place = {name: number for number, name in enumerate(known)}
        graph_of = np.array([place[name] for name in names], dtype=np.int64)
        network = _apart(network, graph_of)
        items = _from_nodes(network, known, graph_of, column, like)
    else:
        frame, known, labels = _table(graphs, column, target, task, like)
        place = {name: number for number, name in enumerate(known)}
        missing = next((name for name in names if name not in place), None)
        if missing is not None:
            raise InputError(f"the table of graphs has no graph {missing!r}, which nodes are of.")
        graph_of = np.array([place[name] for name in names], dtype=np.int64)
        network = _apart(network, graph_of)
        said = target or (like.items.target if like is not None else "")
        items = items_of(frame, known, target=said, task=labels.task, classes=labels.classes, y=labels.y)
        network = replace(network, notes=(*network.notes, *labels.notes, *_empty(known, graph_of)))
    return ManyGraphs(network, graph_of, items)


def _apart(network: Network, graph_of: NDArray[np.int64]) -> Network:
    """Leave out edges between different graphs, and say so."""
    ends = torch.from_numpy(graph_of)[network.edge_index]
    kept = ends[0] == ends[1]
    count = int((~kept).sum())
    if not count:
        return network
    return replace(
        network,
        edge_index=network.edge_index[:, kept],
        edge_weight=None if network.edge_weight is None else network.edge_weight[kept],
        edge_type=None if network.edge_type is None else network.edge_type[kept],
        edge_attr=None if network.edge_attr is None else network.edge_attr[kept],
        notes=(*network.notes, f"{count:,} edges join nodes of different graphs; they are left out."),
    )


def _from_nodes(
    network: Network, names: list[str], graph_of: NDArray[np.int64], column: str, like: ManyGraphs | None
) -> Network:
    """Graphs whose label stands with their nodes: with all of them, or with some."""
    import pandas as pd

    frame = pd.DataFrame({column: names}, dtype=object)
    if like is not None or not network.target:
        source = network if like is None else like.items
        y = torch.full((len(names), *source.y.shape[1:]), -1 if not source.y.is_floating_point() else float("nan"))
        y = y.to(source.y.dtype)
        return items_of(frame, names, target=source.target, task=source.task, classes=source.classes, y=y)
    known = np.flatnonzero(labeled(network.y).numpy())
    first = np.full(len(names), -1)
    first[graph_of[known][::-1]] = known[::-1]
    own = network.y[torch.from_numpy(np.maximum(first[graph_of[known]], 0))]
    differs = (own != network.y[torch.from_numpy(known)]).reshape(len(known), -1).any(1).numpy()
    if differs.any():
        node = int(known[int(np.argmax(differs))])
        raise InputError(
            f"graph {names[graph_of[node]]!r} has two labels: node {network.ids[node]!r} has another "
            f"{network.target!r} than node {network.ids[first[graph_of[node]]]!r}; a graph has one label."
        )
    y = network.y[torch.from_numpy(np.maximum(first, 0))].clone()
    y[torch.from_numpy(first < 0)] = float("nan") if y.is_floating_point() else -1
    cells = network.nodes[network.target].astype(str).to_numpy()
    frame[network.target] = [cells[place] if place >= 0 else "" for place in first]
    return items_of(frame, names, target=network.target, task=network.task, classes=network.classes, y=y)


def _table(
    graphs: Any, column: str, target: str | None, task: str | None, like: ManyGraphs | None
) -> tuple[pd.DataFrame, list[str], Labels]:
    rows = open_table(graphs, "graphs", None, None)
    rows.check(column, "graphs")
    names = coded(rows.frame[column]).cells()
    if len(set(names)) < len(names):
        again = next(row for row, name in enumerate(names) if name in names[:row])
        raise TableError(f"{rows.where(again, column)}: the graph {names[again]!r} stands there already.")
    if like is not None:
        old = like.items
        y: Tensor = torch.full((len(names), *old.y.shape[1:]), float("nan") if old.y.is_floating_point() else -1)
        return rows.frame, names, Labels(old.task, old.classes, y.to(old.y.dtype), [])
    if target is None:
        return rows.frame, names, no_labels(len(names))
    rows.check(target, "target")
    return rows.frame, names, read_labels(rows, target, task, Rejects())


def _empty(names: list[str], graph_of: NDArray[np.int64]) -> list[str]:
    counts = np.bincount(graph_of, minlength=len(names))
    empty = np.flatnonzero(counts == 0)
    if not len(empty):
        return []
    return [f"{len(empty):,} graphs have no node, the first is {names[empty[0]]!r}; they get what most have."]
