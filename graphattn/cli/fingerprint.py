"""`graphattn fingerprint`: what a trained model's networks make of molecules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphattn.cli.errors import reported, say

if TYPE_CHECKING:
    from graphattn.tasks.common.table_writer import Columns, Write

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
    from graphattn.tasks.common.device import resolve_device
    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.common.table_writer import SUFFIXES, check_out, table_writer
    from graphattn.tasks.molecule.predictor import MoleculePredictor

    resolve_device(device)
    if out is None:
        raise SettingsError(f"--out is needed: a file to write, with a name that ends in {', '.join(SUFFIXES)}, .npz.")
    check_out(out, (*SUFFIXES, _NPZ))
    predictor = MoleculePredictor.load(model)
    stream, column = find_smiles_column(read_molecules(molecules, encoding, smiles_column), predictor, smiles_column)
    names = [column, *(f"fingerprint_{number}" for number in range(1, predictor.fingerprint_width + 1)), "reason"]
    chunks = predictor.fingerprint_table(stream.parts, column, device=device)
    rows = rejected = 0
    with _npz_writer(out) if out.suffix.lower() == _NPZ else table_writer(out, names) as write:
        for smiles, values, reasons in chunks:
            write([smiles, *values.T, reasons])
            rows, rejected = rows + len(reasons), rejected + sum(map(bool, reasons))
    say(f"{rows} row{'s' if rows != 1 else ''} of {predictor.fingerprint_width} numbers written to {out}")
    if rejected:
        say(f"{rejected} of {rows} rows {'has' if rejected == 1 else 'have'} no fingerprint; see {out}")


@contextmanager
def _npz_writer(out: Path) -> Iterator[Write]:
    """Collect the rows, and write their arrays in the end."""
    import io

    import numpy as np

    from graphattn.files import write_bytes

    parts: list[Columns] = []
    yield parts.append
    smiles, reasons = ([cell for part in parts for cell in part[at]] for at in (0, -1))
    rows = np.concatenate([np.stack(part[1:-1], axis=1) for part in parts])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, fingerprint=rows, smiles=np.array(smiles), reason=np.array(reasons))
    write_bytes(out, buffer.getvalue())
