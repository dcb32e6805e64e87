"""A network in memory, as its reader hands it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from graphattn.tasks.network.reject import Reject

if TYPE_CHECKING:
    import pandas as pd


class ColumnRole(NamedTuple):
    """What a column was taken for."""

    name: str
    table: str
    """"nodes" or "edges" """
    role: str
    """id, target, source, destination, weight, type, time, numeric, category, boolean, words, text (ignored), split,
    graph_id, constant (ignored) or ignored"""
    why: str


@dataclass(frozen=True, eq=False)
class Network:
    """A network of N nodes and E edges, each node with features and perhaps a label."""

    nodes: pd.DataFrame
    """the user's rows in their order with every column, text where text was given; rejected rows are left out"""
    ids: tuple[str, ...]
    """of each row of `nodes`: the user's own, as text"""
    edge_index: Tensor
    """`[2, E]` of int64: each kept edge once, row 0 its source and row 1 its destination, as places in `ids`"""
    edge_weight: Tensor | None
    """`[E]` of float32"""
    edge_type: Tensor | None
    """`[E]` of int64: places in `edge_types`"""
    edge_types: tuple[str, ...]
    edge_attr: Tensor | None
    """`[E, d]` of float32: further numbers of the edges, NaN where missing"""
    directed: bool
    """False: the reverse of every edge is meant too, and not listed"""
    x: Tensor
    """`[N, F]` of float32, dense or `torch.sparse_csr`: numbers, yes (1) or no (0), and words (1 where a node has the
    word), before scaling, NaN where missing; columns of role "category" are in `nodes` only"""
    feature_names: tuple[str, ...]
    """of the F columns; a word of column `c` is `c=word`"""
    target: str
    """name of the label; empty where there is none"""
    task: str
    """"multiclass", "regression" or "multilabel" """
    classes: tuple[str, ...]
    """the user's own labels, in sorted order; empty for regression"""
    y: Tensor
    """`[N]` of int64, places in `classes`, −1 where there is no label; `[N]` of float32 for regression and `[N, C]`
    of float32 for several labels, NaN where there is none"""
    masks: dict[str, Tensor] | None
    """the split that was given: "train", "valid" and "test", `[N]` of bool each, or `[N, S]` for S splits"""
    columns: tuple[ColumnRole, ...]
    notes: tuple[str, ...]
    """what to know about the data, a sentence each"""
    rejects: tuple[Reject, ...]
    """what was left out"""

    @property
    def edge_attr_names(self) -> tuple[str, ...]:
        """Names of the columns of `edge_attr`."""
        return tuple(c.name for c in self.columns if c.table == "edges" and c.role in ("numeric", "boolean"))

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        what = f", {self.task} of {self.target!r}" if self.target else ""
        kind = "directed" if self.directed else "undirected"
        size = f"{len(self):,} nodes, {self.edge_index.shape[1]:,} {kind} edges, {self.x.shape[1]:,} features"
        return f"Network({size}{what})"
