"""A network as it was read: nodes, edges, features, labels, and what was made of the columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

if TYPE_CHECKING:
    import pandas as pd


class ColumnRole(NamedTuple):
    """What a column was taken for, and why."""

    name: str
    table: str
    role: str
    why: str


@dataclass(frozen=True)
class Network:
    """A network with labels for some of its nodes."""

    nodes: pd.DataFrame
    ids: tuple[str, ...]
    edge_index: Tensor
    edge_weight: Tensor | None
    edge_type: Tensor | None
    edge_types: tuple[str, ...]
    edge_attr: Tensor | None
    directed: bool
    x: Tensor
    feature_names: tuple[str, ...]
    target: str
    task: str
    classes: tuple[str, ...]
    y: Tensor
    masks: dict[str, Tensor] | None
    columns: tuple[ColumnRole, ...]
    notes: tuple[str, ...]
    rejects: tuple[Any, ...]
