import numpy as np
import pytest

from graphattn.chem import AtomFeaturizer, BondFeaturizer, SmilesError, compute_fingerprints
from graphattn.chem.features import ArrayFeaturizer, Identity

ATOMS, BONDS = AtomFeaturizer.chemprop(), BondFeaturizer.chemprop()


def test_ethanol_has_two_bonds_in_both_directions():
    arrays = ArrayFeaturizer(ATOMS, BONDS, ("MolWt",))("OCC")
    assert arrays.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert arrays.x.shape == (3, len(ATOMS))
    assert arrays.bonds.shape == (2, len(BONDS))
    np.testing.assert_allclose(arrays.descriptors, [46.069], atol=1e-3)
    assert arrays.identity is None


@pytest.mark.parametrize("smiles", ["OCC", "C(O)C", "CCO"])
def test_identity_does_not_depend_on_how_the_smiles_is_written(smiles):
    assert ArrayFeaturizer(ATOMS, BONDS, identify=True)(smiles).identity == Identity("CCO", "")


def test_the_fingerprint_is_found_where_asked_for():
    assert ArrayFeaturizer(ATOMS, BONDS)("CCO").fingerprint is None
    counts = ArrayFeaturizer(ATOMS, BONDS, fingerprint=64)("CCO").fingerprint
    assert counts.tolist() == compute_fingerprints(["CCO"], size=64)[0].tolist()


def test_identity_has_the_scaffold():
    assert ArrayFeaturizer(ATOMS, BONDS, identify=True)("Cc1ccccc1").identity == Identity("Cc1ccccc1", "c1ccccc1")


def test_a_lone_atom_and_no_molecule():
    arrays = ArrayFeaturizer(ATOMS, BONDS)("[He]")
    assert arrays.edge_index.shape == (2, 0)
    assert arrays.descriptors.shape == (0,)
    with pytest.raises(SmilesError):
        ArrayFeaturizer(ATOMS, BONDS)("C(")
