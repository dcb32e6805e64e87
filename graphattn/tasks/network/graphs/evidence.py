"""What the rivals see of whole graphs: their nodes' features and places, pooled."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graphattn.tasks.network.evidence import Evidence
from graphattn.tasks.network.structure import structure_of

Array = NDArray[np.float64]

METHODS = ("majority", "logistic_regression", "mlp", "boosting")


def graph_evidence(nodes: Evidence, graph_of: NDArray[np.int64], count: int) -> Evidence:
    """Collect it: means (`own`), and largest and smallest besides (`wide`), of features and structure; sizes.

    Args:
        nodes: of all nodes.
        graph_of: the graph of each node, `[N]`.
        count: number of graphs G.
    """
    each = np.concatenate([nodes.compact, structure_of(nodes.both)], axis=1)
    sizes = np.bincount(graph_of, minlength=count)
    degrees = np.bincount(graph_of, np.asarray(nodes.both.sum(axis=1)).ravel(), minlength=count)
    member = sp.csr_array((np.ones(len(graph_of)), (graph_of, np.arange(len(graph_of)))), (count, len(graph_of)))
    mean = (member @ each) / np.maximum(sizes, 1)[:, None]
    shape = [np.log1p(sizes), np.log1p(degrees / 2), degrees / np.maximum(sizes * (sizes - 1), 1)]
    own = np.concatenate([mean, np.stack(shape, axis=1)], axis=1)
    most, least = np.full((2, count, each.shape[1]), -np.inf)
    np.maximum.at(most, graph_of, each)
    np.maximum.at(least, graph_of, -each)
    ends = [np.where(np.isfinite(found), found, 0.0) for found in (most, least)]
    return Evidence(own, own, np.concatenate([own, *ends], axis=1), sp.csr_array((count, count)), None)
