import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Descriptors
from rdkit.Chem.EState import EState

from graphattn.chem import SmilesError, parse_smiles
from graphattn.chem.fast_descriptors import SharedWork, estate_indices, shared_functions
from graphattn.datasets import load

ODD = ["[He]", "[H][H]", "[2H]OC", "[Na+].[Cl-]", "C[Si](C)(C)C", "c1cc[se]c1", "[U]", "*C", "OB(O)c1ccccc1", "C"]


def molecules():
    for smiles in [*load("esol").frame["smiles"].iloc[::40], *ODD]:
        try:
            yield parse_smiles(smiles)
        except SmilesError:
            continue


def value(function, argument):
    try:
        return float(function(argument))
    except (ArithmeticError, ValueError, RuntimeError):
        return np.nan


def test_the_values_are_rdkits():
    functions = dict(Descriptors.descList)
    names = [name for name in shared_functions() if name in functions]
    assert len(names) > 50
    for mol in molecules():
        work = SharedWork(Chem.Mol(mol))
        found = [value(shared_functions()[name], work) for name in names]
        expected = [value(functions[name], Chem.Mol(mol)) for name in names]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11, err_msg=Chem.MolToSmiles(mol))


def test_estates_are_found_once(monkeypatch):
    calls = []
    monkeypatch.setattr(
        "graphattn.chem.fast_descriptors.estate_indices", lambda mol: calls.append(1) or estate_indices(mol)
    )
    work = SharedWork(parse_smiles("CC(=O)Oc1ccccc1C(=O)O"))
    for name, function in shared_functions().items():
        if "EState" in name and name in dict(Descriptors.descList):
            value(function, work)
    assert len(calls) == 1


@pytest.mark.parametrize("smiles", ["CCO", "C.C", "c1ccccc1Br"])
def test_estates_in_one_step(smiles):
    mol = parse_smiles(smiles)
    np.testing.assert_allclose(estate_indices(mol), EState.EStateIndices(mol), rtol=1e-12)
