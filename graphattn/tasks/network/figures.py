"""The figures of a report on a network, as SVG in the colors of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from graphattn.tasks.common.figures import (
    ACCENT,
    LINE,
    MUTED,
    SECOND,
    STYLE,
    legend_above,
    new_figure,
    plain_text,
    to_svg,
)

Array = NDArray[np.float64]

_MOST_CLASSES = 12


@matplotlib.rc_context(STYLE)
def degree_plot(degrees: NDArray[np.int64]) -> str:
    """Draw how many nodes have how many neighbors: bars up to a degree of 40, else dots on logarithmic axes."""
    figure, axes = new_figure()
    counts = np.bincount(degrees)
    if len(counts) <= 41:
        axes.bar(np.arange(len(counts)), counts, color=ACCENT, alpha=0.8, width=0.85)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    else:
        known = np.flatnonzero(counts)
        known = known[known > 0]
        axes.scatter(known, counts[known], s=16, color=ACCENT, alpha=0.7, linewidth=0)
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("neighbors")
    axes.set_ylabel("nodes")
    return to_svg(figure, "how many neighbors nodes have")


@matplotlib.rc_context(STYLE)
def class_plot(labeled: Mapping[str, int], predicted: Mapping[str, int]) -> str:
    """Draw how many nodes are labeled each class, and how many are predicted to be of it; the commonest on top."""
    names = sorted(labeled, key=lambda name: -labeled[name])[:_MOST_CLASSES][::-1]
    figure, axes = new_figure()
    place = np.arange(len(names))
    axes.barh(place + 0.2, [labeled[name] for name in names], 0.36, color=MUTED, alpha=0.7, label="labeled")
    axes.barh(
        place - 0.2, [predicted.get(name, 0) for name in names], 0.36, color=ACCENT, alpha=0.85, label="predicted"
    )
    axes.set_yticks(place, [plain_text(name, 16) for name in names])
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("nodes")
    legend_above(axes)
    return to_svg(figure, "how many nodes each class has")


@matplotlib.rc_context(STYLE)
def reliability_plot(confidence: Array, right: NDArray[np.bool_], bins: int = 10) -> str:
    """Draw the share that is right among nodes of like confidence; the larger a dot, the more nodes it stands for."""
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.2, zorder=1)
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(places, minlength=bins)
    known = counts > 0
    means = np.bincount(places, confidence, minlength=bins)[known] / counts[known]
    shares = np.bincount(places, right, minlength=bins)[known] / counts[known]
    axes.vlines(means, means, shares, color=SECOND, linewidth=1.6, zorder=2)
    axes.scatter(means, shares, s=30 + 220 * counts[known] / counts.max(), color=ACCENT, linewidth=0, zorder=3)
    axes.set(xlim=(-0.04, 1.06), ylim=(-0.06, 1.08), aspect="equal")
    axes.set_xlabel("confidence")
    axes.set_ylabel("share that is right")
    return to_svg(figure, "confidence against what is right")


@matplotlib.rc_context(STYLE)
def score_plot(curves: Sequence[Sequence[Mapping[str, Any]]], metric: str) -> str:
    """Draw the validation score of each network after each epoch; higher is better."""
    figure, axes = new_figure()
    for number, curve in enumerate(curves):
        style: dict[str, Any] = {"color": ACCENT, "linewidth": 1.6} if number == 0 else {"color": MUTED, "linewidth": 1}
        epochs = [record["epoch"] for record in curve]
        scores = [record["valid_score"] for record in curve]
        axes.plot(epochs, scores, label="best network" if number == 0 else None, **style)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"validation {metric}")
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    if len(curves) > 1:
        legend_above(axes)
    return to_svg(figure, "validation score")
