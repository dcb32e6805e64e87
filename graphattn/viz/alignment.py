"""Which words of one sentence those of another look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from graphattn.viz.canvas import axes_or_new, check_labels, draw_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_alignment(
    weights: Tensor, source: Sequence[str], target: Sequence[str], *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the weights of an encoder–decoder's attention, a row for each word that is written.

    Args:
        weights: `[len(target), len(source)]`.
        source: the words that are read.
        target: the words that are written.
        title: above the picture.
        ax: where to draw; new axes when None.

    Returns:
        The Matplotlib axes.

    Raises:
        ValueError: weights of another shape.

    Bahdanau et al. 2015, arXiv:1409.0473, figure 3.
    """
    if weights.ndim != 2:
        raise ValueError(f"weights are [target, source], got {list(weights.shape)}")
    rows = check_labels("target", target, weights.shape[0])
    columns = check_labels("source", source, weights.shape[1])
    ax = axes_or_new(ax, figsize=(max(4, 0.42 * len(source) + 1.5), max(3, 0.36 * len(target) + 1.2)))
    draw_matrix(ax, weights.detach().float().cpu(), rows, columns)
    ax.set(xlabel="read", ylabel="written", title=title or "Which words are looked at")
    return ax
