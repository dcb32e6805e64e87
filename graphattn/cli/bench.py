"""`graphattn bench`: the fused kernels against other ways to compute the same, on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from graphattn.bench import Case, Result


def bench(
    case: Annotated[
        list[str] | None,
        typer.Argument(help="Cases to measure, such as random, hub, molecules.", show_default="all but quick"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A small case, in half a minute.")] = False,
    seconds: Annotated[float, typer.Option(help="Given to the repetitions of each measurement.")] = 3.0,
    out: Annotated[
        Path | None, typer.Option("--json", help="Write every figure, and where it was measured.", show_default=False)
    ] = None,
) -> None:
    """Measure attention on graphs: time and peak extra memory of each way to compute it, side by side."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from graphattn.bench import CASES, environment, run
    from graphattn.bench.contenders import available
    from graphattn.tasks.molecule.files import write_text

    names = case or (["quick"] if quick else [name for name in CASES if name != "quick"])
    unknown = sorted(set(names) - set(CASES))
    if unknown:
        raise typer.BadParameter(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}", param_hint="CASE")
    console = Console()
    where = environment()
    console.print(
        f"{where['processor']}, {where['threads']} threads, torch {where['versions']['torch']}, {where['date']}"
    )
    chosen = [CASES[name] for name in names]
    results: list[Result] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("measuring", total=len(chosen) * len(available()))
        for result in run(chosen, seconds):
            results.append(result)
            progress.update(bar, advance=1, description=f"{result.case}: {result.contender}")
    for one in chosen:
        console.print(_table(one, [result for result in results if result.case == one.name]))
    if out is not None:
        content = {**where, "cases": [vars(one) for one in chosen], "results": [result.to_json() for result in results]}
        write_text(out, json.dumps(content, indent=1) + "\n")
        console.print(f"written: {out}")


def _table(case: Case, results: list[Result]) -> Table:
    """One case: medians, half the spread of the middle half of the repetitions, and ratios to graphattn."""
    from rich.table import Table

    title = f"{case.name}: N = {case.num_nodes:,}, E = {case.num_edges:,}, H = {case.heads}, D = {case.width}, float32"
    table = Table(title=title, title_justify="left", caption="×: multiples of graphattn's", caption_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("forward", "fwd + bwd", "memory"):
        table.add_column(heading, justify="right")
        table.add_column("×", justify="right")
    ours = results[0]
    for result in results:
        if result.error is not None:
            table.add_row(result.contender, f"[red]{result.error}[/red]")
            continue
        table.add_row(
            result.contender,
            _time(result.forward),
            _ratio(result.forward_seconds, None if ours.error else ours.forward_seconds),
            _time(result.both),
            _ratio(result.both_seconds, None if ours.error else ours.both_seconds),
            "?" if result.memory is None else f"{result.memory / 2**20:,.0f} MiB",
            _ratio(result.memory, ours.memory),
        )
    return table


def _time(taken: list[float]) -> str:
    from statistics import median, quantiles

    middle = median(taken)
    low, _, high = quantiles(taken, n=4)
    return f"{1e3 * middle:,.{0 if middle > 0.1 else 1}f} ms ±{50 * (high - low) / middle:.0f}%"


def _ratio(figure: float | None, ours: float | None) -> str:
    return "" if figure is None or not ours else f"{figure / ours:.1f}"
