"""Draw molecules as SVG, atoms colored by a weight where wanted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from graphattn.chem.smiles import JOIN, as_mol, as_mols

# Blue and orange, which color-blind readers tell apart.
_LOW, _HIGH = np.array([0.26, 0.55, 0.85]), np.array([0.96, 0.55, 0.20])


def draw_molecule(
    molecule: str | Chem.Mol,
    *,
    atom_weights: ArrayLike | None = None,
    size: tuple[int, int] = (300, 200),
    legend: str | None = None,
) -> str:
    """Draw one molecule.

    Args:
        molecule: SMILES or RDKit molecule.
        atom_weights: one number per atom in RDKit's order, `[num_atoms]`, shown as a disc behind the atom:
            orange above zero, blue below, deeper with the distance from zero; the largest has full color. No
            discs when None.
        size: width and height in pixels.
        legend: line of text below the molecule; RDKit's font has ASCII only, other characters show as `?`.

    Returns:
        The SVG as text, `<svg ...>...</svg>`, ready for an HTML page.

    Raises:
        SmilesError: the SMILES cannot be read.
        ValueError: `atom_weights` are not one finite number per atom.
    """
    return _text(_drawn(_drawer(size, size), molecule, atom_weights, legend))


def draw_png(
    molecule: str | Chem.Mol,
    *,
    atom_weights: ArrayLike | None = None,
    size: tuple[int, int] = (600, 400),
    legend: str | None = None,
) -> bytes:
    """Draw one molecule as a PNG picture; arguments and errors as of `draw_molecule`."""
    drawer = _drawn(_drawer(size, size, rdMolDraw2D.MolDraw2DCairo), molecule, atom_weights, legend)
    drawer.FinishDrawing()
    return bytes(drawer.GetDrawingText())


def layout(molecule: str | Chem.Mol) -> tuple[list[str], np.ndarray]:
    """Return the symbols of a molecule's atoms and where a drawing puts them, `[N, 2]`.

    Raises:
        SmilesError: the SMILES cannot be read.
    """
    mol = Chem.Mol(as_mol(molecule))
    rdDepictor.Compute2DCoords(mol)
    symbols = [atom.GetSymbol() for atom in mol.GetAtoms()]
    return symbols, mol.GetConformer().GetPositions()[:, :2].reshape(-1, 2)


def draw_grid(
    molecules: Sequence[str | Chem.Mol],
    *,
    legends: Sequence[str] | None = None,
    columns: int = 3,
    size: tuple[int, int] = (300, 200),
) -> str:
    """Draw several molecules in one picture, row by row.

    Args:
        molecules: SMILES or RDKit molecules, at least one.
        legends: a line of text below each molecule, ASCII as in `draw_molecule`.
        columns: pictures per row, at most.
        size: width and height of one picture in pixels.

    Returns:
        The SVG as text.

    Raises:
        SmilesError: a SMILES cannot be read; the message gives its position, counted from 0.
        ValueError: there is no molecule, `columns` is below 1, or `legends` and `molecules` differ in number.
    """
    mols = [rdMolDraw2D.PrepareMolForDrawing(mol) for mol in as_mols(molecules)]
    if not mols:
        raise ValueError("molecules must hold at least one molecule")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    if legends is not None and len(legends) != len(mols):
        raise ValueError(f"legends must be one per molecule, {len(mols)}, got {len(legends)}")
    columns = min(columns, len(mols))
    rows = -(-len(mols) // columns)
    drawer = _drawer((columns * size[0], rows * size[1]), size)
    drawer.DrawMolecules(mols, legends=None if legends is None else [_ascii(legend) for legend in legends])
    return _text(drawer)


def _drawn(drawer: Any, molecule: str | Chem.Mol, atom_weights: ArrayLike | None, legend: str | None) -> Any:
    """Draw a molecule, and return the drawer."""
    mol = as_mol(molecule.replace(JOIN, ".") if isinstance(molecule, str) else molecule)
    highlights = {} if atom_weights is None else _discs(_checked(atom_weights, mol))
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol, legend=_ascii(legend or ""), **highlights)
    return drawer


def _drawer(size: tuple[int, int], panel: tuple[int, int], kind: Any = rdMolDraw2D.MolDraw2DSVG) -> Any:
    if min(size) < 1:
        raise ValueError(f"size must be at least 1 by 1 pixel, got {size[0]} by {size[1]}")
    drawer = kind(*size, *panel)
    options: Any = drawer.drawOptions()
    options.drawMolsSameScale = False  # else one large molecule shrinks all its neighbors
    options.fixedBondLength = 32  # pixels, at most: small molecules are not blown up
    return drawer


def _ascii(legend: str) -> str:
    return legend.replace("\N{MINUS SIGN}", "-").encode("ascii", "replace").decode()


def _text(drawer: Any) -> str:
    drawer.FinishDrawing()
    svg: str = drawer.GetDrawingText()
    return svg[svg.index("<svg") :].strip()  # the XML declaration has no place inside HTML


def _checked(atom_weights: ArrayLike, mol: Chem.Mol) -> np.ndarray:
    weights = np.asarray(atom_weights, dtype=float)
    if weights.shape != (mol.GetNumAtoms(),):
        expected, got = [mol.GetNumAtoms()], list(weights.shape)
        raise ValueError(f"atom_weights must be one number per atom, shape {expected}, got shape {got}")
    bad = np.flatnonzero(~np.isfinite(weights))
    if bad.size:
        raise ValueError(f"atom_weights must be finite, got {weights[bad[0]]} for atom {bad[0]}")
    return weights


def _discs(weights: np.ndarray) -> dict[str, Any]:
    """Return RDKit's arguments that put a colored disc behind each atom."""
    strength = weights / max(np.abs(weights).max(), np.finfo(float).tiny)  # -1..1
    colors = {}
    for atom in np.flatnonzero(strength).tolist():
        full = _HIGH if strength[atom] > 0 else _LOW
        colors[atom] = tuple((1 - abs(strength[atom]) * (1 - full)).tolist())  # from white to full color
    return {
        "highlightAtoms": list(colors),
        "highlightAtomColors": colors,
        "highlightAtomRadii": dict.fromkeys(colors, 0.45),
        "highlightBonds": [],
    }
