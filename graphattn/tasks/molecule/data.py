"""A molecule as PyTorch Geometric data."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphattn.chem import MoleculeGraph


def to_data(
    graph: MoleculeGraph,
    descriptors: NDArray[np.float64] | None = None,
    targets: NDArray[np.float64] | None = None,
) -> Data:
    """Build the data of one molecule.

    Args:
        graph: the molecule.
        descriptors: `[d]` scaled descriptors; None or `d = 0` for none.
        targets: `[T]` scaled targets, NaN where one is missing.

    Returns:
        `x`, `edge_index`, `edge_attr` and, where given, `descriptors [1, d]` and `y [1, T]`, float32.
    """
    data = graph.to_data()
    if descriptors is not None and len(descriptors):
        data.descriptors = torch.from_numpy(descriptors).float().unsqueeze(0)
    if targets is not None:
        data.y = torch.from_numpy(targets).float().unsqueeze(0)
    return data
