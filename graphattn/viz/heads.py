"""The heads of one layer side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from graphattn.graph import Graph
from graphattn.viz.canvas import as_matrix, check_labels, draw_matrix, mean_over_heads

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def head_grid(
    graph: Graph, weights: Tensor, *, labels: Sequence[str] | None = None, title: str | None = None
) -> Figure:
    """Draw the matrix of each head, all in the same colors.

    Args:
        graph: the graph that was attended on.
        weights: `[E, H]` in the order of `graph.edge_index`.
        labels: a text for each node, for up to some twenty.
        title: above the picture.

    Returns:
        The Matplotlib figure.

    Raises:
        ValueError: weights of another shape, or a matrix too large to draw.
    """
    if weights.ndim != 2:
        raise ValueError(f"weights of several heads are [E, H], got {list(weights.shape)}")
    import matplotlib.pyplot as plt

    heads = weights.shape[1]
    columns = min(4, heads)
    rows = math.ceil(heads / columns)
    names = check_labels("labels", labels, graph.num_dst)
    figure, axes = plt.subplots(
        rows, columns, figsize=(3 * columns, 2.8 * rows), layout="constrained", squeeze=False, sharex=True, sharey=True
    )
    for head, ax in enumerate(axes.flat):
        if head >= heads:
            ax.set_axis_off()
            continue
        matrix = as_matrix(graph, mean_over_heads(graph, weights[:, head]))
        draw_matrix(ax, matrix, names, names if graph.num_dst == graph.num_src else None, bar=False)
        ax.images[0].set_clim(0, float(weights.max()))
        ax.set_title(f"head {head}")
    figure.colorbar(axes.flat[0].images[0], ax=axes, label="weight")
    figure.suptitle(title or f"{heads} heads: rows look, columns are looked at")
    return figure
