"""`graphattn compare`: the stack, its members and simpler models on the same splits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphattn.cli.errors import reported, say
from graphattn.cli.json_output import print_json
from graphattn.cli.training_table import read_training_table
from graphattn.cli.wide_console import wide_console
from graphattn.tasks.molecule.config import MEMBERS, TrainingConfig

if TYPE_CHECKING:
    from rich.table import Table

    from graphattn.tasks.molecule.comparison import Comparison

_DEFAULT = TrainingConfig()


@reported
def compare(
    data: Annotated[
        str,
        typer.Argument(help="CSV file, - for standard input, or a data set by name, such as esol.", show_default=False),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "-t", help="Column to learn; repeatable.", show_default="the only column of numbers"),
    ] = None,
    splits: Annotated[int, typer.Option(help="Parts that test in turn; 1: the split that train makes.")] = 5,
    smiles_column: Annotated[
        str | None, typer.Option(help="Column of SMILES.", show_default="the one named so")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="regression or classification.", show_default="told by the values")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="scaffold, random or stratified.", show_default="scaffold where it can")
    ] = None,
    split_column: Annotated[
        str | None, typer.Option(help="Column that says train, valid or test; with --splits 1.", show_default=False)
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the file.", show_default="utf-8")] = None,
    duplicates: Annotated[str, typer.Option(help="keep, mean, first, drop or error; see train.")] = "keep",
    salts: Annotated[str, typer.Option(help="keep, largest or neutralize; see train.")] = "keep",
    epochs: Annotated[int, typer.Option(help="Of a network, at most.")] = _DEFAULT.epochs,
    ensemble: Annotated[int, typer.Option(help="Networks of a stack.")] = _DEFAULT.ensemble,
    members: Annotated[
        str | None,
        typer.Option(help=f"Members of the stack, with commas between: {', '.join(MEMBERS)}.", show_default="all"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn at random.")] = _DEFAULT.seed,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="JSON file to write.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = _DEFAULT.device,
) -> None:
    """Train the stack on several splits, and compare its members and simpler models with it on the test parts.

    The molecules are dealt into parts, scaffolds together unless --split says otherwise; each part tests once. The
    table shows the mean over the parts and its standard deviation, how far each model is from the stack with a 95 %
    interval (paired bootstrap of the molecules), and the p-value of a corrected resampled t-test over the parts.

    Example: graphattn compare data.csv --target logS --splits 5 --out comparison.json
    """
    from rich.console import Console

    from graphattn.files import write_json
    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.molecule.comparison import compare_table
    from graphattn.tasks.molecule.config import ModelConfig

    if out is not None and out.is_dir():
        raise SettingsError(f"--out {out} is a directory; a JSON file to write is expected.")
    table, _, card = read_training_table(data, encoding)
    if card is not None:
        target, smiles_column = target or list(card.target_columns), smiles_column or card.smiles_column
        split = split or (None if split_column else card.split)
    training = TrainingConfig(
        epochs=epochs,
        ensemble=ensemble,
        members=None if members is None else tuple(name.strip() for name in members.split(",")),
        seed=seed,
        device=device,
    )
    found = compare_table(
        table,
        ModelConfig(salts=salts),
        training,
        splits,
        smiles_column=smiles_column,
        target_columns=target,
        split=split,
        split_column=split_column,
        task=task,
        duplicates=duplicates,
        console=Console(stderr=True),
    )
    if out is not None:
        write_json(out, found.to_json())
        say(f"written to {out}")
    if as_json:
        print_json(found.to_json())
    else:
        wide_console().print(comparison_table(found))


def comparison_table(found: Comparison) -> Table:
    """Return the contestants, the best first, in a table."""
    from rich.table import Table

    from graphattn.tasks.common.formatting import fixed
    from graphattn.tasks.molecule.comparison import STACK, means
    from graphattn.tasks.molecule.task import METRIC_LABELS, RIVALS, lower_is_better

    several, labels = len(found.parts) > 1, {STACK: "the whole stack", **MEMBERS, **RIVALS}
    metrics = list(found.contestants[0].metrics)
    table = Table(header_style="bold")
    table.add_column(f"{len(found.parts)} splits" if several else "1 split")
    for name in metrics:
        table.add_column(METRIC_LABELS[name], justify="right", no_wrap=True)
    for title in ("− stack", "95 % interval", *(["p"] if several else [])):
        table.add_column(title, justify="right", no_wrap=True)
    sign = 1 if lower_is_better(found.metric) else -1
    shown = [(each, means(each.metrics)) for each in found.contestants]
    for each, mean in sorted(shown, key=lambda pair: sign * pair[1][found.metric][0]):
        cells = [
            f"{fixed(value)} ± {fixed(std)}" if several and name == found.metric else fixed(value)
            for name, (value, std) in mean.items()
        ]
        if each.interval is None:
            cells += ["", ""]
        else:
            cells += [fixed(each.difference), " to ".join(map(fixed, each.interval))]
        if several:
            cells.append("" if each.p_value is None else "< 0.001" if each.p_value < 0.001 else fixed(each.p_value))
        table.add_row(labels[each.name], *cells, style="bold" if each.kind == STACK else None)
    return table
