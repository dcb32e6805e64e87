"""`graphattn bench layers`: whole layers and training steps against PyG's, on this machine."""

from __future__ import annotations

from pathlib import Path


def bench_layers(quick: bool, seconds: float, out: Path | None) -> None:
    """Measure, show a table, and write every figure to `out`."""
    from rich.console import Console
    from rich.table import Table

    from graphattn.bench import layers, machine
    from graphattn.bench.text import mebibytes, milliseconds, times
    from graphattn.files import write_text

    words = ["graphattn", "bench", "layers", *(["--quick"] if quick else []), "--seconds", f"{seconds:g}"]
    report = layers.LayerReport(machine.describe(" ".join(words)))
    device = report.environment["device"]
    console = Console()
    table = Table("graph", "layer", "ours, ms", "PyG, ms", "faster", "ours, MiB", "PyG, MiB", "smaller")
    for case in layers.QUICK if quick else layers.SUITE:
        ours, theirs = (layers.run(case, contender, seconds, device) for contender in layers.CONTENDERS)
        report.results += [ours, theirs]
        faster, smaller = (report.multiples(kind).get(case) for kind in ("time", "memory"))
        table.add_row(
            case.graph, case.layer, milliseconds(ours.both), milliseconds(theirs.both), times(faster),
            mebibytes(ours.memory), mebibytes(theirs.memory), times(smaller),
        )  # fmt: skip
        console.print(f"{case}: {times(faster)} faster, {times(smaller)} smaller", highlight=False)
        for result in (ours, theirs):
            if result.note is not None:
                console.print(f"  {result.contender}: {result.note}", highlight=False)
        if out is not None:
            write_text(out, report.to_json())
    means = (times(report.mean(kind)) for kind in ("time", "memory"))
    console.print(table, f"Geometric mean over layers: {next(means)} faster, {next(means)} smaller", sep="\n")
