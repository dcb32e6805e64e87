import json

import numpy as np
import pytest
from rdkit.Chem import Crippen, rdMolDescriptors

from graphattn.chem import AtomFeaturizer, parse_smiles


def row(featurizer, smiles, atom=0):
    """Names of the entries that are not zero, with their values."""
    values = featurizer(parse_smiles(smiles))[atom]
    return {name: float(value) for name, value in zip(featurizer.names, values, strict=True) if value != 0}


@pytest.mark.parametrize(("preset", "width"), [("chemprop", 72), ("attentive_fp", 43), ("ogb", 172), ("physchem", 85)])
def test_width(preset, width):
    featurizer = AtomFeaturizer.preset(preset)
    assert len(featurizer) == len(featurizer.names) == len(set(featurizer.names)) == width
    x = featurizer(parse_smiles("CC(=O)N"))
    assert x.shape == (4, width)
    assert x.dtype == np.float32


def test_chemprop_row_by_hand():
    assert row(AtomFeaturizer.chemprop(), "C[NH3+]", atom=1) == pytest.approx(
        {
            "atomic number=7": 1,
            "degree=4": 1,
            "charge=1": 1,
            "chiral tag=CHI_UNSPECIFIED": 1,
            "hydrogens=3": 1,
            "hybridization=SP3": 1,
            "mass": 0.14007,
        }
    )


def test_chemprop_order_of_charges_is_chemprops():
    names = AtomFeaturizer.chemprop().names
    assert names[45:51] == ["charge=-1", "charge=-2", "charge=1", "charge=2", "charge=0", "charge=other"]


def test_attentive_fp_row_by_hand():
    featurizer = AtomFeaturizer.attentive_fp()
    # L-alanine: the center is S, has three heavy neighbors and one hydrogen
    assert row(featurizer, "C[C@H](N)C(=O)O", atom=1) == {
        "element=C": 1,
        "heavy degree=3": 1,
        "hybridization=SP3": 1,
        "hydrogens=1": 1,
        "stereo center": 1,
        "CIP code=S": 1,
    }
    assert row(featurizer, "C[C@@H](N)C(=O)O", atom=1)["CIP code=R"] == 1
    assert row(featurizer, "CC(N)C(=O)O", atom=1)["CIP code=?"] == 1
    assert row(featurizer, "[O-]C")["charge"] == -1
    assert row(featurizer, "[CH3]")["radical electrons"] == 1


def test_unknown_values_have_a_slot_in_every_category():
    # uranium, six neighbors and more, charge +5
    assert row(AtomFeaturizer.chemprop(), "[U+5](C)(C)(C)(C)(C)(C)C")["atomic number=other"] == 1
    assert row(AtomFeaturizer.chemprop(), "[U+5](C)(C)(C)(C)(C)(C)C")["charge=other"] == 1
    assert row(AtomFeaturizer.chemprop(), "[U+5](C)(C)(C)(C)(C)(C)C")["degree=other"] == 1
    for preset in AtomFeaturizer.PRESETS:
        featurizer = AtomFeaturizer.preset(preset)
        categories = [name for name in featurizer.names if name.endswith("=other")]
        known = {name.split("=")[0] for name in featurizer.names if "=" in name}
        assert {name.split("=")[0] for name in categories} == known
        # each category is hot exactly once for each atom, a dummy atom included
        x = featurizer(parse_smiles("*[C@H](F)c1ccccc1[Xe]"))
        for category in known:
            columns = [i for i, name in enumerate(featurizer.names) if name.startswith(f"{category}=")]
            assert (x[:, columns].sum(axis=1) == 1).all()


def test_json_round_trip_keeps_rows_and_order():
    for preset in AtomFeaturizer.PRESETS:
        featurizer = AtomFeaturizer.preset(preset)
        again = AtomFeaturizer.from_dict(json.loads(json.dumps(featurizer.to_dict())))
        assert again == featurizer
        assert hash(again) == hash(featurizer)
        mol = parse_smiles("C[C@H](N)C(=O)[O-]")
        assert np.array_equal(again(mol), featurizer(mol))
    assert AtomFeaturizer.chemprop() != AtomFeaturizer.ogb()


def test_explicit_hydrogens_count_for_their_neighbor():
    from rdkit import Chem

    featurizer = AtomFeaturizer({"hydrogens": None, "degree": None})
    with_hydrogens = featurizer(Chem.AddHs(parse_smiles("CO")))
    assert with_hydrogens[:2].tolist() == featurizer(parse_smiles("CO")).tolist() == [[3, 4], [1, 2]]


def test_the_molecule_is_left_as_it_was():
    from rdkit import Chem

    mol = parse_smiles("C[C@H](N)C(=O)O")
    mol.GetAtomWithIdx(1).ClearProp("_CIPCode")
    before = Chem.MolToJSON(mol)
    AtomFeaturizer.attentive_fp()(mol)
    assert not mol.GetAtomWithIdx(1).HasProp("_CIPCode")
    assert Chem.MolToJSON(mol) == before


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({}, "at least one property"),
        ({"color": None}, "AtomFeaturizer knows no property 'color'; it knows atomic number, element"),
        ({"degree": [1, 1]}, "known values of 'degree' must be distinct and at least one, got \\[1, 1\\]"),
        ({"degree": []}, "known values of 'degree'"),
        ({"element": None}, "'element' is text"),
    ],
)
def test_bad_features(features, message):
    with pytest.raises(ValueError, match=message):
        AtomFeaturizer(features)


def test_unknown_preset():
    with pytest.raises(ValueError, match="no preset 'magic'; it has chemprop, attentive_fp, ogb"):
        AtomFeaturizer.preset("magic")


def test_physchem_shares_add_up_to_the_molecule():
    mol = parse_smiles("CC(=O)Nc1ccc(O)cc1")
    featurizer = AtomFeaturizer.physchem()
    total = dict(zip(featurizer.names, featurizer(mol).sum(axis=0), strict=True))
    assert total["logP"] == pytest.approx(Crippen.MolLogP(mol, includeHs=False), abs=1e-4)
    assert 3 * total["refractivity"] == pytest.approx(Crippen.MolMR(mol, includeHs=False), abs=1e-3)
    assert 20 * total["polar area"] == pytest.approx(rdMolDescriptors.CalcTPSA(mol), abs=1e-3)
    assert total["partial charge"] + total["hydrogens' charge"] == pytest.approx(0, abs=1e-4)
    assert total["in 6-ring"] == total["in ring"] == total["rings"] == 6
    assert total["in 5-ring"] == 0


def test_physchem_of_a_metal_is_finite():
    assert np.isfinite(AtomFeaturizer.physchem()(parse_smiles("[Fe]Cl"))).all()


def test_a_table_of_an_earlier_version_is_read():
    assert AtomFeaturizer.from_dict({"stereo centre": None}) == AtomFeaturizer({"stereo center": None})


def test_features_of_dummy_atoms_are_finite():
    """Two that are bound have no surface area for RDKit."""
    for smiles in ("*C", "**", "**C"):
        assert np.isfinite(AtomFeaturizer.physchem()(parse_smiles(smiles))).all()
