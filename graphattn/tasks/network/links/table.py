"""Read pairs of nodes that the user asks about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.formats import open_table
from graphattn.tasks.network.ids import Places
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.reject import Reject
from graphattn.tasks.network.rejects import Rejects
from graphattn.tasks.network.values import coded

if TYPE_CHECKING:
    import pandas as pd


def read_pairs(
    pairs: Any, network: Network, *, encoding: str | None = None, max_rejects: int | None = None
) -> tuple[pd.DataFrame, NDArray[np.int64], list[Reject]]:
    """Return the rows that name two nodes, the places of these `[P, 2]`, and the rows that do not.

    The two columns with the most ids of nodes hold the pairs, in their order.

    Args:
        pairs: path of a table, a data frame, or a list of pairs of ids.
        network: whose nodes they are.
        encoding: of a text file.
        max_rejects: how many rows may be left out.

    Raises:
        TableError: no two columns hold ids, or no row is left.
    """
    import pandas as pd

    if isinstance(pairs, (list, tuple)):
        pairs = pd.DataFrame([[str(one), str(other)] for one, other in pairs], columns=["source", "target"])
    rows = open_table(pairs, "pairs", encoding, None)
    if not len(rows.frame):
        raise TableError(f"{rows.name}: there is no pair.")
    index = Places(list(network.ids), "the network")
    found = {name: index.find(coded(rows.frame[name]))[0] for name in rows.columns}
    most = sorted(rows.columns, key=lambda name: -int((found[name] >= 0).sum()))[:2]
    if len(most) < 2 or not all((found[name] >= 0).any() for name in most):
        raise TableError(f"{rows.name}: two columns with ids of the network's nodes are needed.")
    ends = sorted(most, key=rows.columns.index)
    rejects = Rejects(max_rejects)
    places = np.stack([found[name] for name in ends], axis=1).astype(np.int64)
    for row in np.flatnonzero((places < 0).any(axis=1)).tolist():
        name = ends[int(np.argmax(places[row] < 0))]
        cell = coded(rows.frame[name].iloc[row : row + 1]).cells()[0]
        rejects.add(rows, row, name, cell, index.why_unknown(cell))
    kept = (places >= 0).all(axis=1)
    if not kept.any():
        raise TableError(f"{rows.name}: no row names two nodes of the network.")
    return rows.frame[kept].reset_index(drop=True), places[kept], rejects.found
