"""One picture of a report: time and memory against the number of edges, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from graphattn.bench.case import Case
from graphattn.bench.contenders import ALL, GRAPHATTN
from graphattn.bench.result import Report, Result
from graphattn.bench.roofline import forward_bytes
from graphattn.bench.scaling import exponent, lines
from graphattn.bench.summary import KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHAPE = (8, 16)
# Okabe and Ito's colours, which colour-blind people tell apart; every contender has a marker of its own besides.
_COLOURS = [
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
]
_MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "."]
_STYLE = dict(zip(ALL, zip(_COLOURS, _MARKERS, strict=True), strict=True))

Panel = Callable[["Axes"], None]


def draw(report: Report, path: Path) -> None:
    """Write a PNG of what the report holds.

    Raises:
        ValueError: it holds nothing to draw.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = _panels(report)
    if not panels:
        raise ValueError(f"nothing to draw: no case with score dot and H × D = {_SHAPE[0]} × {_SHAPE[1]}")
    figure = Figure(figsize=(4.6 * len(panels), 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        panel(axes)
        axes.set(xscale="log", yscale="log")
        axes.grid(which="major", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    named = {
        label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=6, frameon=False)
    where = report.environment
    figure.suptitle(f"{where['processor']}, {where['threads']} threads, float32", fontsize="medium")
    figure.savefig(path, dpi=150, format="png")


def _panels(report: Report) -> list[Panel]:
    panels: list[Panel] = []
    shown = [result for result in report.results if result.case == Case(result.case.graph, "dot", *_SHAPE)]
    if shown:
        panels += [
            lambda axes: _suite(axes, report, shown, "forward", "forward [ms]", 1e3),
            lambda axes: _suite(axes, report, shown, "both", "forward + backward [ms]", 1e3),
            lambda axes: _suite(axes, report, shown, "memory", "peak extra memory [MiB]", 2**-20),
        ]
    if any(point["axis"] == "edges" for point in report.scaling):
        panels.append(lambda axes: _scaling(axes, report, "edges", "edges E  (H × D = 1 × 16)"))
    if any(point["axis"] != "edges" for point in report.scaling):
        panels.append(lambda axes: _scaling(axes, report, "width", "heads × width  (200,000 edges)"))
    return panels


def _suite(axes: Axes, report: Report, shown: list[Result], kind: str, label: str, unit: float) -> None:
    """Every graph as a point of each contender; a line joins the uniform random graphs, which differ in size alone."""
    for name, (colour, marker) in _STYLE.items():
        found = [
            (report.graphs[result.case.graph].num_edges, unit * figure, result.case.graph.startswith("random-"))
            for result in shown
            if result.contender == name and (figure := result.figure(kind)) is not None
        ]
        if not found:
            continue
        edges, figures, _ = zip(*found, strict=True)
        front = 3 if name == GRAPHATTN.name else 2
        axes.plot(edges, figures, marker, color=colour, ms=5, alpha=0.8, zorder=front, label=name)
        joined = sorted(point[:2] for point in found if point[2])
        if joined:
            axes.plot(*zip(*joined, strict=True), color=colour, lw=1.5 if front == 3 else 1, zorder=front)
    if kind == "forward" and "bandwidth" in report.probes:
        facts = [report.graphs[result.case.graph] for result in shown]
        moved = [forward_bytes(result.case, of) for result, of in zip(shown, facts, strict=True)]
        times = [unit * count / report.probes["bandwidth"] for count in moved]
        axes.plot(
            [of.num_edges for of in facts], times, "_", color="#7F7F7F", ms=9, mew=1.5, label="roofline (forward)"
        )
    axes.set(xlabel=f"edges E  (dot, H × D = {_SHAPE[0]} × {_SHAPE[1]})", ylabel=label)


def _scaling(axes: Axes, report: Report, axis: str, label: str) -> None:
    """Our times against one size, with the exponent of each line."""
    colours = iter(_COLOURS[1:])
    for kind, marker in (("forward", "o"), ("both", "s")):
        for (of, order), (sizes, times) in lines(report.scaling, kind).items():
            if (of == "edges") != (axis == "edges"):
                continue
            what = order if of == "edges" else f"more {of}"
            named = f"{KINDS[kind]}, {what}: exponent {exponent(sizes, times):.2f}"
            axes.plot(sizes, [1e3 * time for time in times], marker=marker, ms=4, color=next(colours), label=named)
    axes.set(xlabel=label, ylabel="graphattn [ms]")
    axes.legend(frameon=False, fontsize="small")
