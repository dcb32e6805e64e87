"""The figures of a report, as SVG whose colors are those of the page, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from graphattn.tasks.common.formatting import fixed

Array = NDArray[np.float64]

# matplotlib knows no CSS: it draws in these colors, which `to_svg` then replaces by the page's variables
INK, MUTED, LINE, ACCENT, SECOND = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {INK: "--ink", MUTED: "--muted", LINE: "--line", ACCENT: "--accent", SECOND: "--second"}

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text, in the page's font
    "font.size": 10.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "legend.labelcolor": INK,
}
_LEGEND_LETTERS = 40  # of both labels that fit side by side
_MOST_POINTS = 2000  # of the training part; more make the page heavy and the picture no better


@matplotlib.rc_context(STYLE)
def parity_plot(
    measured: dict[str, Array],
    predicted: dict[str, Array],
    unit: str,
    intervals: tuple[Array, Array] | None = None,
) -> str:
    """Draw predicted against measured values, the training part faint.

    Args:
        measured: the values of the parts "train" and "test", without missing ones.
        predicted: the predictions, in the same order.
        unit: of the values; "" for none.
        intervals: the lower and upper ends around the predictions of the part "test", drawn as thin lines.
    """
    figure, axes = new_figure()
    every = np.concatenate([*measured.values(), *predicted.values()])
    low, high = every.min(), every.max()
    margin = 0.04 * (high - low or 1.0)
    limits = (low - margin, high + margin)
    axes.plot(limits, limits, color=LINE, linewidth=1.2, zorder=1)
    train, test = _thinned(measured["train"], predicted["train"])
    axes.scatter(train, test, s=9, color=MUTED, alpha=0.22, linewidth=0, zorder=2, label="train")
    axes.scatter(
        measured["test"], predicted["test"], s=26, color=ACCENT, alpha=0.75, linewidth=0, zorder=3, label="test"
    )
    if intervals is not None:
        axes.vlines(measured["test"], *intervals, color=ACCENT, alpha=0.28, linewidth=1.1, zorder=2)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set_xlabel(_with_unit("measured", unit))
    axes.set_ylabel(_with_unit("predicted", unit))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    legend_above(axes)
    return to_svg(figure, "predicted against measured values")


@matplotlib.rc_context(STYLE)
def error_histogram(errors: Array, unit: str, things: str = "test molecules") -> str:
    """Draw how the errors of the test part, predicted − measured, are spread."""
    figure, axes = new_figure()
    reach = float(np.abs(errors).max()) or 1.0
    bins = np.linspace(-reach, reach, 2 * min(max(int(np.sqrt(len(errors))), 4), 16) + 2)  # one bin is centered on 0
    axes.hist(errors, bins=list(bins), color=ACCENT, alpha=0.75, rwidth=0.92)
    axes.axvline(0, color=LINE, linewidth=1.2)
    mean = float(errors.mean())
    axes.axvline(mean, color=SECOND, linewidth=1.6, label=f"mean {fixed(mean, 2)}")
    axes.set_xlabel(_with_unit("predicted − measured", unit))
    axes.set_ylabel(things)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    legend_above(axes)
    return to_svg(figure, "histogram of the errors")


@matplotlib.rc_context(STYLE)
def roc_plot(curves: dict[str, tuple[Array, Array]]) -> str:
    """Draw the share of class 1 found against the share of class 0 taken for it.

    Args:
        curves: for each label the false-positive and the true-positive rates, rising.
    """
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.2)
    for number, (label, (false, true)) in enumerate(curves.items()):
        style = {"color": ACCENT, "linewidth": 2.2} if number == 0 else {"color": MUTED, "linewidth": 1.2}
        axes.plot(false, true, label=label, drawstyle="steps-post", **style)  # type: ignore[arg-type]
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    legend_above(axes)
    return to_svg(figure, "ROC curve")


@matplotlib.rc_context(STYLE)
def probability_histogram(probabilities: Array, classes: Array, labels: tuple[str, str] = ("0", "1")) -> str:
    """Draw how the predicted probabilities of the test part are spread in each class.

    Args:
        probabilities: of class 1.
        classes: 0 or 1, in the same order.
        labels: what class 0 and class 1 are called.
    """
    names = [plain_text(label) for label in labels]
    figure, axes = new_figure()
    parts = [probabilities[classes == 0], probabilities[classes == 1]]
    axes.hist(
        parts,
        bins=list(np.linspace(0, 1, 16)),
        color=[SECOND, ACCENT],
        alpha=0.8,
        stacked=True,
        rwidth=0.92,
        label=[f"class {name} ({len(part)})" for name, part in zip(names, parts, strict=True)],
    )
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel(f"predicted probability of class {names[1]}")
    axes.set_ylabel("test molecules")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    legend_above(axes)
    return to_svg(figure, "histogram of the predicted probabilities")


@matplotlib.rc_context(STYLE)
def reliability_plot(predicted: Array, observed: Array, low: Array, high: Array, label: str = "1") -> str:
    """Draw the share of class 1 in groups of molecules against the probability they were given.

    Args:
        predicted: mean probability of each group.
        observed: share of class 1 in each.
        low, high: between which the true share lies.
        label: what class 1 is called.
    """
    name = plain_text(label)
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.2)
    axes.vlines(predicted, low, high, color=ACCENT, alpha=0.45, linewidth=1.4)
    axes.plot(predicted, observed, color=ACCENT, marker="o", markersize=5, linewidth=1.6)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xlabel(f"predicted probability of class {name}")
    axes.set_ylabel(f"share of class {name}")
    return to_svg(figure, "reliability of the probabilities")


@matplotlib.rc_context(STYLE)
def learning_curve(histories: Sequence[Sequence[dict[str, float]]], kept: Sequence[int] | None = None) -> str:
    """Draw the loss of each network after each epoch; a dot marks the epoch that was kept.

    Args:
        histories: of each network a record for each epoch.
        kept: of each network the place of that record; None means the one with the lowest validation loss.
    """
    figure, axes = new_figure()
    for number, history in enumerate(histories):
        epochs = [record["epoch"] for record in history]
        train = [record["train_loss"] for record in history]
        valid = [record["valid_loss"] for record in history]
        labels = ("train", "validation") if number == 0 else (None, None)
        axes.plot(epochs, train, color=MUTED, linewidth=1.1, alpha=0.6, label=labels[0])
        axes.plot(epochs, valid, color=ACCENT, linewidth=1.5, alpha=0.85, label=labels[1])
        best = int(np.argmin(valid)) if kept is None else kept[number]
        axes.scatter(epochs[best], valid[best], s=34, color=SECOND, zorder=3, linewidth=0)
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    _plain_log_ticks(axes)
    legend_above(axes)
    return to_svg(figure, "learning curve")


def new_figure() -> tuple[Figure, Axes]:
    """Return an empty figure of the size that all have, and its axes."""
    figure = Figure(figsize=(5.0, 4.2), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.add_subplot()


def legend_above(axes: Axes) -> None:
    """Put the legend above the axes, where it covers nothing that is drawn; long labels one below the other."""
    letters = sum(len(label) for label in axes.get_legend_handles_labels()[1])
    columns = 2 if letters <= _LEGEND_LETTERS else 1
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1.01), ncols=columns, handlelength=1.2, borderpad=0, borderaxespad=0
    )


def _plain_log_ticks(axes: Axes) -> None:
    """Label 0.05, 0.1, 0.2 rather than powers of ten."""
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())


def _thinned(x: Array, y: Array) -> tuple[Array, Array]:
    step = -(-len(x) // _MOST_POINTS)
    return x[::step], y[::step]


def plain_text(text: str, most: int = 20) -> str:
    """Return a label that matplotlib draws as it is, shortened; a dollar would begin a formula."""
    return (text if len(text) <= most else f"{text[: most - 1]}…").replace("$", r"\$")


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def to_svg(figure: Figure, title: str) -> str:
    """Return the figure as an `<svg>` element that fills the width it is given."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": title}):  # the same data give the same bytes
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'^<svg [^>]*?viewBox="([^"]*)"[^>]*>', rf'<svg viewBox="\1" role="img" aria-label="{title}">', svg)
    for color, variable in _VARIABLES.items():
        svg = svg.replace(color, f"var({variable})")
    return svg
