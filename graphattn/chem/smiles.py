"""Read SMILES, with one policy for those that cannot be read: `SmilesError`."""

import re
import reprlib
from collections.abc import Iterable, Iterator
from typing import Any

from rdkit import Chem, rdBase

_SHOWN_CHARACTERS = 60
JOIN = " + "
"""between the SMILES of molecules that are one input together; no SMILES holds a space"""
_INCHI_KEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")


class SmilesError(ValueError):
    """A SMILES that cannot be read; the message is one short sentence saying why."""


def parse_smiles(smiles: str) -> Chem.Mol:
    """Read one SMILES into an RDKit molecule.

    Whitespace around the SMILES is dropped. An extension between bars, as CXSMILES has, and an InChI are read too.
    RDKit's own complaints are not printed; its logging is as before afterwards.

    Args:
        smiles: one SMILES, nothing else beside it.

    Returns:
        The sanitized molecule, hydrogens implicit. Dummy atoms (`*`) are accepted.

    Raises:
        SmilesError: `smiles` is missing (None or NaN), not text, empty, holds a space or another character that
            has no place in it, is not valid SMILES, or names a molecule with an impossible valence or aromatic
            ring; or it is a reaction or an InChIKey. Characters and atoms are counted from 1.

    >>> parse_smiles(" OCC ").GetNumAtoms()
    3
    >>> parse_smiles("cC")
    Traceback (most recent call last):
    graphattn.chem.smiles.SmilesError: atom 1 (C) of 'cC' is marked aromatic but is not in a ring
    """
    text = _checked_text(smiles)
    with rdBase.BlockLogs():
        if text.startswith("InChI="):
            mol = Chem.MolFromInchi(text)
            if mol is None:
                raise SmilesError(f"RDKit cannot read the InChI {_shown(text)}")
            return mol
        mol = Chem.MolFromSmiles(text)
    if mol is None:
        raise SmilesError(_reason(text))
    return mol


def canonical_smiles(molecule: str | Chem.Mol) -> str:
    """Write a molecule, given as SMILES or as an RDKit molecule, as RDKit's canonical SMILES.

    >>> canonical_smiles("OCC")
    'CCO'
    """
    return Chem.MolToSmiles(as_mol(molecule))


def as_mol(molecule: str | Chem.Mol) -> Chem.Mol:
    """Return an RDKit molecule unchanged; read anything else as SMILES."""
    return molecule if isinstance(molecule, Chem.Mol) else parse_smiles(molecule)


def as_mols(molecules: Iterable[str | Chem.Mol]) -> Iterator[Chem.Mol]:
    """Yield each molecule as an RDKit molecule; an unreadable SMILES is reported with its position.

    Raises:
        SmilesError: a SMILES cannot be read.
    """
    for position, molecule in enumerate(molecules):
        try:
            mol = as_mol(molecule)
        except SmilesError as error:
            raise SmilesError(f"molecule {position}: {error}") from None
        yield mol


def as_text(molecule: Any) -> Any:
    """Write an RDKit molecule as SMILES, without hydrogens that SMILES leaves out; return anything else unchanged.

    >>> as_text(parse_smiles("OCC")), as_text("OCC"), as_text(None)
    ('CCO', 'OCC', None)
    """
    if not isinstance(molecule, Chem.Mol):
        return molecule
    with rdBase.BlockLogs():
        try:
            return Chem.MolToSmiles(Chem.RemoveHs(molecule))
        except (Chem.MolSanitizeException, RuntimeError):
            return Chem.MolToSmiles(molecule)  # it is refused later, with the reason


def _checked_text(smiles: object) -> str:
    if not isinstance(smiles, str):
        if str(smiles) in ("None", "nan", "NaT", "<NA>"):  # an empty cell of a table
            raise SmilesError("the SMILES is missing")
        raise SmilesError(f"a SMILES must be text, got {type(smiles).__name__} {reprlib.repr(smiles)}")
    text = smiles.strip()
    if not text:
        raise SmilesError("the SMILES is empty")
    plain, _, extension = text.partition(" ")
    if re.fullmatch(r"\s*\|[^|]*\|", extension):  # CXSMILES
        text = f"{plain} {extension.strip()}"
    elif len(text.split()) > 1:  # RDKit would quietly take the rest for a name
        raise SmilesError(f"{_shown(text)} holds a space inside; one SMILES is expected")
    else:
        plain = text
    strange = next((character for character in plain if not "!" <= character <= "~"), None)
    if strange is not None:
        raise SmilesError(f"{_shown(text)} holds {_shown(strange)}, a character that SMILES does not use")
    if plain.count(">") == 2:
        raise SmilesError(f"{_shown(text)} is a reaction; give its reactant or its product alone")
    if _INCHI_KEY.fullmatch(plain):
        raise SmilesError(f"{_shown(text)} is an InChIKey, which holds no structure; give its SMILES or InChI")
    return text


def _shown(value: object) -> str:
    text = str(value)
    if not text.isprintable():
        text = ascii(text)[1:-1]  # not for all text: it would double the backslashes, which SMILES use
    return f"'{text}'" if len(text) <= _SHOWN_CHARACTERS else f"'{text[:_SHOWN_CHARACTERS]}…'"


def _reason(text: str) -> str:
    """Say why RDKit refuses `text`."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text, sanitize=False)
        if mol is None:
            return f"{_shown(text)} is not valid SMILES: {_syntax_error(text)}"
        try:
            Chem.SanitizeMol(mol)
        except Chem.MolSanitizeException as error:
            return _chemistry_error(text, mol, error)
    return f"RDKit cannot make a molecule of {_shown(text)}"


def _chemistry_error(text: str, mol: Chem.Mol, error: Any) -> str:
    problem = error.cause
    kind = problem.GetType()
    if kind == "KekulizeException":
        atoms = ", ".join(str(atom + 1) for atom in problem.GetAtomIndices())
        return (
            f"no placing of double bonds fits the aromatic ring of {_shown(text)} at atom {atoms}; "
            "perhaps a hydrogen is missing, as in [nH]"
        )
    atom = mol.GetAtomWithIdx(problem.GetAtomIdx())
    where = f"atom {atom.GetIdx() + 1} ({atom.GetSymbol()}) of {_shown(text)}"
    if kind == "AtomValenceException":
        return f"{where} has more bonds than its element and charge allow"
    return f"{where} is marked aromatic but is not in a ring"


def _syntax_error(text: str) -> str:
    """Find RDKit's reason, and the place, in what it writes to its error log."""
    if not hasattr(rdBase, "CaptureErrorLog"):  # RDKit of before 2026
        return "syntax error"
    with rdBase.CaptureErrorLog() as log:
        Chem.MolFromSmiles(text, sanitize=False)
    reason = re.search(r"SMILES Parse Error: (.*?)(?: while parsing| for input|:|$)", log.messages)
    place = re.search(r"around position (\d+)", log.messages)
    sentence = reason.group(1) if reason else "syntax error"
    sentence = re.sub(r"atom (\d+)", lambda atom: f"atom {int(atom[1]) + 1}", sentence)  # RDKit counts from 0
    return f"{sentence} near character {place.group(1)}" if place else sentence
