"""Structure-data files: molecules with named properties, one record after another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rdkit import Chem, rdBase

from graphattn.chem.interrupts import interrupts_held

_END = "$$$$"
_PROPERTY = re.compile(r">.*?<(?P<name>[^>]+)>")


class SdfRecord(NamedTuple):
    """One record of a structure-data file."""

    line: int
    """the line on which it begins, counted from 1"""
    title: str
    smiles: str
    """"" where the structure cannot be read"""
    reason: str
    """why it cannot be read; "" where it can"""
    properties: dict[str, str]


def read_sdf(lines: Iterable[str]) -> Iterator[SdfRecord]:
    """Yield the records of a structure-data file (V2000 and V3000); hydrogens that SMILES leaves out are dropped.

    Args:
        lines: of the file, with or without their ends.

    Reference: Dalby et al. 1992, J. Chem. Inf. Comput. Sci. 32:244, doi:10.1021/ci00007a012.
    """
    record: list[str] = []
    start = 1
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if text.strip() != _END:
            record.append(text)
            continue
        yield _record(record, start)
        record, start = [], number + 1
    if any(line.strip() for line in record):
        yield _record(record, start)


def _record(lines: list[str], start: int) -> SdfRecord:
    end = next((at for at, line in enumerate(lines) if line.startswith(("M  END", ">"))), len(lines))
    block = lines[: end + 1] if end < len(lines) and lines[end].startswith("M  END") else lines[:end]
    smiles, reason = _structure("\n".join(block) + "\n")
    return SdfRecord(start, lines[0].strip() if lines else "", smiles, reason, _properties(lines[end:]))


def _structure(block: str) -> tuple[str, str]:
    with rdBase.BlockLogs(), interrupts_held():
        mol = Chem.MolFromMolBlock(block)
        if mol is not None:
            if not mol.GetNumAtoms():
                return "", "the record holds no atom"
            return Chem.MolToSmiles(mol), ""
        loose = Chem.MolFromMolBlock(block, sanitize=False)
        if loose is None:
            return "", "RDKit cannot read the atoms and bonds of this record"
        try:
            Chem.SanitizeMol(loose)
        except Chem.MolSanitizeException as error:
            return "", f"the structure is not possible: {str(error).splitlines()[0]}"
    return "", "RDKit cannot make a molecule of this record"


def _properties(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = None
    for line in lines:
        header = _PROPERTY.match(line)
        if header is not None:
            name = header["name"].strip()
            found[name] = ""
        elif name is not None and line.strip():
            found[name] = f"{found[name]}\n{line}" if found[name] else line.strip()
        else:
            name = None  # a blank line ends a value
    return found
