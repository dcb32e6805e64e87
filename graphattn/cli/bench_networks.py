"""`graphattn bench networks`: labels of published networks, on their published splits."""

from __future__ import annotations

from pathlib import Path

import typer


def bench_networks(names: list[str], most: int, out: Path | None, *, speed: bool) -> None:
    """Fit and measure data set by data set, show a table, and write every figure to `out` after each run.

    What `out` holds already is not measured again.
    """
    from rich.table import Table

    from graphattn.bench import machine
    from graphattn.bench.network_speed import CASES as SPEED
    from graphattn.bench.network_speed import run as run_speed
    from graphattn.bench.networks import CASES, NetworkReport, run, runs
    from graphattn.cli.wide_console import wide_console
    from graphattn.files import write_text

    unknown = sorted(set(names) - set(CASES))
    if unknown:
        raise typer.BadParameter(f"no network {', '.join(unknown)}; there are {', '.join(CASES)}", param_hint="GRAPH")
    console = wide_console()
    words = ["graphattn", "bench", "networks", *names, *(["--speed"] if speed else ["--runs", str(most)])]
    report = NetworkReport.load(out) if out is not None and out.exists() else NetworkReport({})
    report.environment = machine.describe(" ".join(words))

    def kept() -> None:
        if out is not None:
            write_text(out, report.to_json())

    if speed:
        report.speed = []
        for name in SPEED:
            with console.status(name):
                report.speed += run_speed(name)
            kept()
            ratios = report.speed[-1]
            said = f"an epoch is {ratios['faster']:.2f} × faster than PyG's, memory {ratios['smaller']:.2f} × smaller"
            console.print(f"{name}: {said}", highlight=False)
        return
    for name in names or CASES:
        for number in runs(name, most):
            if report.has(name, number):
                continue
            with console.status(f"{name}, run {number + 1}"):
                result = run(CASES[name], number)
            report.results.append(result)
            kept()
            console.print(
                f"{name}, run {number + 1}: {result.answer} answers, test {result.metric} {result.test['answer']:.4f} "
                f"in {result.seconds:.0f} s of processor time",
                highlight=False,
            )
    table = Table("network", "runs", "metric", "answer", "attention network", "boosting", "aim")
    for name in names or CASES:
        found = [report.summary(name, method) for method in ("answer", "network", "boosting")]
        if found[0] is None:
            continue
        cells = ["–" if each is None else f"{each[0]:.4f} ± {each[1]:.4f}" for each in found]
        aim = CASES[name].aim
        table.add_row(
            name, str(found[0][2]), report.of(name)[0].metric, *cells, "above boosting" if aim is None else f"{aim:g}"
        )
    console.print(table)
