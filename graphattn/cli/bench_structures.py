"""`graphattn bench structures`: sequences, windows, grids and unions against what else there is for each."""

from __future__ import annotations

from pathlib import Path


def bench_structures(quick: bool, seconds: float, out: Path | None) -> None:
    """Measure, show a table, and write every figure to `out` after each row."""
    from rich.table import Table

    from graphattn.bench import machine, structures
    from graphattn.bench.structure_rows import QUICK, ROWS
    from graphattn.bench.text import faults, first_call, mebibytes, milliseconds, system, times
    from graphattn.cli.wide_console import wide_console
    from graphattn.files import write_text

    words = ["graphattn", "bench", "structures", *(["--quick"] if quick else []), "--seconds", f"{seconds:g}"]
    report = structures.StructureReport(machine.describe(" ".join(words)))
    device = report.environment["device"]
    console = wide_console()
    table = Table(
        "graph", "contender", "forward", "first", "faults", "sys", "both", "first", "faults", "sys", "scratch",
        "memory", "note",
    )  # fmt: skip
    names = [name for name in ROWS if not quick or name in QUICK]
    for place, name in enumerate(names, start=1):
        with console.status(f"{place} of {len(names)}: {name}"):
            results = structures.run(name, seconds, device)
        report.results += results
        for result in results:
            timings = [
                show(timing)
                for timing in (result.forward, result.both)
                for show in (milliseconds, first_call, faults, system)
            ]
            held = [mebibytes(result.figure(kind)) for kind in ("scratch", "memory")]
            table.add_row(name, result.contender, *timings, *held, result.note or "")
        table.add_section()
        forward, both = (times(report.ratio(name, kind)) for kind in ("forward", "both"))
        aim = ROWS[name].aim
        verdict = "" if aim is None else f"; aim {times(aim)}: {'reached' if report.reached(name) else 'not reached'}"
        console.print(f"{name}: {forward} forward, {both} with backward{verdict}", highlight=False)
        if out is not None:
            write_text(out, report.to_json())
    console.print(table)
