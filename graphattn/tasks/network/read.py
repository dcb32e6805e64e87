"""Read a network: two tables or a graph, whatever holds it, to one record."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.columns import (
    PARTS,
    Options,
    check_header,
    check_not_swapped,
    edge_columns,
    find_columns,
    node_columns,
)
from graphattn.tasks.network.edges import read_edges
from graphattn.tasks.network.formats import open_graph, open_tables
from graphattn.tasks.network.ids import Places, node_ids
from graphattn.tasks.network.inputs import compact, read_inputs
from graphattn.tasks.network.leakage import leaks
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.rejects import Rejects
from graphattn.tasks.network.rows import Rows
from graphattn.tasks.network.source import Source
from graphattn.tasks.network.target import no_labels, read_labels
from graphattn.tasks.network.values import coded

if TYPE_CHECKING:
    import pandas as pd


def read_network(
    nodes: str | os.PathLike[str] | pd.DataFrame | None = None,
    edges: str | os.PathLike[str] | pd.DataFrame | None = None,
    *,
    graph: Any = None,
    target: str | None = None,
    id_column: str | None = None,
    source_column: str | None = None,
    destination_column: str | None = None,
    weight_column: str | None = None,
    type_column: str | None = None,
    split_column: str | None = None,
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    ignore: Sequence[str] = (),
    directed: bool | None = None,
    task: str | None = None,
    max_rejects: int | None = None,
    encoding: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Network:
    """Read a network, infer what its columns are, and check it.

    Give `nodes` and `edges`, or `graph`; with an edge list as `graph`, `nodes` may be given besides. What cannot be
    used is in `Network.rejects` with its place and the reason, what is odd in `Network.notes`. Columns of the nodes
    are read as `columns` describes; options name them where the guess is wrong.

    Args:
        nodes: a table with a row for each node: path of a CSV, TSV or Parquet file, packed with gzip or not, or a data
            frame. None: the nodes are those that the edges name.
        edges: a table with a row for each edge, likewise, or an edge list.
        graph: path of a GraphML, GEXF, JSON (node-link), edge list or npz file, the name of a data set (see
            `datasets.network_cards`), a NetworkX graph, or a `torch_geometric.data.Data`.
        target: the column of the labels. None: what the data set says, else no labels are read.
        id_column: the column of the nodes' ids.
        source_column, destination_column, weight_column, type_column: columns of the edges.
        split_column: a column of the nodes that says train, valid or test; of a data set, the kind of its splits.
        categorical, numeric, ignore: columns to take for categories or numbers, or to leave out.
        directed: whether edges have a direction. None: what the format says, else no.
        task: "multiclass", "regression" or "multilabel"; told by the labels when None.
        max_rejects: how many rows may be left out; None: any number, as long as something is left.
        encoding: of text files; None means UTF-8.
        progress: called with the bytes read and the size of the file, table by table.

    Raises:
        TableError: nothing can be read; the message names file, line and column.
        DatasetError: a data set by name cannot be had.
    """
    if graph is None and edges is None:
        raise TableError("A network needs edges: give a table of nodes and one of edges, or a graph.")
    if graph is not None and edges is not None:
        raise TableError("Give either a table of edges or a graph, not both.")
    if graph is None:
        source = open_tables(nodes, edges, encoding, progress)
    else:
        source = open_graph(graph, nodes, encoding, progress, split=split_column, target=target)
        if source.masks is not None:
            split_column = None
    options = Options(
        target=target or source.target,
        id_column=id_column or source.id_column,
        source_column=source_column or source.source_column,
        destination_column=destination_column or source.destination_column,
        weight_column=weight_column or source.weight_column,
        type_column=type_column or source.type_column,
        split_column=split_column,
        categorical=categorical,
        numeric=numeric,
        ignore=ignore,
    )
    directed = bool(source.directed) if directed is None else directed
    rejects = Rejects(max_rejects)
    for table in (source.nodes, source.edges):
        rejects.take(() if table is None else table.rejects)
    return _assemble(source, options, rejects, directed=directed, task=task)


def _assemble(source: Source, options: Options, rejects: Rejects, *, directed: bool, task: str | None) -> Network:
    edges = source.edges
    if not len(edges.frame):
        raise TableError(f"{edges.name}: there is no edge.")
    if source.nodes is None:
        source, options = _nodes_of_edges(source, options)
    nodes = source.nodes
    assert nodes is not None
    if not len(nodes.frame):
        raise TableError(f"{nodes.name}: there is no node.")
    check_header(nodes)
    check_header(edges)
    check_not_swapped(nodes, edges, options)
    if options.target is not None:
        nodes.check(options.target, "target")
    id_column, source_column, destination_column = find_columns(nodes, edges, options)
    if id_column == options.target:
        raise TableError(f"{nodes.header}: column {id_column!r} cannot be both the ids and the target.")
    node_roles = node_columns(nodes, edges, id_column, options)
    edge_roles = edge_columns(edges, source_column, destination_column, options)

    kept, ids = node_ids(nodes, id_column, rejects)
    x, masks = source.x, source.masks
    if len(kept) < len(nodes.frame):
        nodes = _subset(nodes, kept)
        rows = torch.from_numpy(kept)
        x = None if x is None else compact(x.to_dense()[rows])
        masks = None if masks is None else {part: mask[rows] for part, mask in masks.items()}
    places = Places(ids, nodes.name)
    joined = read_edges(edges, edge_roles, places, rejects, directed=directed)
    if options.target is None:
        labels = no_labels(len(ids))
    else:
        labels = read_labels(nodes, options.target, task, rejects)
    inputs = read_inputs(nodes, node_roles)
    names = inputs.names
    if x is not None:
        names = (*source.feature_names, *names)
        x = x if not inputs.x.shape[1] else compact(torch.cat([x.to_dense(), inputs.x.to_dense()], dim=1))
    split = next((column.name for column in node_roles if column.role == "split"), None)
    if split is not None:
        masks = _masks(nodes, split, rejects)
    notes = [*source.notes, *inputs.notes, *labels.notes, *joined.notes, *leaks(nodes, node_roles, labels)]
    return Network(
        nodes=nodes.frame,
        ids=tuple(ids),
        edge_index=joined.edge_index,
        edge_weight=joined.weight,
        edge_type=joined.type,
        edge_types=joined.types,
        edge_attr=joined.attr,
        directed=directed,
        x=inputs.x if x is None else x,
        feature_names=names,
        target=options.target or "",
        task=labels.task,
        classes=labels.classes,
        y=labels.y,
        masks=masks,
        columns=(*node_roles, *edge_roles),
        notes=(*notes, *_isolated(nodes, joined.edge_index, ids)),
        rejects=tuple(rejects.found),
    )


def _nodes_of_edges(source: Source, options: Options) -> tuple[Source, Options]:
    """Make the nodes of those that the edges name, in the order in which they come."""
    import pandas as pd

    edges = source.edges
    if options.target is not None:
        raise TableError(
            f"{edges.name}: an edge list has no labels, so there is no column {options.target!r}; give a table "
            "of nodes."
        )
    check_header(edges)
    none = Rows(edges.name, pd.DataFrame({"id": []}))
    _, one, other = find_columns(none, edges, options._replace(id_column="id"))
    ends = [coded(edges.frame[name]) for name in (one, other)]
    every = pd.Index([*ends[0].names, *ends[1].names, ""], dtype=object).unique()
    places = [every.get_indexer([*end.names, ""])[end.codes] for end in ends]
    ids = [every[place] for place in pd.unique(np.stack(places, axis=1).ravel()) if every[place]]
    found = Rows(edges.name, pd.DataFrame({"id": ids}))
    return (
        replace(source, nodes=found),
        options._replace(id_column="id", source_column=one, destination_column=other),
    )


def _subset(rows: Rows, kept: np.ndarray[Any, Any]) -> Rows:
    return Rows(
        rows.name, rows.frame.iloc[kept].reset_index(drop=True), rows.unit, lambda row: rows.line(int(kept[row]))
    )


def _masks(nodes: Rows, column: str, rejects: Rejects) -> dict[str, Tensor]:
    """The split that a column gives; a cell that names no part is rejected, and its node is in none."""
    cells = coded(nodes.frame[column]).cells()
    parts = [PARTS.get(cell.lower(), "") for cell in cells]
    for row, (cell, part) in enumerate(zip(cells, parts, strict=True)):
        if cell and not part:
            rejects.add(nodes, row, column, cell, f"{cell!r} is none of train, valid, test; the node is in no part")
    if not any(part == "train" for part in parts):
        raise TableError(f"{nodes.name}, column {column!r}: no row says train.")
    return {part: torch.tensor([found == part for found in parts]) for part in ("train", "valid", "test")}


def _isolated(nodes: Rows, edge_index: Tensor, ids: Sequence[str]) -> list[str]:
    alone = torch.ones(len(ids), dtype=torch.bool)
    alone[edge_index.reshape(-1)] = False
    count = int(alone.sum())
    if not count:
        return []
    row = int(alone.int().argmax())
    verb = "node has no edge; it is" if count == 1 else "nodes have no edge; they are"
    return [f"{nodes.where(row)}: {count:,} {verb} labeled by the features alone, the first is {ids[row]!r}."]
