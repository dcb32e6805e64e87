"""`graphattn train`: from a CSV file to a model directory."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from graphattn.cli.errors import reported
from graphattn.cli.training_table import read_training_table
from graphattn.tasks.molecule.config import MEMBERS, ModelConfig, TrainingConfig

_DEFAULT, _MODEL = TrainingConfig(), ModelConfig()
_DATA, _RECIPE, _RUN = "Data", "Recipe", "Run"


@reported
def train(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            help="File (CSV, TSV, Parquet, Excel, SDF, .smi; .gz), - for standard input, or a data set such as esol.",
            show_default=False,
        ),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            "-t",
            help="Column to learn; repeat it for several.",
            show_default="the only column of numbers",
            rich_help_panel=_DATA,
        ),
    ] = None,
    smiles_column: Annotated[
        list[str] | None,
        typer.Option(
            help="Column of SMILES; repeat it for molecules that belong together, such as solute and solvent.",
            show_default="told by names and values",
            rich_help_panel=_DATA,
        ),
    ] = None,
    descriptor_columns: Annotated[
        str | None,
        typer.Option(
            help="Columns of numbers to learn from besides, with commas between.",
            show_default=False,
            rich_help_panel=_DATA,
        ),
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option(help="Column whose values must not repeat.", show_default=False, rich_help_panel=_DATA),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="regression or classification.", show_default="told by the values", rich_help_panel=_DATA),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of the file.", show_default="utf-8", rich_help_panel=_DATA)
    ] = None,
    duplicates: Annotated[
        str,
        typer.Option(
            help="Copies of a molecule: keep all, take their mean, the first, drop those that differ, or error.",
            rich_help_panel=_DATA,
        ),
    ] = "keep",
    salts: Annotated[
        str,
        typer.Option(
            help="Salts and mixtures: keep, largest part, or neutralize it.",
            rich_help_panel=_DATA,
        ),
    ] = "keep",
    split: Annotated[
        str | None,
        typer.Option(
            help="scaffold, random or stratified; 80/10/10.",
            show_default="scaffold where it can",
            rich_help_panel=_DATA,
        ),
    ] = None,
    split_column: Annotated[
        str | None,
        typer.Option(
            help="Column that says train, valid or test, or 0, 1 or 2.", show_default=False, rich_help_panel=_DATA
        ),
    ] = None,
    time_column: Annotated[
        str | None,
        typer.Option(help="Column of dates or numbers: the latest test.", show_default=False, rich_help_panel=_DATA),
    ] = None,
    valid: Annotated[
        str | None,
        typer.Option(
            help="File of the molecules that validate, with --test.", show_default=False, rich_help_panel=_DATA
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(help="File of the molecules that test.", show_default=False, rich_help_panel=_DATA),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="JSON file of graphattn tune; options given besides go before it.",
            show_default=False,
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option(help="At most; it stops when validation stops to improve.", rich_help_panel=_RECIPE)
    ] = _DEFAULT.epochs,
    ensemble: Annotated[
        int, typer.Option(help="Networks to train, each without one fold, and average.", rich_help_panel=_RECIPE)
    ] = _DEFAULT.ensemble,
    members: Annotated[
        str | None,
        typer.Option(
            help=f"Members of the stack, with commas between: {', '.join(MEMBERS)}; network alone is ours alone.",
            show_default="all",
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Molecules a step.", rich_help_panel=_RECIPE)] = _DEFAULT.batch_size,
    lr: Annotated[float, typer.Option(help="Highest learning rate.", rich_help_panel=_RECIPE)] = _DEFAULT.lr,
    depth: Annotated[int, typer.Option(help="Layers of a network.", rich_help_panel=_RECIPE)] = _MODEL.depth,
    attention: Annotated[
        str,
        typer.Option(help="What attends in a network: atoms, bonds, or both in turns.", rich_help_panel=_RECIPE),
    ] = _MODEL.attention,
    width: Annotated[
        int, typer.Option(help="Of the atoms' embeddings; a multiple of 4.", rich_help_panel=_RECIPE)
    ] = _MODEL.embed_dim,
    head_width: Annotated[
        int, typer.Option(help="Of the layers behind the graph.", rich_help_panel=_RECIPE)
    ] = _MODEL.head_dim,
    dropout: Annotated[float, typer.Option(help="In the networks.", rich_help_panel=_RECIPE)] = _MODEL.dropout,
    no_descriptors: Annotated[
        bool,
        typer.Option(
            "--no-descriptors", help="The graph alone: no RDKit descriptors, no other members.", rich_help_panel=_RECIPE
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of everything drawn at random.", rich_help_panel=_RECIPE)] = _DEFAULT.seed,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Directory to write.",
            show_default="runs/<name of the data>",
            rich_help_panel=_RUN,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same command stopped.", rich_help_panel=_RUN)
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier training.", rich_help_panel=_RUN)
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", rich_help_panel=_RUN)] = _DEFAULT.device,
    precision: Annotated[str, typer.Option(help="32, bf16 or 16.", rich_help_panel=_RUN)] = _DEFAULT.precision,
) -> None:
    """Train on a table of SMILES and measured values.

    Rows that cannot be used go to rejects.csv with the reason. The directory then holds the model, its metrics
    beside those of simpler models, its predictions of the test molecules, and a report.

    Example: graphattn train data.csv --target logS --out runs/logS
    """
    chosen: dict[str, Any] = {
        "embed_dim": ("width", width),
        "depth": ("depth", depth),
        "head_dim": ("head_width", head_width),
        "dropout": ("dropout", dropout),
        "attention": ("attention", attention),
        "descriptors": ("no_descriptors", not no_descriptors),
        "salts": ("salts", salts),
        "epochs": ("epochs", epochs),
        "batch_size": ("batch_size", batch_size),
        "lr": ("lr", lr),
        "ensemble": ("ensemble", ensemble),
        "members": ("members", None if members is None else tuple(name.strip() for name in members.split(","))),
        "seed": ("seed", seed),
        "device": ("device", device),
        "precision": ("precision", precision),
    }
    model, training = _configs(context, settings, chosen)
    table, name, card = read_training_table(data, encoding)
    if card is not None:
        target = target or list(card.target_columns)
        smiles_column = smiles_column or [card.smiles_column]
        split = split or (None if split_column or time_column or test else card.split)

    from rich.console import Console

    from graphattn.cli.summary import train_summary
    from graphattn.tasks.molecule.experiment import run_experiment

    directory = Path("runs") / name if out is None else out
    predictor = run_experiment(
        table,
        directory,
        model=model,
        training=training,
        smiles_column=smiles_column,
        target_columns=target,
        id_column=id_column,
        split=split,
        split_column=split_column,
        time_column=time_column,
        valid=valid,
        test=test,
        descriptor_columns=[name.strip() for name in (descriptor_columns or "").split(",") if name.strip()],
        task=task,
        duplicates=duplicates,
        unit=None if card is None or card.unit == "none" else card.unit,
        resume=resume,
        overwrite=overwrite,
        console=Console(stderr=True),
    )
    train_summary(Console(), predictor, directory)


def _configs(
    context: typer.Context, settings: Path | None, chosen: dict[str, tuple[str, Any]]
) -> tuple[ModelConfig, TrainingConfig]:
    """Return the settings of a file, or the defaults, with the options that were given."""
    from graphattn.tasks.molecule.tuning import read_settings

    model, training = (_MODEL, _DEFAULT) if settings is None else read_settings(settings)
    given = {name: value for name, (option, value) in chosen.items() if _is_given(context, option)}
    of_model = {name: value for name, value in given.items() if hasattr(model, name)}
    of_training = {name: value for name, value in given.items() if name not in of_model}
    return dataclasses.replace(model, **of_model), dataclasses.replace(training, **of_training)


def _is_given(context: typer.Context, option: str) -> bool:
    source = context.get_parameter_source(option)
    return source is not None and source.name != "DEFAULT"
