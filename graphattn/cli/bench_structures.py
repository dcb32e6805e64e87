"""`graphattn bench structures`: sequences, windows, grids and unions against what else there is for each."""

from __future__ import annotations

from pathlib import Path


def bench_structures(quick: bool, seconds: float, out: Path | None) -> None:
    """Measure on the CPU, show a table, and write every figure to `out`."""
    from rich.console import Console
    from rich.table import Table

    from graphattn.bench import machine, structures
    from graphattn.bench.text import mebibytes, milliseconds, times
    from graphattn.tasks.molecule.files import write_text

    words = ["graphattn", "bench", "structures", *(["--quick"] if quick else []), "--seconds", f"{seconds:g}"]
    report = structures.StructureReport(machine.describe(" ".join(words)))
    console = Console()
    table = Table("graph", "contender", "forward, ms", "both, ms", "MiB", "note")
    for name in structures.QUICK if quick else structures.ROWS:
        for contender in structures.ROWS[name].contenders:
            result = structures.run(name, contender, seconds)
            report.results.append(result)
            table.add_row(
                name, contender, milliseconds(result.forward), milliseconds(result.both), mebibytes(result.memory),
                result.note or "",
            )  # fmt: skip
        forward, both = (times(report.ratio(name, kind)) for kind in ("forward", "both"))
        console.print(f"{name}: {forward} forward, {both} with backward; aim {structures.ROWS[name].aim or 'none'}")
        if out is not None:
            write_text(out, report.to_json())
    console.print(table)
