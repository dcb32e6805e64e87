"""What all pictures share: their axes, colors and checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphattn.graph import Graph

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = "cividis"
"""from dark to light, even in grey and to the color-blind"""


def axes_or_new(ax: Axes | None, **size: Any) -> Axes:
    """The axes given, or new ones."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained", **size)[1]


def mean_over_heads(graph: Graph, weights: Tensor) -> Tensor:
    """Weights `[E]` of a graph, on the CPU: those given, or the mean over heads of `[E, H]`.

    Raises:
        ValueError: they are not one for each edge.
    """
    if weights.ndim not in (1, 2) or weights.shape[0] != graph.num_edges:
        raise ValueError(
            f"weights are [E] or [E, H] with {graph.num_edges} edges, in the order of edge_index; got "
            f"{list(weights.shape)}"
        )
    found = weights.detach().float().cpu()
    return found if found.ndim == 1 else found.mean(1)


def as_matrix(graph: Graph, weights: Tensor, most: int = 2**24) -> Tensor:
    """Weights `[E]` as a matrix `[M, N]`; copies of an edge are added up.

    Raises:
        ValueError: the matrix has more than `most` cells.
    """
    if graph.num_dst * graph.num_src > most:
        raise ValueError(
            f"a matrix of {graph.num_dst} by {graph.num_src} is too large to draw; draw a part of the graph"
        )
    matrix = torch.zeros(graph.num_dst, graph.num_src)
    source, destination = graph.edge_index.cpu()
    return matrix.index_put_((destination, source), weights, accumulate=True)


def check_labels(name: str, labels: Sequence[str] | None, count: int) -> list[str] | None:
    """The labels as texts.

    Raises:
        ValueError: there are more or fewer than nodes.
    """
    if labels is None:
        return None
    if len(labels) != count:
        raise ValueError(f"{name} must have one text for each of {count} nodes, got {len(labels)}")
    return [str(label) for label in labels]


def draw_matrix(
    ax: Axes, matrix: Tensor, rows: Sequence[str] | None, columns: Sequence[str] | None, bar: bool = True
) -> None:
    """Draw a matrix as cells from dark (nothing) to light."""
    image = ax.imshow(matrix.numpy(), cmap=COLORS, aspect="auto", interpolation="nearest", vmin=0)
    for axis, labels in ((ax.yaxis, rows), (ax.xaxis, columns)):
        if labels is not None:
            axis.set_ticks(range(len(labels)), labels=list(labels))
    if columns is not None:
        ax.tick_params(axis="x", labelrotation=60 if max(map(len, columns), default=0) > 3 else 0)
    if bar:
        ax.figure.colorbar(image, ax=ax, label="weight")
