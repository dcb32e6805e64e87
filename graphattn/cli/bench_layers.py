"""`graphattn bench layers`: whole layers and training steps against PyG's and their linear maps, on this machine."""

from __future__ import annotations

from pathlib import Path


def bench_layers(quick: bool, seconds: float, out: Path | None) -> None:
    """Measure, show a table, and write every figure to `out`."""
    from rich.table import Table

    from graphattn.bench import layers, machine, tables
    from graphattn.bench.goals import layer_goals
    from graphattn.bench.layer_report import FLOOR, LayerReport, LayerResult
    from graphattn.bench.text import faults, first_call, mebibytes, milliseconds, quartiles, system, times
    from graphattn.cli.wide_console import wide_console
    from graphattn.files import write_text

    words = ["graphattn", "bench", "layers", *(["--quick"] if quick else []), "--seconds", f"{seconds:g}"]
    report = LayerReport(machine.describe(" ".join(words)))
    device = report.environment["device"]
    console = wide_console()
    table = Table(
        "graph", "layer", "ours, ms", "quartiles", "first", "faults", "sys", "PyG, ms", "faults", "sys", "faster",
        "floor, ms", "ours / floor", "scratch: ours", "PyG", "smaller", "memory: ours", "PyG", "smaller",
    )  # fmt: skip
    for case in layers.QUICK if quick else layers.SUITE:
        results = layers.run(case, seconds, device)
        report.results += results
        named = {result.contender: result for result in results}
        ours, theirs = named["graphattn"], named["PyG"]
        floor = named.get(FLOOR, LayerResult(case, FLOOR))
        faster, above = report.multiples("both").get(case), report.beside_floor().get(case)
        memory: list[str] = []
        for kind in ("scratch", "memory"):
            smaller = report.multiples(kind).get(case)
            memory += [mebibytes(ours.figure(kind)), mebibytes(theirs.figure(kind)), times(smaller)]
        table.add_row(
            case.graph, case.layer, milliseconds(ours.both), quartiles(ours.both), first_call(ours.both),
            faults(ours.both), system(ours.both), milliseconds(theirs.both), faults(theirs.both), system(theirs.both),
            times(faster), milliseconds(floor.both), times(above), *memory,
        )  # fmt: skip
        console.print(f"{case}: {times(faster)} faster than PyG, {times(above)} the floor", highlight=False)
        for result in results:
            if result.note is not None:
                console.print(f"  {result.contender}: {result.note}", highlight=False)
        if out is not None:
            write_text(out, report.to_json())
    means = (times(report.mean(kind)) for kind in ("both", "scratch", "memory"))
    console.print(table)
    console.print("Geometric mean over layers: {} faster; memory {} smaller, {} with what both have".format(*means))
    console.print(tables.aims(layer_goals(report)))
