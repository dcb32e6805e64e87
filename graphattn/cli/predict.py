"""`graphattn predict`: a trained model on new molecules."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO, TypeAlias

import typer

from graphattn.cli.errors import reported, say

if TYPE_CHECKING:
    from graphattn.tasks.common.rejects import Reject
    from graphattn.tasks.common.table import Table
    from graphattn.tasks.molecule import MoleculePredictor, Prediction

    _Chunks: TypeAlias = Iterator[tuple[Prediction, list[Reject]]]

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

    Every row comes back, in its order, with its columns and the prediction beside them; a row that cannot be used has
    empty values and a reason, and stands in <out>_rejects.csv too. Rows are written as they are done: what is
    interrupted leaves <out>.partial.csv. A file may also be a bare list of SMILES. The low and high columns are
    90 % intervals; nearest is what was measured of the nearest training molecule, and remark says in what a molecule is
    beyond all that was trained on.

    Examples: graphattn predict runs/logS new.csv --out predictions.csv, or graphattn predict runs/logS "CCO"
    """
    from graphattn.files import growing, partial_name
    from graphattn.tasks.common.device import resolve_device
    from graphattn.tasks.molecule.predictor import MoleculePredictor

    resolve_device(device)
    _check_out(out)
    predictor = MoleculePredictor.load(model)
    table = _table(molecules, encoding, smiles_column)
    column = _smiles_column(table, predictor, smiles_column)
    chunks = _predict(predictor, table, column, device)
    if molecules and _are_smiles(molecules):
        chunks = iter(_unless_all_are_wrong(chunks))
    if out is None:
        rejects = _write(sys.stdout, table, predictor, chunks)
    else:
        try:
            with growing(out) as file:
                rejects = _write(file, table, predictor, chunks)
        except KeyboardInterrupt:
            say(f"What was finished is in {partial_name(out)}.")
            raise
        say(f"{len(table.rows)} row{'s' if len(table.rows) != 1 else ''} written to {out}")
    _report(table, rejects, None if out is None else out.with_name(f"{out.stem}_rejects.csv"))


def _check_out(out: Path | None) -> None:
    """Refuse, before the work, what cannot be written."""
    if out is not None and out.is_dir():
        from graphattn.tasks.common.errors import SettingsError

        raise SettingsError(f"--out {out} is a directory; a CSV file to write is expected.")


def _table(molecules: Sequence[str] | None, encoding: str | None, smiles_column: str | None) -> Table:
    """Read the molecules from wherever they are."""
    from graphattn.tasks.common.errors import InputError
    from graphattn.tasks.common.table import Table, read_table
    from graphattn.tasks.molecule.rows import bare_list_column

    if not molecules:
        if sys.stdin.isatty():
            raise InputError("no molecules: give a CSV file, SMILES, or - and type SMILES.")
        molecules = ["-"]
    if _are_smiles(molecules):
        rows = [[smiles] for smiles in molecules]
        return Table("command line", ["smiles"], rows, list(range(1, len(rows) + 1)), unit="SMILES")
    if len(molecules) > 1:
        raise InputError(f"one file at a time, got {', '.join(molecules)}.")
    bare_list = bare_list_column if smiles_column is None else None
    return read_table(molecules[0], encoding=encoding, bare_list=bare_list)


def _are_smiles(molecules: Sequence[str]) -> bool:
    first = molecules[0]
    return first != "-" and not Path(first).exists() and Path(first).suffix.lower() not in _TABLE_SUFFIXES


def _smiles_column(table: Table, predictor: MoleculePredictor, smiles_column: str | None) -> str:
    """Return the column named on the command line, or that of the training, or the one whose name says so."""
    from graphattn.tasks.molecule.rows import guess_smiles_column

    if smiles_column is None:
        assert predictor.fitted is not None
        trained = predictor.fitted.smiles_column
        smiles_column = trained if trained in table.columns else guess_smiles_column(table)
    table.column(smiles_column)  # raises where there is none
    return smiles_column


def _predict(predictor: MoleculePredictor, table: Table, column: str, device: str) -> _Chunks:
    from rich.console import Console

    from graphattn.tasks.common.progress import counting

    with counting(Console(stderr=True), "predicting", len(table.rows)) as progress:
        yield from predictor.predict_table(table, column, device=device, progress=progress)


def _unless_all_are_wrong(chunks: _Chunks) -> list[tuple[Prediction, list[Reject]]]:
    from graphattn.tasks.common.errors import InputError

    done = list(chunks)
    reasons = [reason for prediction, _ in done for reason in prediction.reasons]
    if all(reasons):
        raise InputError(f"neither a file nor a SMILES: {reasons[0]}.")
    return done


def _write(file: TextIO, table: Table, predictor: MoleculePredictor, chunks: _Chunks) -> list[Reject]:
    """Write the table with the predictions beside it, each chunk when it is done; return the rows without one.

    A name that is taken gets a number.
    """
    from graphattn.tasks.molecule.predictor import cell_text

    names: list[str] = []
    for name in (*predictor.output_columns(), "reason"):
        taken = {*table.columns, *names}
        names.append(next(new for new in (name, *(f"{name}_{n}" for n in range(2, 10**6))) if new not in taken))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*table.columns, *names])
    rows = iter(table.rows)
    rejects: list[Reject] = []
    for prediction, rejected in chunks:
        values = predictor.output_values(prediction)
        for row, reason in enumerate(prediction.reasons):
            answers = [cell_text(column[row]) for column in values]
            writer.writerow([*(next(rows) or [""] * len(table.columns)), *answers, reason])
        file.flush()
        rejects += rejected
    return rejects


def _report(table: Table, rejects: Sequence[Reject], path: Path | None) -> None:
    """Say how many rows have no prediction, and write them to `path`; what an earlier run wrote there is removed."""
    from graphattn.tasks.common.rejects import write_rejects

    if not rejects:
        if path is not None:
            path.unlink(missing_ok=True)
        return
    if path is not None:
        write_rejects(path, table, rejects)
    first = rejects[0]
    have = "has" if len(rejects) == 1 else "have"
    see = "" if path is None else f", see {path}"
    place = table.where(first.row, first.column)
    say(f"{len(rejects)} of {len(table.rows)} rows {have} no prediction{see}; {place}: {first.reason}")
