"""What is labeled where it is not the nodes of a network: pairs of them, or whole graphs, as nodes without edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from graphattn.tasks.network.network import ColumnRole, Network

if TYPE_CHECKING:
    import pandas as pd


def items_of(
    frame: pd.DataFrame, ids: Sequence[str], *, target: str, task: str, classes: Sequence[str], y: Tensor
) -> Network:
    """Return the items as a network without edges.

    Args:
        frame: a row for each.
        ids: of each.
        target: name of the label.
        task: "multiclass", "multilabel" or "regression".
        classes: the labels that there are.
        y: of each item, as in `Network`.
    """
    return Network(
        nodes=frame,
        ids=tuple(ids),
        edge_index=torch.zeros(2, 0, dtype=torch.int64),
        edge_weight=None,
        edge_type=None,
        edge_types=(),
        edge_attr=None,
        directed=False,
        x=torch.zeros(len(ids), 0),
        feature_names=(),
        target=target,
        task=task,
        classes=tuple(classes),
        y=y,
        masks=None,
        columns=(ColumnRole(target, "nodes", "target", ""),),
        notes=(),
        rejects=(),
    )
