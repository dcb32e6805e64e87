"""`graphattn bench`: the fused kernels against other ways to compute the same, on this machine."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphattn.cli.errors import reported

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from graphattn.bench.case import Case
    from graphattn.bench.result import Report

_DISTURBED = 0.05  # share of other processes in the processors' time above which figures are not to be trusted


@reported
def bench(
    graph: Annotated[
        list[str] | None,
        typer.Argument(help="Graphs to measure, such as arxiv, molecules, hub-800k.", show_default="all"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few small cases, in a few minutes.")] = False,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="Instead: how our time grows with edges, heads and width.")
    ] = False,
    seconds: Annotated[float, typer.Option(help="Given to the repetitions of each measurement.", min=0.0)] = 1.0,
    out: Annotated[
        Path | None, typer.Option("--json", help="Write every figure, and where it was measured.", show_default=False)
    ] = None,
    runs: Annotated[int, typer.Option(help="Of networks and molecules: splits or seeds of each.", min=1, max=10)] = 10,
    speed: Annotated[bool, typer.Option("--speed", help="Of networks: an epoch against PyG's instead.")] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw time and memory against edges, as PNG.", show_default=False)
    ] = None,
) -> None:
    """Measure attention on graphs: time and peak extra memory of each way to compute it, side by side.

    Takes more than an hour on two cores. Each measurement runs in a process of its own, those that are compared in
    turns, in the steady state: after three calls in a row that agree within 5 %, ten times at least. Leave the machine
    alone meanwhile. `graphattn bench layers` measures whole layers and training steps against PyG's instead,
    `graphattn bench structures` sequences, windows, grids and unions, and `graphattn bench networks` how good the
    labels of published networks are, `graphattn bench molecules` how good the values of published molecules.
    """
    if not math.isfinite(seconds):
        raise typer.BadParameter(f"a finite number of seconds is expected, got {seconds}", param_hint="--seconds")
    for option, path in (("--json", out), ("--plot", plot)):
        if path is not None and path.is_dir():
            raise typer.BadParameter(f"{path} is a directory; a file to write is expected", param_hint=option)
    if graph == ["layers"]:
        from graphattn.cli.bench_layers import bench_layers

        bench_layers(quick, seconds, out)
        return
    if graph == ["structures"]:
        from graphattn.cli.bench_structures import bench_structures

        bench_structures(quick, seconds, out)
        return
    if graph is not None and graph[0] == "networks":
        from graphattn.cli.bench_networks import bench_networks

        bench_networks(graph[1:], runs, out, speed=speed)
        return
    if graph is not None and graph[0] == "molecules" and not quick:  # quick: the graph of that name
        from graphattn.cli.bench_molecules import bench_molecules

        bench_molecules(graph[1:], runs, out)
        return
    from graphattn.bench import machine, tables
    from graphattn.bench.goals import goals
    from graphattn.bench.plot import draw
    from graphattn.bench.result import Report
    from graphattn.bench.summary import disturbed
    from graphattn.cli.wide_console import wide_console
    from graphattn.files import write_atomically

    cases = [] if scaling else _chosen(graph, quick)
    console = wide_console()
    words = [*(graph or []), *(["--quick"] if quick else []), *(["--scaling"] if scaling else [])]
    report = Report(machine.describe(" ".join(["graphattn", "bench", *words, "--seconds", f"{seconds:g}"])))
    console.print(tables.heading(report), highlight=False)
    try:
        with _progress(console) as progress:
            if scaling:
                _measure_scaling(report, seconds, progress)
            else:
                _measure(report, cases, seconds, progress, graph is None, out)
    finally:  # what was measured is kept, however it ends
        _write(report, out)
    if not scaling:
        console.print(tables.LEGEND, tables.summary(report), sep="\n\n", markup=False, highlight=False)
    console.print(tables.aims(goals(report)))
    if (share := disturbed(report.results)) > _DISTURBED:
        console.print(f"[yellow]Other processes took {share:.0%} of the processors' time: these times are off.[/]")
    if plot is not None:
        write_atomically(plot, lambda path: draw(report, path))
    for written in filter(None, (out, plot)):
        console.print(f"written: {written}", highlight=False, soft_wrap=True)


def _chosen(graphs: list[str] | None, quick: bool) -> list[Case]:
    from graphattn.bench.case import QUICK, SUITE

    cases = QUICK if quick else SUITE
    names = list(dict.fromkeys(case.graph for case in cases))
    unknown = sorted(set(graphs or []) - set(names))
    if unknown:
        raise typer.BadParameter(f"no graph {', '.join(unknown)}; there are {', '.join(names)}", param_hint="GRAPH")
    return [case for case in cases if graphs is None or case.graph in graphs]


def _measure(
    report: Report, cases: list[Case], seconds: float, progress: Progress, probes: bool, out: Path | None
) -> None:
    """Measure cases, showing and keeping each graph's when it is done."""
    from itertools import groupby

    from graphattn.bench import run, tables
    from graphattn.bench.probes import PROBES
    from graphattn.bench.probes import run as run_probe

    device = report.environment["device"]
    planned = run.tasks(cases, report)
    bar = progress.add_task("bandwidth", total=sum(task.weight for task in planned))
    for probe in PROBES if probes else PROBES[:1]:
        report.probes.update(run_probe(probe, device))
    for name, group in groupby(planned, key=lambda task: task.case.graph):
        for task in group:
            progress.update(bar, description=str(task.case))
            report.results += task.run(seconds)
            progress.advance(bar, task.weight)
        progress.console.print(tables.of_graph(report, name), *tables.notes(report, name), sep="\n", highlight=False)
        _write(report, out)


def _measure_scaling(report: Report, seconds: float, progress: Progress) -> None:
    from graphattn.bench import scaling

    device = report.environment["device"]
    points = scaling.points(device)
    weights = [1e6 + point["num_edges"] for point in points]  # a process costs as much as a million edges
    bar = progress.add_task("", total=sum(weights))
    for point, weight in zip(points, weights, strict=True):
        progress.update(bar, description=f"{point['num_edges']:,} edges, {point['heads']} × {point['width']}")
        report.scaling.append(scaling.run(point, seconds, device))
        progress.advance(bar, weight)


def _progress(console: Console) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), "left:", TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, speed_estimate_period=300)


def _write(report: Report, out: Path | None) -> None:
    from graphattn.files import write_text

    if out is not None:
        write_text(out, report.to_json())
