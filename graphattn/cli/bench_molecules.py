"""`graphattn bench molecules`: the default model on data sets of the field."""

from __future__ import annotations

from pathlib import Path

import typer


def bench_molecules(names: list[str], seeds: int, out: Path | None) -> None:
    """Train and test data set by data set, print a table, and write every figure to `out` after each run.

    What `out` holds already is not measured again. A name may have a split behind a colon: esol:scaffold.
    """
    from graphattn.bench import machine
    from graphattn.bench.molecules import DATA, SPLITS, MoleculeReport, run, table
    from graphattn.cli.wide_console import wide_console
    from graphattn.files import write_text

    wanted = []
    for name in names or DATA:
        data, _, split = name.partition(":")
        if data not in DATA or split not in ("", *SPLITS):
            raise typer.BadParameter(f"no data set {name}; there are {', '.join(DATA)}", param_hint="GRAPH")
        wanted += [(data, each) for each in ([split] if split else SPLITS)]
    console = wide_console()
    report = MoleculeReport.load(out) if out is not None and out.exists() else MoleculeReport({})
    report.environment = machine.describe(" ".join(["graphattn", "bench", "molecules", *names, "--runs", str(seeds)]))
    report.environment.pop("method", None)  # of measuring times
    for data, split in wanted:
        for seed in range(seeds):
            if report.has(data, split, seed):
                continue
            with console.status(f"{data}, {split}, seed {seed}"):
                result = run(data, split, seed)
            report.results.append(result)
            if out is not None:
                write_text(out, report.to_json())
            console.print(
                f"{data}, {split}, seed {seed}: {result.metric} {result.stack:.3f} on {result.test} test molecules, "
                f"{result.seconds:.0f} s of processor time",
                highlight=False,
            )
    console.print(table(report), markup=False, highlight=False)
