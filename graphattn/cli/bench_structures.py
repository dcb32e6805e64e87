"""`graphattn bench structures`: sequences, windows, grids and unions against what else there is for each."""

from __future__ import annotations

from pathlib import Path


def bench_structures(quick: bool, seconds: float, out: Path | None) -> None:
    """Measure, show a table, and write every figure to `out` after each row."""
    from rich.console import Console
    from rich.table import Table

    from graphattn.bench import machine, structures
    from graphattn.bench.structure_rows import QUICK, ROWS
    from graphattn.bench.text import mebibytes, milliseconds, times
    from graphattn.files import write_text

    words = ["graphattn", "bench", "structures", *(["--quick"] if quick else []), "--seconds", f"{seconds:g}"]
    report = structures.StructureReport(machine.describe(" ".join(words)))
    device = report.environment["device"]
    console = Console()
    table = Table("graph", "contender", "forward", "both", "memory", "note")
    names = [name for name in ROWS if not quick or name in QUICK]
    for place, name in enumerate(names, start=1):
        for contender in ROWS[name].contenders:
            with console.status(f"{place} of {len(names)}: {name}, {contender}"):
                result = structures.run(name, contender, seconds, device)
            report.results.append(result)
            table.add_row(
                name, contender, milliseconds(result.forward), milliseconds(result.both), mebibytes(result.memory),
                result.note or "",
            )  # fmt: skip
        table.add_section()
        forward, both = (times(report.ratio(name, kind)) for kind in ("forward", "both"))
        aim = ROWS[name].aim
        verdict = "" if aim is None else f"; aim {times(aim)}: {'reached' if report.reached(name) else 'not reached'}"
        console.print(f"{name}: {forward} forward, {both} with backward{verdict}", highlight=False)
        if out is not None:
            write_text(out, report.to_json())
    console.print(table)
