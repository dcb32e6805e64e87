import pytest
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from graphattn.chem import parse_smiles
from graphattn.chem.traits import SUBSTRUCTURES, traits_of


@pytest.mark.parametrize("smiles", ["[He]", "C", "c1ccccc1O", "CC(=O)Oc1ccccc1C(=O)O", "[Na+].[Cl-]"])
def test_the_substructures_are_those_of_the_fingerprint(smiles):
    mol = parse_smiles(smiles)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=SUBSTRUCTURES)
    fingerprint = DataStructs.CreateFromBitString(generator.GetFingerprint(mol).ToBitString())
    assert traits_of(mol).substructures.tolist() == list(fingerprint.GetOnBits())


def test_elements_and_size():
    assert traits_of(parse_smiles("OCC(F)Cl"))[1:] == (("C", "Cl", "F", "O"), 5)
    assert traits_of(parse_smiles("[He]"))[1:] == (("He",), 1)
