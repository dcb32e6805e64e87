"""RDKit's 2D descriptors of one molecule, with what several of them need worked out once.

RDKit's functions know nothing of one another: the E-state of the atoms is found four times in a loop over all pairs,
each histogram once for each of its bars, Crippen's logP twice. The values here are RDKit's own, those from the E-state
but for the last digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import QED, rdMolDescriptors
from rdkit.Chem.EState import EState, EState_VSA

_BARS: dict[str, Callable[[Chem.Mol], Sequence[float]]] = {
    "PEOE_VSA": lambda mol: rdMolDescriptors.PEOE_VSA_(mol, force=False),
    "SMR_VSA": lambda mol: rdMolDescriptors.SMR_VSA_(mol, force=False),
    "SlogP_VSA": lambda mol: rdMolDescriptors.SlogP_VSA_(mol, force=False),
    "EState_VSA": lambda mol: EState_VSA.EState_VSA_(mol, force=False),
    "VSA_EState": lambda mol: EState_VSA.VSA_EState_(mol, force=False),
}
"""histograms, whose bars are descriptors with a number behind the name"""
_FAR = 1e6
"""distances from which RDKit takes atoms to be of different molecules"""


class SharedWork:
    """One molecule, and what descriptors share, found when it is first asked for."""

    def __init__(self, mol: Chem.Mol) -> None:
        self.mol = mol
        self._bars: dict[str, Sequence[float]] = {}

    @cached_property
    def estates(self) -> NDArray[np.float64]:
        """The E-state index of each atom, kept where RDKit's histograms look for it."""
        self.mol._eStateIndices = estate_indices(self.mol)
        return self.mol._eStateIndices

    @cached_property
    def log_p(self) -> float:
        """Crippen's."""
        return float(rdMolDescriptors.CalcCrippenDescriptors(self.mol)[0])

    def bar(self, histogram: str, at: int) -> float:
        """Return one bar of a histogram."""
        if histogram not in self._bars:
            if "EState" in histogram:
                _ = self.estates
            self._bars[histogram] = _BARS[histogram](self.mol)
        return self._bars[histogram][at]


def estate_indices(mol: Chem.Mol) -> NDArray[np.float64]:
    r"""Return the electrotopological state of each atom, :math:`S_i = I_i + \sum_j (I_i - I_j) / (d_{ij} + 1)^2`.

    Here :math:`I = ((2/N)^2 \delta^v + 1) / \delta` with the principal quantum number :math:`N`, the valence electrons
    :math:`\delta^v` and the neighbors :math:`\delta` of an atom, and :math:`d_{ij}` is the number of bonds between two.

    Reference: Hall, Mohney and Kier 1991, J. Chem. Inf. Comput. Sci. 31:76, doi:10.1021/ci00001a012.
    """
    table = Chem.GetPeriodicTable()
    own = np.zeros(mol.GetNumAtoms())
    for at, atom in enumerate(mol.GetAtoms()):
        degree, number = atom.GetDegree(), atom.GetAtomicNum()
        if degree:
            valence = table.GetNOuterElecs(number) - atom.GetTotalNumHs()
            period = EState.GetPrincipleQuantumNumber(number)
            own[at] = (4.0 / (period * period) * valence + 1) / degree
    distance = Chem.GetDistanceMatrix(mol, useBO=False, useAtomWts=False) + 1
    weight = np.where(distance < _FAR, 1 / distance**2, 0.0)
    return np.asarray(own + own * weight.sum(axis=1) - weight @ own)


@cache
def shared_functions() -> dict[str, Callable[[SharedWork], float]]:
    """Return the descriptors that are found by way of `SharedWork`; RDKit's functions do for the others."""
    functions: dict[str, Callable[[SharedWork], float]] = {
        "MaxEStateIndex": lambda work: work.estates.max(),
        "MinEStateIndex": lambda work: work.estates.min(),
        "MaxAbsEStateIndex": lambda work: np.abs(work.estates).max(),
        "MinAbsEStateIndex": lambda work: np.abs(work.estates).min(),
        "MolLogP": lambda work: work.log_p,
        "qed": _qed,
    }
    for histogram in _BARS:
        for number in range(1, 20):
            functions[f"{histogram}{number}"] = _bar(histogram, number - 1)
    return functions


def _bar(histogram: str, at: int) -> Callable[[SharedWork], float]:
    return lambda work: work.bar(histogram, at)


def _qed(work: SharedWork) -> float:
    mol = work.mol
    if any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms()):  # RDKit drops hydrogens that stand as atoms
        return float(QED.qed(mol))
    properties = QED.QEDproperties(
        MW=rdMolDescriptors._CalcMolWt(mol),
        ALOGP=work.log_p,
        HBA=sum(len(mol.GetSubstructMatches(pattern)) for pattern in QED.Acceptors),
        HBD=rdMolDescriptors.CalcNumHBD(mol),
        PSA=rdMolDescriptors.CalcTPSA(mol),
        ROTB=rdMolDescriptors.CalcNumRotatableBonds(mol, rdMolDescriptors.NumRotatableBondsOptions.Strict),
        AROM=len(Chem.GetSSSR(Chem.DeleteSubstructs(Chem.Mol(mol), QED.AliphaticRings))),
        ALERTS=sum(map(mol.HasSubstructMatch, QED.StructuralAlerts)),
    )
    return float(QED.qed(mol, qedProperties=properties))
