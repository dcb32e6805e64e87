"""What a file format hands to the reader: two tables, and whatever the format says besides."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from graphattn.tasks.network.rows import Rows


@dataclass(frozen=True)
class Source:
    """Nodes and edges as they were found.

    Attributes:
        nodes: a row for each node; None where the format lists edges only.
        edges: a row for each edge.
        directed: what the format says; None where it does not.
        id_column, source_column, destination_column, weight_column, type_column, target: what the format knows.
        x: features that came as an array, `[N, F]`, dense or `torch.sparse_csr`.
        feature_names: of its columns.
        masks: splits that came with the data, `[N, S]` or `[N]` each.
        notes: what the format could not carry over.
    """

    nodes: Rows | None
    edges: Rows
    directed: bool | None = None
    id_column: str | None = None
    source_column: str | None = None
    destination_column: str | None = None
    weight_column: str | None = None
    type_column: str | None = None
    target: str | None = None
    x: Tensor | None = None
    feature_names: tuple[str, ...] = ()
    masks: dict[str, Tensor] | None = None
    notes: tuple[str, ...] = ()
