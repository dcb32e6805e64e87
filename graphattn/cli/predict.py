"""`graphattn predict`: a trained model on new molecules."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from graphattn.cli.errors import reported, say

if TYPE_CHECKING:
    from graphattn.tasks.common.rejects import Reject
    from graphattn.tasks.common.table import Table
    from graphattn.tasks.common.table_writer import Write
    from graphattn.tasks.molecule import MoleculePredictor, Prediction

    _Chunks: TypeAlias = Iterator[tuple[Prediction, list[Reject]]]


@reported
def predict(
    model: Annotated[Path, typer.Argument(help="Directory that graphattn train wrote.", show_default=False)],
    molecules: Annotated[
        list[str] | None,
        typer.Argument(help="CSV file, - for standard input, or SMILES.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="File to write: .csv, .tsv, .parquet or .xlsx.", show_default="standard output"
        ),
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
    from graphattn.cli.molecules import are_smiles, find_smiles_column, read_molecules
    from graphattn.files import partial_name
    from graphattn.tasks.common.table_writer import check_out, csv_writer, table_writer
    from graphattn.tasks.molecule.inference import resolve_device
    from graphattn.tasks.molecule.predictor import MoleculePredictor

    resolve_device(device)
    check_out(out)
    predictor = MoleculePredictor.load(model)
    table = read_molecules(molecules, encoding, smiles_column)
    column = find_smiles_column(table, predictor, smiles_column)
    chunks = _predict(predictor, table, column, device)
    if molecules and are_smiles(molecules):
        chunks = iter(_unless_all_are_wrong(chunks))
    names = _names(table, predictor)
    if out is None:
        rejects = _write(csv_writer(sys.stdout, names), table, predictor, chunks)
    else:
        try:
            with table_writer(out, names) as write:
                rejects = _write(write, table, predictor, chunks)
        except KeyboardInterrupt:
            say(f"What was finished is in {partial_name(out)}.")
            raise
        say(f"{len(table.rows)} row{'s' if len(table.rows) != 1 else ''} written to {out}")
    _report(table, rejects, None if out is None else out.with_name(f"{out.stem}_rejects.csv"))


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


def _names(table: Table, predictor: MoleculePredictor) -> list[str]:
    """Return the header: that of the table, then the predictions'; a name that is taken gets a number."""
    names: list[str] = []
    for name in (*predictor.output_columns(), "reason"):
        taken = {*table.columns, *names}
        names.append(next(new for new in (name, *(f"{name}_{n}" for n in range(2, 10**6))) if new not in taken))
    return [*table.columns, *names]


def _write(write: Write, table: Table, predictor: MoleculePredictor, chunks: _Chunks) -> list[Reject]:
    """Write the table with the predictions beside it, each chunk when it is done; return the rows without one."""
    done = 0
    rejects: list[Reject] = []
    for prediction, rejected in chunks:
        rows = [cells or [""] * len(table.columns) for cells in table.rows[done : done + len(prediction.reasons)]]
        write([*zip(*rows, strict=True), *predictor.output_values(prediction), prediction.reasons])
        done += len(rows)
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
