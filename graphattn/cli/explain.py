"""`graphattn explain`: which atoms a prediction rests on, drawn on the molecule."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphattn.cli.errors import reported, say

if TYPE_CHECKING:
    from graphattn.tasks.molecule.explain import Explanation

_PICTURES = 200  # molecules up to which each gets files of its own


@reported
def explain(
    model: Annotated[Path, typer.Argument(help="Directory that graphattn train wrote.", show_default=False)],
    molecules: Annotated[
        list[str] | None,
        typer.Argument(help="File of molecules, - for standard input, or SMILES.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Directory to write.")] = Path("explanations"),
    target: Annotated[str | None, typer.Option(help="Column to explain.", show_default="the first")] = None,
    method: Annotated[str, typer.Option(help="gradients, occlusion or attention.")] = "gradients",
    check: Annotated[bool, typer.Option("--check", help="Test the explanations by taking atoms away.")] = False,
    smiles_column: Annotated[
        str | None, typer.Option(help="Column of SMILES.", show_default="that of the training, or the one named so")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the file.", show_default="utf-8")] = None,
) -> None:
    """Show which atoms and bonds the networks' predictions rest on.

    The directory gets index.html with every molecule drawn, atoms.csv with a number for each atom and bond, and for up
    to two hundred molecules an SVG and a PNG each. What is explained is the mean of the networks; the other members of
    the model, on descriptors, know no atoms.

    Examples: graphattn explain runs/logS "CCO" --out ethanol, or graphattn explain runs/logS new.csv --check
    """
    from graphattn.cli.molecules import find_smiles_column, read_molecules
    from graphattn.files import write_bytes
    from graphattn.tasks.common.errors import InputError, SettingsError
    from graphattn.tasks.molecule.explain import Explainer, Explanation
    from graphattn.tasks.molecule.explain_page import page, sentence
    from graphattn.tasks.molecule.predictor import MoleculePredictor

    if out.exists() and not out.is_dir():
        raise SettingsError(f"--out {out} is a file; a directory to write is expected.")
    predictor = MoleculePredictor.load(model)
    explainer = Explainer(predictor, target, method)
    stream, column = find_smiles_column(read_molecules(molecules, encoding, smiles_column), predictor, smiles_column)
    smiles = [
        part.cell(row, at) for part in stream.parts for at in [part.column(column)] for row in range(len(part.rows))
    ]
    found: list[tuple[int, Explanation]] = []
    reasons = []
    for row, each in enumerate(explainer.each(smiles), start=1):
        if isinstance(each, Explanation):
            found.append((row, each))
        else:
            reasons.append(f"row {row}: {each}")
    for reason in reasons[:5]:
        say(reason)
    if not found:
        raise InputError("none of the molecules could be read.")
    explained = [each for _, each in found]
    checked = explainer.check(explained) if check else None
    out.mkdir(parents=True, exist_ok=True)
    write_bytes(out / "atoms.csv", _table(found).encode())
    write_bytes(out / "index.html", page(explained, predictor.require_fitted().data.get("unit"), checked).encode())
    if len(found) <= _PICTURES:
        for row, each in found:
            write_bytes(out / f"{row}.svg", each.svg().encode())
            write_bytes(out / f"{row}.png", each.png())
    if checked is not None:
        say(sentence(checked))
    left = f"; {len(reasons)} could not be read" if reasons else ""
    say(f"{len(found)} molecule{'s' if len(found) != 1 else ''} explained in {out / 'index.html'}{left}")


def _table(found: list[tuple[int, Explanation]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = "row", "smiles", "target", "method", "prediction", "baseline", "kind", "number", "symbol", "value"
    writer.writerow(names)
    for row, each in found:
        ends = f"{each.attribution.prediction:.6g}", f"{each.attribution.baseline:.6g}"
        for kind, number, symbol, value in each.rows():
            writer.writerow([row, each.smiles, each.target, each.method, *ends, kind, number, symbol, f"{value:.6g}"])
    return text.getvalue()
