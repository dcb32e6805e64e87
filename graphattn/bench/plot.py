"""Plot a report: time and memory against the number of edges, on logarithmic axes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphattn.bench.case import Case
from graphattn.bench.contenders import ALL, GRAPHATTN
from graphattn.bench.result import Report
from graphattn.bench.roofline import forward_bytes
from graphattn.bench.scaling import exponent, lines
from graphattn.bench.summary import KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

_SHAPE = (8, 16)
# Okabe and Ito's colors, which color-blind people tell apart; every contender has a marker of its own besides.
_COLORS = [
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#0072B2",
    "#8C6D31",
    "#7F7F7F",
    "#B0B0B0",
    "#5D3A9B",
]
_MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", ".", "h"]
_STYLE = dict(zip(ALL, zip(_COLORS, _MARKERS, strict=True), strict=True))


def draw(report: Report, path: Path) -> None:
    """Write a PNG of what the report holds: a row for the suite, a row for how the cost grows.

    Raises:
        ValueError: it holds nothing to draw.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [result for result in report.results if result.case == Case(result.case.graph, "dot", *_SHAPE)]
    rows = [row for row, there in ((_suite_row, shown), (_scaling_row, report.scaling)) if there]
    if not rows:
        raise ValueError(f"nothing to draw: no case with score dot and H × D = {_SHAPE[0]} × {_SHAPE[1]}")
    figure = Figure(figsize=(14, 5 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    for row, part in zip(rows, figure.subfigures(len(rows), 1, squeeze=False)[:, 0], strict=True):
        row(part, report)
        for axes in part.axes:
            axes.set(xscale="log", yscale="log")
            axes.grid(which="major", alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
    where = report.environment
    figure.suptitle(f"{where['processor']}, {where['threads']} threads, float32", fontsize="medium")
    figure.savefig(path, dpi=130, format="png")


def _suite_row(part: SubFigure, report: Report) -> None:
    panels = part.subplots(1, 3)
    for axes, kind, unit in zip(panels, ("forward", "both", "memory"), (1e3, 1e3, 2**-20), strict=True):
        _suite(axes, report, kind, unit)
        axes.set(xlabel=f"edges E  (dot, H × D = {_SHAPE[0]} × {_SHAPE[1]})")
        axes.set(ylabel=f"{KINDS[kind]} [{'MiB' if kind == 'memory' else 'ms'}]")
    named = {label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    part.legend(named.values(), named.keys(), loc="outside lower center", ncols=6, frameon=False)


def _scaling_row(part: SubFigure, report: Report) -> None:
    left, right = part.subplots(1, 2)
    _scaling(left, report, ("edges",))
    left.set(xlabel="edges E  (dot, H × D = 1 × 16)", ylabel="graphattn [ms]")
    _scaling(right, report, ("heads", "width"))
    right.set(xlabel="heads × width  (dot, 200,000 edges)", ylabel="graphattn [ms]")


def _suite(axes: Axes, report: Report, kind: str, unit: float) -> None:
    """Every graph as a point of each contender; a line joins the uniform random graphs, which differ in size alone."""
    shown = [result for result in report.results if result.case == Case(result.case.graph, "dot", *_SHAPE)]
    for name, (color, marker) in _STYLE.items():
        found = [
            (report.graphs[result.case.graph].num_edges, unit * figure, result.case.graph.startswith("random-"))
            for result in shown
            if result.contender == name and (figure := result.figure(kind)) is not None
        ]
        if not found:
            continue
        edges, figures, _ = zip(*found, strict=True)
        front = 3 if name == GRAPHATTN.name else 2
        axes.plot(edges, figures, marker, color=color, ms=5, alpha=0.8, zorder=front, label=name)
        joined = sorted(point[:2] for point in found if point[2])
        if joined:
            axes.plot(*zip(*joined, strict=True), color=color, lw=1.5 if front == 3 else 1, zorder=front)
    if kind == "forward" and "bandwidth" in report.probes:
        facts = [report.graphs[result.case.graph] for result in shown]
        moved = [forward_bytes(result.case, of) for result, of in zip(shown, facts, strict=True)]
        times = [unit * count / report.probes["bandwidth"] for count in moved]
        axes.plot(
            [of.num_edges for of in facts], times, "_", color="#7F7F7F", ms=9, mew=1.5, label="roofline (forward)"
        )


def _scaling(axes: Axes, report: Report, of: tuple[str, ...]) -> None:
    """Our times against one size, with the exponent of each line."""
    colors = iter(_COLORS[1:])
    longest = 0.0
    for kind, marker in (("forward", "o"), ("both", "s")):
        for (axis, order), (sizes, times) in lines(report.scaling, kind).items():
            if axis in of and len(sizes) > 1:
                what = f"{order} sources" if axis == "edges" else f"more {axis}"
                named = f"{KINDS[kind]}, {what}: exponent {exponent(sizes, times):.2f}"
                shown = [1e3 * time for time in times]
                axes.plot(sizes, shown, marker=marker, ms=4, color=next(colors), label=named)
                longest = max(longest, *shown)
    if longest:
        axes.set(yscale="log", ylim=(None, 30 * longest))  # room for the legend
        axes.legend(loc="upper left", frameon=False, fontsize="small")
