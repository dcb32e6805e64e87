"""`graphattn fingerprint`: what a trained model's networks make of molecules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphattn.cli.errors import reported, say

if TYPE_CHECKING:
    from graphattn.tasks.common.table import Table
    from graphattn.tasks.molecule import MoleculePredictor

_NPZ = ".npz"


@reported
def fingerprint(
    model: Annotated[Path, typer.Argument(help="Directory that graphattn train wrote.", show_default=False)],
    molecules: Annotated[
        list[str] | None,
        typer.Argument(help="File of molecules, - for standard input, or SMILES.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write: .csv, .tsv, .parquet, .xlsx or .npz.", show_default=False),
    ] = None,
    smiles_column: Annotated[
        str | None, typer.Option(help="Column of SMILES.", show_default="that of the training, or the one named so")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the file.", show_default="utf-8")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Write a learned fingerprint of each molecule, for a model of your own, a map or a search.

    It is what each network makes of the molecule's graph before its head; the networks stand side by side. Every row
    comes back, in its order; one that cannot be read has empty values and a reason. An .npz file holds the arrays
    fingerprint, smiles and reason.

    Example: graphattn fingerprint runs/logS new.csv --out fingerprints.parquet
    """
    from graphattn.cli.molecules import find_smiles_column, read_molecules
    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.common.table_writer import SUFFIXES, check_out, table_writer
    from graphattn.tasks.molecule.inference import resolve_device
    from graphattn.tasks.molecule.predictor import MoleculePredictor

    resolve_device(device)
    if out is None:
        raise SettingsError(f"--out is needed: a file to write, with a name that ends in {', '.join(SUFFIXES)}, .npz.")
    check_out(out, (*SUFFIXES, _NPZ))
    predictor = MoleculePredictor.load(model)
    table = read_molecules(molecules, encoding, smiles_column)
    column = find_smiles_column(table, predictor, smiles_column)
    if out.suffix.lower() == _NPZ:
        rejected = _write_npz(out, predictor, table, column, device)
    else:
        names = [column, *(f"fingerprint_{number}" for number in range(1, predictor.fingerprint_width + 1)), "reason"]
        rejected, at, done = 0, table.column(column), 0
        with table_writer(out, names) as write:
            for rows, reasons in predictor.fingerprint_table(table, column, device=device):
                smiles = [table.cell(row, at) for row in range(done, done + len(rows))]
                write([smiles, *rows.T, reasons])
                rejected, done = rejected + sum(map(bool, reasons)), done + len(rows)
    width = predictor.fingerprint_width
    say(f"{len(table.rows)} row{'s' if len(table.rows) != 1 else ''} of {width} numbers written to {out}")
    if rejected:
        say(f"{rejected} of {len(table.rows)} rows {'has' if rejected == 1 else 'have'} no fingerprint; see {out}")


def _write_npz(out: Path, predictor: MoleculePredictor, table: Table, column: str, device: str) -> int:
    import io

    import numpy as np

    from graphattn.files import write_bytes

    chunks = list(predictor.fingerprint_table(table, column, device=device))
    reasons = [reason for _, some in chunks for reason in some]
    at = table.column(column)
    smiles = [table.cell(row, at) for row in range(len(table.rows))]
    buffer = io.BytesIO()
    rows = np.concatenate([rows for rows, _ in chunks])
    np.savez_compressed(buffer, fingerprint=rows, smiles=np.array(smiles), reason=np.array(reasons))
    write_bytes(out, buffer.getvalue())
    return sum(map(bool, reasons))
