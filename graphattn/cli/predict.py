"""`graphattn predict`: a trained model on new molecules."""

from __future__ import annotations

import dataclasses
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from graphattn.cli.errors import reported, say

if TYPE_CHECKING:
    from graphattn.tasks.common.rejects import Reject, RejectsFile
    from graphattn.tasks.common.table import Table
    from graphattn.tasks.common.table_stream import TableStream
    from graphattn.tasks.common.table_writer import Write
    from graphattn.tasks.molecule import MoleculePredictor, Prediction

    _Chunks: TypeAlias = Iterator[tuple[Prediction, list[Reject]]]
    _Rows: TypeAlias = deque[tuple[str, int, list[str]]]
    """the place, the line and the cells of rows whose predictions are still to come"""


@reported
def predict(
    model: Annotated[Path, typer.Argument(help="Directory that graphattn train wrote.", show_default=False)],
    molecules: Annotated[
        list[str] | None,
        typer.Argument(
            help="File (CSV, TSV, Parquet, Excel, SDF, .smi; .gz), - for standard input, or SMILES.", show_default=False
        ),
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
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 and so on, or mps.")] = "auto",
    processes: Annotated[int, typer.Option(help="That compute features.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what was interrupted.")] = False,
) -> None:
    """Predict for molecules that a file, standard input or the command line gives.

    Every row comes back, in its order, with its columns and the prediction beside them; a row that cannot be used has
    empty values and a reason, and stands in <out>_rejects.csv too. Rows are written as they are done: what is
    interrupted leaves <out>.partial.csv, and the same command with --resume goes on from there. A file may also be a
    bare list of SMILES; it may be larger than the memory. The low and high columns are 90 % intervals; nearest is what
    was measured of the nearest training molecule, and remark says in what a molecule is beyond all that was trained on.

    Examples: graphattn predict runs/logS new.csv --out predictions.csv, or graphattn predict runs/logS "CCO"
    """
    from rich.console import Console

    from graphattn.cli.molecules import are_smiles, find_smiles_column, read_molecules
    from graphattn.files import partial_name
    from graphattn.tasks.common.device import resolve_device
    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.common.progress import counting
    from graphattn.tasks.common.rejects import RejectsFile
    from graphattn.tasks.common.table_writer import check_out, csv_writer, finished_rows, table_writer
    from graphattn.tasks.molecule.predictor import MoleculePredictor

    resolve_device(device)
    check_out(out)
    if resume and out is None:
        raise SettingsError("--resume needs --out, the file that the interrupted command was to write.")
    predictor = MoleculePredictor.load(model)
    stream, column = find_smiles_column(read_molecules(molecules, encoding, smiles_column), predictor, smiles_column)
    names = _names(stream.columns, predictor)
    rejects_path = None if out is None else out.with_name(f"{out.stem}_rejects.csv")
    with RejectsFile(rejects_path, stream.unit, stream.columns) as rejects:
        before = 0
        if resume and out is not None:
            stream, before = _without_finished(stream, finished_rows(out, names), column, rejects)
        with counting(Console(stderr=True), "predicting", stream.total) as progress:
            waiting: _Rows = deque()
            chunks = predictor.predict_table(
                _noted(stream.parts, waiting),
                column,
                device=device,
                processes=processes,
                progress=lambda done: progress(before + done),
            )
            if out is None:
                chunks = iter(_unless_all_are_wrong(chunks)) if molecules and are_smiles(molecules) else chunks
                rows = _write(csv_writer(sys.stdout, names), predictor, chunks, waiting, rejects)
            else:
                try:
                    with table_writer(out, names, append=resume) as write:
                        rows = before + _write(write, predictor, chunks, waiting, rejects)
                except KeyboardInterrupt:
                    say(f"What was finished is in {partial_name(out)}.")
                    raise
                say(f"{rows} row{'s' if rows != 1 else ''} written to {out}")
    if rejects.count:
        have = "has" if rejects.count == 1 else "have"
        see = "" if rejects_path is None else f", see {rejects_path}"
        say(f"{rejects.count} of {rows} rows {have} no prediction{see}; {rejects.first}")


def _noted(parts: Iterable[Table], waiting: _Rows) -> Iterator[Table]:
    """Pass the parts of a table on, and keep their rows until their predictions come."""
    for table in parts:
        for row, (line, cells) in enumerate(zip(table.lines, table.rows, strict=True)):
            waiting.append((table.where(row), line, cells or [""] * len(table.columns)))
        yield table


def _unless_all_are_wrong(chunks: _Chunks) -> list[tuple[Prediction, list[Reject]]]:
    from graphattn.tasks.common.errors import InputError

    done = list(chunks)
    reasons = [reason for prediction, _ in done for reason in prediction.reasons]
    if all(reasons):
        raise InputError(f"neither a file nor a SMILES: {reasons[0]}.")
    return done


def _names(columns: Sequence[str], predictor: MoleculePredictor) -> list[str]:
    """Return the header: that of the table, then the predictions'; a name that is taken gets a number."""
    names: list[str] = []
    for name in (*predictor.output_columns(), "reason"):
        taken = {*columns, *names}
        names.append(next(new for new in (name, *(f"{name}_{n}" for n in range(2, 10**6))) if new not in taken))
    return [*columns, *names]


def _write(write: Write, predictor: MoleculePredictor, chunks: _Chunks, waiting: _Rows, rejects: RejectsFile) -> int:
    """Write the rows with the predictions beside them, each chunk when it is done; return how many there are."""
    total = 0
    for prediction, rejected in chunks:
        rows = [waiting.popleft() for _ in prediction.reasons]
        write(
            [
                *zip(*(cells for _, _, cells in rows), strict=True),
                *predictor.output_values(prediction),
                prediction.reasons,
            ]
        )
        for reject in rejected:
            where, line, cells = rows[reject.row - total]
            rejects.add(f"{where}, column {reject.column!r}", line, reject, cells)
        total += len(rows)
    return total


def _without_finished(
    stream: TableStream, finished: Iterator[list[str]], column: str, rejects: RejectsFile
) -> tuple[TableStream, int]:
    """Return the table without the rows that are written already, and how many these are.

    Raises:
        SettingsError: they are not the first rows of the table.
    """
    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.common.rejects import Reject

    width, count, at = len(stream.columns), 0, stream.columns.index(column)
    part: Table | None = None
    place = 0
    for cells in finished:
        while part is None or place == len(part.rows):
            part, place = next(stream.parts, None), 0
            if part is None:
                break
        if part is None or cells[:width] != (list(part.rows[place]) or [""] * width):
            raise SettingsError("what was written before is not of the same table; run the command without --resume.")
        if cells[-1]:
            reject = Reject(count, column, cells[at], cells[-1])
            rejects.add(part.where(place, column), part.lines[place], reject, cells[:width])
        count, place = count + 1, place + 1
    rest = [] if part is None else [dataclasses.replace(part, rows=part.rows[place:], lines=part.lines[place:])]
    return dataclasses.replace(stream, parts=chain(rest, stream.parts)), count
