"""Molecules as plain vectors: RDKit's 2D descriptors and Morgan count fingerprints."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import Descriptors, rdFingerprintGenerator

from graphattn.chem.fast_descriptors import SharedWork, shared_functions
from graphattn.chem.interrupts import interrupts_held
from graphattn.chem.smiles import as_mols

_Call: TypeAlias = "tuple[Callable[[SharedWork], float] | None, Callable[[Chem.Mol], float], float]"
"""by way of shared work, RDKit's function, and the number of atoms up to which it is called"""
_LARGEST = 1e30  # above this float32 arithmetic overflows soon
_FOURTH_POWER, _THIRD_POWER = 200, 500
"""atoms above which descriptors whose cost grows with that power of the atoms are left out"""


def _most_atoms(name: str) -> float:
    """Return the number of atoms above which a descriptor would take too long: half a second and more."""
    if name == "AvgIpc":
        return _FOURTH_POWER
    slow = name in ("BalabanJ", "BertzCT") or name.startswith("BCUT2D_") or "EState" in name
    return _THIRD_POWER if slow else np.inf


def descriptor_names() -> list[str]:
    """Return the names of the columns of `compute_descriptors`; they depend on the RDKit version.

    These are RDKit's 2D descriptors without `Ipc`, which grows exponentially with the molecule (beyond
    1e100); `AvgIpc` says the same on a useful scale.
    """
    return [name for name in _functions() if name != "Ipc"]


def compute_descriptors(molecules: Iterable[str | Chem.Mol], names: Sequence[str] | None = None) -> np.ndarray:
    """Compute RDKit's 2D descriptors of molecules.

    Args:
        molecules: SMILES or RDKit molecules.
        names: the descriptors wanted; `descriptor_names()` when None. Save the names with a model: another
            RDKit version may have more or fewer.

    Returns:
        `[molecules, names]` float64. NaN where RDKit gives no number (partial charges of metals, say),
        infinity, or one larger than 1e30; and where the molecule is too large for a slow descriptor: `AvgIpc`
        above 200 heavy atoms, `BalabanJ`, `BertzCT`, those of `BCUT2D` and of `EState` above 500.

    Raises:
        ValueError: RDKit has no descriptor of a given name.
        SmilesError: a SMILES cannot be read; the message gives its position, counted from 0.
    """
    functions = _functions()
    wanted = descriptor_names() if names is None else list(names)
    unknown = [name for name in wanted if name not in functions]
    if unknown:
        raise ValueError(f"RDKit {rdBase.rdkitVersion} has no descriptor named {', '.join(unknown)}")
    shared = shared_functions()
    calls = [(shared.get(name), functions[name], _most_atoms(name)) for name in wanted]
    with rdBase.BlockLogs(), np.errstate(all="ignore"):
        rows = [_values(calls, mol) for mol in as_mols(molecules)]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(wanted))
    table[~(np.abs(table) <= _LARGEST)] = np.nan
    return table


def compute_fingerprints(molecules: Iterable[str | Chem.Mol], radius: int = 2, size: int = 2048) -> np.ndarray:
    """Count the circular substructures of molecules, folded into `size` columns (Morgan count fingerprints).

    Returns:
        `[molecules, size]` int32.

    Raises:
        SmilesError: a SMILES cannot be read; the message gives its position, counted from 0.

    Reference: Rogers and Hahn 2010, J. Chem. Inf. Model. 50:742, doi:10.1021/ci100050t.
    """
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=size)
    rows = [generator.GetCountFingerprintAsNumPy(mol) for mol in as_mols(molecules)]
    return np.array(rows, dtype=np.int32).reshape(len(rows), size)


def _functions() -> dict[str, Callable[[Chem.Mol], float]]:
    return dict(Descriptors.descList)


def _values(calls: Sequence[_Call], mol: Chem.Mol) -> list[float]:
    atoms, work = mol.GetNumHeavyAtoms(), SharedWork(mol)
    with interrupts_held():
        return [
            np.nan if atoms > most else _value(function, mol) if shared is None else _value(shared, work)
            for shared, function, most in calls
        ]


def _value(function: Callable[[Any], float], argument: Any) -> float:
    try:
        return float(function(argument))
    except (ArithmeticError, ValueError, RuntimeError):  # a descriptor not defined for this molecule
        return np.nan
