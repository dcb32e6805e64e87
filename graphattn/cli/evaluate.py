"""`graphattn evaluate`: how good the predictions in a file are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphattn.cli.errors import reported, say
from graphattn.cli.json_output import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from graphattn.tasks.molecule.evaluation import Evaluation


@reported
def evaluate(
    predictions: Annotated[
        Path, typer.Argument(help="Table of measured and predicted values.", show_default=False, allow_dash=True)
    ],
    target: Annotated[
        list[str],
        typer.Option("--target", "-t", help="Column of measured values; repeat it for several.", show_default=False),
    ],
    prediction: Annotated[
        list[str] | None,
        typer.Option(
            "--prediction",
            "-p",
            help="Column of predictions, in the order of the targets.",
            show_default="the one that predict writes",
        ),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="regression or classification.", show_default="told by the values")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the file.", show_default="utf-8")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare predictions with measured values that stand in the same table, whoever made them.

    Each metric comes with where it falls in 95 % of resamples of the rows (bootstrap). Where the table has the
    columns <target>_low and <target>_high, it is counted how many values these intervals hold. For two classes a
    prediction is the probability of class 1, or a label. Rows without a value or without a prediction do not count.

    Example: graphattn evaluate predictions.csv --target logS
    """
    from rich.console import Console

    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.common.table import read_table
    from graphattn.tasks.molecule.evaluation import evaluate_table

    if prediction and len(prediction) != len(target):
        raise SettingsError(f"{len(target)} --target and {len(prediction)} --prediction: give one for each target.")
    table = read_table(predictions, encoding=encoding)
    columns: list[str | None] = list(prediction) if prediction else [None] * len(target)
    found = [evaluate_table(table, column, other, task) for column, other in zip(target, columns, strict=True)]
    if as_json:
        print_json({each.target: each.to_json() for each in found})
        return
    console = Console()
    for each in found:
        _print(console, each, len(found) > 1)


def _print(console: Console, found: Evaluation, several: bool) -> None:
    from rich.table import Table

    from graphattn.tasks.common.formatting import fixed
    from graphattn.tasks.molecule.intervals import describe_coverage
    from graphattn.tasks.molecule.task import METRIC_LABELS

    rows = Table(header_style="bold")
    rows.add_column(f"{found.target}: {found.values} value{'s' if found.values != 1 else ''}")
    for title in (found.prediction, "95 % interval"):
        rows.add_column(title, justify="right")
    for name, value in found.metrics.items():
        low, high = found.intervals[name]
        rows.add_row(METRIC_LABELS[name], fixed(value), f"{fixed(low)} to {fixed(high)}" if low == low else "–")
    console.print(rows)
    left_out = [(found.unmeasured, "without a measured value"), (found.unpredicted, "without a prediction")]
    for count, what in left_out:
        if count:
            say(f"{count} row{'s' if count > 1 else ''} {what} left out")
    if found.coverage is not None:
        sentence = describe_coverage(found.coverage, found.target if several else "")
        console.print(sentence, highlight=False, soft_wrap=True)
    for note in found.notes:
        say(f"{note}.")
