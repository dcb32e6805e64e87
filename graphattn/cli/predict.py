"""`graphattn predict`: a trained model on new molecules."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphattn.cli.errors import reported, say

if TYPE_CHECKING:
    from graphattn.tasks.molecule import MoleculePredictor, Prediction
    from graphattn.tasks.molecule.table import Table

_TABLE_SUFFIXES = {".csv", ".tsv", ".txt", ".smi", ".gz"}


@reported
def predict(
    model: Annotated[Path, typer.Argument(help="Directory that graphattn train wrote.", show_default=False)],
    molecules: Annotated[
        list[str] | None,
        typer.Argument(help="CSV file, - for standard input, or SMILES.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV file to write.", show_default="standard output")
    ] = None,
    smiles_column: Annotated[
        str | None, typer.Option(help="Column of SMILES.", show_default="that of the training, or the one named so")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the file.", show_default="utf-8")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Predict for molecules that a file, standard input or the command line gives.

    Every row comes back, in its order, with its columns and the prediction beside them; a row whose SMILES cannot
    be read has empty values and a reason. A file may also be a bare list of SMILES. The std columns say how far the
    networks differ, which is less than how wrong they may be.

    Examples: graphattn predict runs/logS new.csv --out predictions.csv, or graphattn predict runs/logS "CCO"
    """
    from graphattn.tasks.molecule.inference import resolve_device
    from graphattn.tasks.molecule.predictor import MoleculePredictor

    resolve_device(device)
    _check_out(out)
    predictor = MoleculePredictor.load(model)
    table = _table(molecules, encoding, smiles_column)
    column = _smiles_column(table, predictor, smiles_column)
    smiles = [table.cell(row, column) for row in range(len(table.rows))]
    prediction = _predict(predictor, smiles, device)
    reasons = [reason for reason in prediction.reasons if reason]
    if molecules and _are_smiles(molecules) and len(reasons) == len(smiles):
        from graphattn.tasks.molecule.errors import InputError

        raise InputError(f"neither a file nor a SMILES: {reasons[0]}.")
    text = _to_csv(table, predictor, prediction)
    if out is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        from graphattn.tasks.molecule.files import write_text

        write_text(out, text)
        say(f"{len(smiles)} row{'s' if len(smiles) != 1 else ''} written to {out}")
    if reasons:
        row = next(row for row, reason in enumerate(prediction.reasons) if reason)
        place = table.where(row, table.columns[column])
        have = "has" if len(reasons) == 1 else "have"
        say(f"{len(reasons)} of {len(smiles)} rows {have} no prediction; {place}: {prediction.reasons[row]}")


def _check_out(out: Path | None) -> None:
    """Refuse, before the work, what cannot be written."""
    if out is not None and out.is_dir():
        from graphattn.tasks.molecule.errors import SettingsError

        raise SettingsError(f"--out {out} is a directory; a CSV file to write is expected.")


def _table(molecules: Sequence[str] | None, encoding: str | None, smiles_column: str | None) -> Table:
    """Read the molecules from wherever they are."""
    from graphattn.tasks.molecule.errors import InputError
    from graphattn.tasks.molecule.table import Table, read_table

    if not molecules:
        if sys.stdin.isatty():
            raise InputError("no molecules: give a CSV file, SMILES, or - and type SMILES.")
        molecules = ["-"]
    if _are_smiles(molecules):
        rows = [[smiles] for smiles in molecules]
        return Table("command line", ["smiles"], rows, list(range(1, len(rows) + 1)), unit="SMILES")
    if len(molecules) > 1:
        raise InputError(f"one file at a time, got {', '.join(molecules)}.")
    bare_list = "smiles" if smiles_column is None else None
    return read_table(molecules[0], encoding=encoding, bare_list=bare_list)


def _are_smiles(molecules: Sequence[str]) -> bool:
    first = molecules[0]
    return first != "-" and not Path(first).exists() and Path(first).suffix.lower() not in _TABLE_SUFFIXES


def _smiles_column(table: Table, predictor: MoleculePredictor, smiles_column: str | None) -> int:
    """Return the column named on the command line, or that of the training, or the one whose name says so."""
    from graphattn.tasks.molecule.rows import guess_smiles_column

    if smiles_column is None:
        assert predictor.fitted is not None
        trained = predictor.fitted.smiles_column
        smiles_column = trained if trained in table.columns else guess_smiles_column(table)
    return table.column(smiles_column)


def _predict(predictor: MoleculePredictor, smiles: Sequence[str], device: str) -> Prediction:
    from rich.console import Console

    from graphattn.tasks.molecule.progress import counting

    with counting(Console(stderr=True), "predicting", len(smiles)) as progress:
        return predictor.predict_arrays(smiles, device=device, progress=progress)


def _to_csv(table: Table, predictor: MoleculePredictor, prediction: Prediction) -> str:
    """Return the table with the predictions beside it; a name that is taken gets a number."""
    from graphattn.tasks.molecule.predictor import cell_text

    names: list[str] = []
    for name in (*predictor.output_columns(), "reason"):
        taken = {*table.columns, *names}
        names.append(next(new for new in (name, *(f"{name}_{n}" for n in range(2, 10**6))) if new not in taken))
    values = predictor.output_values(prediction)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*table.columns, *names])
    for row, (cells, reason) in enumerate(zip(table.rows, prediction.reasons, strict=True)):
        numbers = [cell_text(column[row]) for column in values]
        writer.writerow([*(cells or [""] * len(table.columns)), *numbers, reason])
    return buffer.getvalue()
