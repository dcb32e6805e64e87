"""A published data set, by its name."""

from __future__ import annotations

from graphattn.datasets.networks import load_network
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.formats.npz import array_source
from graphattn.tasks.network.source import Source


def read_named(name: str, split: str | None = None, target: str | None = None) -> Source:
    """Load a data set; its labels have their published names.

    Raises:
        TableError: its target has another name than `target`.
        DatasetError: it cannot be had.
    """
    import numpy as np
    import pandas as pd

    data = load_network(name, split=split)
    card = data.card
    if target not in (None, card.target):
        raise TableError(f"{card.name}: the target of this data set is {card.target!r}, not {target!r}.")
    labels = np.array([*card.classes, ""], dtype=object)[data.y.numpy()]
    source = array_source(
        card.name, data.edge_index.numpy(), card.nodes, data.x, labels, card.target, data.masks, directed=False
    )
    assert source.nodes is not None
    if data.names is not None:
        source.nodes.frame["name"] = pd.Series(data.names, dtype=object)
    return source
