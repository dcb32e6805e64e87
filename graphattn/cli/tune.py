"""`graphattn tune`: settings of the networks that do best on a table."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from graphattn.cli.errors import reported
from graphattn.cli.program import program
from graphattn.cli.training_table import read_training_table
from graphattn.tasks.molecule.config import TrainingConfig

_DEFAULT = TrainingConfig()


@reported
def tune(
    data: Annotated[
        str, typer.Argument(help="Table of molecules, or a data set by name, such as esol.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Directory of the search.", show_default=False)],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "-t", help="Column to learn; repeatable.", show_default="the only column of numbers"),
    ] = None,
    budget: Annotated[str, typer.Option(help="Time of the search: 90s, 10m, 1h.")] = "10m",
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
        str | None, typer.Option(help="Column that says train, valid or test.", show_default=False)
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the file.", show_default="utf-8")] = None,
    epochs: Annotated[int, typer.Option(help="Of a network, at most.")] = _DEFAULT.epochs,
    ensemble: Annotated[int, typer.Option(help="Networks, each without one fold.")] = _DEFAULT.ensemble,
    seed: Annotated[int, typer.Option(help="Of everything drawn at random.")] = _DEFAULT.seed,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = _DEFAULT.device,
) -> None:
    """Search for the settings of the networks that do best on molecules they did not learn from.

    What is searched is their width, depth, dropout, learning rate, batch size and weight decay. Test molecules are not
    looked at. The same command goes on with the search, Ctrl-C ends it; settings.json always holds the best so far, for
    graphattn train --settings.

    Example: graphattn tune data.csv --target logS --budget 10m --out runs/tune
    """
    from rich.console import Console

    from graphattn.tasks.common.duration import seconds
    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.common.formatting import fixed
    from graphattn.tasks.molecule.config import ModelConfig
    from graphattn.tasks.molecule.task import METRIC_LABELS
    from graphattn.tasks.molecule.tuning import SETTINGS, tune_table

    if out.exists() and not out.is_dir():
        raise SettingsError(f"--out {out} is a file; a directory for the search is expected.")
    time = seconds(budget)
    table, _, card = read_training_table(data, encoding)
    if card is not None:
        target, smiles_column = target or list(card.target_columns), smiles_column or card.smiles_column
        split = split or (None if split_column else card.split)
    training = TrainingConfig(epochs=epochs, ensemble=ensemble, seed=seed, device=device)
    found = tune_table(
        table,
        out,
        time,
        ModelConfig(),
        training,
        smiles_column=smiles_column,
        target_columns=target,
        split=split,
        split_column=split_column,
        task=task,
        console=Console(stderr=True),
    )
    console = Console()
    console.print(
        f"best of {found.trials} trial{'s' if found.trials != 1 else ''}: {METRIC_LABELS[found.metric]} "
        f"{fixed(found.score)} of molecules left out; to train with it:",
        highlight=False,
        soft_wrap=True,
    )
    targets = [part for column in target or [] for part in ("--target", column)]
    command = shlex.join([program(), "train", data, *targets, "--settings", str(out / SETTINGS)])
    console.print(f"  {command}", style="bold", markup=False, highlight=False, soft_wrap=True)
