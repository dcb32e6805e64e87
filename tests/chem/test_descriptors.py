import numpy as np
import pytest
from rdkit.Chem import Descriptors

from graphattn.chem import (
    SmilesError,
    compute_descriptors,
    compute_fingerprints,
    descriptor_names,
    parse_smiles,
)


def test_values_by_hand():
    table = compute_descriptors(["CCO", parse_smiles("c1ccccc1"), "O"], ["MolWt", "RingCount", "HeavyAtomCount"])
    assert table == pytest.approx(np.array([[46.069, 0, 3], [78.114, 1, 6], [18.015, 0, 1]]), abs=1e-3)
    assert table.dtype == np.float64


def test_all_columns_in_the_order_of_the_names():
    names = descriptor_names()
    assert len(names) == len(set(names)) > 200
    assert "Ipc" not in names
    assert "AvgIpc" in names
    table = compute_descriptors(["CC(=O)Oc1ccccc1C(=O)O"])
    assert table.shape == (1, len(names))
    assert table[0, names.index("MolLogP")] == pytest.approx(1.3101, abs=1e-3)


def test_not_finite_becomes_nan(monkeypatch, capfd):
    # RDKit has no charges for platinum
    table = compute_descriptors(["[Pt](Cl)Cl", "C"], ["MaxPartialCharge", "MolWt"])
    assert np.isnan(table[0, 0])
    assert np.isfinite(table[:, 1]).all()
    assert capfd.readouterr().err == ""

    def failing(mol):
        raise ValueError("not defined")

    wild = [("a", lambda mol: 1e31), ("b", lambda mol: -np.inf), ("c", failing), ("d", lambda mol: 1e30)]
    monkeypatch.setattr(Descriptors, "descList", wild)
    assert np.isnan(compute_descriptors(["C"])).tolist() == [[True, True, True, False]]


def test_no_molecules():
    assert compute_descriptors([], ["MolWt", "TPSA"]).shape == (0, 2)
    assert compute_fingerprints([], size=31).shape == (0, 31)


def test_unknown_name():
    with pytest.raises(ValueError, match="has no descriptor named Magic"):
        compute_descriptors(["C"], ["MolWt", "Magic"])


def test_bad_molecule_is_named():
    with pytest.raises(SmilesError, match="molecule 1: the SMILES is empty"):
        compute_descriptors(["C", ""])


def test_fingerprints_count():
    counts = compute_fingerprints(["CC", "CCCCCCCCCC", "CC"], radius=0, size=64)
    assert counts.shape == (3, 64)
    assert counts.dtype == np.int32
    assert counts.sum(axis=1).tolist() == [2, 10, 2]  # radius 0: one count per atom
    assert np.array_equal(counts[0], counts[2])
    assert counts[1].max() == 8  # the CH2 groups


@pytest.mark.parametrize(
    ("atoms", "left_out"),
    [(200, set()), (201, {"AvgIpc"}), (501, {"AvgIpc", "BalabanJ", "BertzCT", "BCUT2D_MWHI", "EState_VSA1"})],
)
def test_slow_descriptors_of_large_molecules_are_left_out(atoms, left_out):
    names = ["MolWt", "AvgIpc", "BalabanJ", "BertzCT", "BCUT2D_MWHI", "EState_VSA1", "Chi4v", "qed"]
    row = compute_descriptors(["C" * atoms], names)[0]
    assert {name for name, value in zip(names, row, strict=True) if np.isnan(value)} == left_out
    assert row[0] == pytest.approx(12.011 * atoms + 1.008 * (2 * atoms + 2), rel=1e-4)


def test_a_very_large_molecule_costs_little_and_says_nothing(recwarn, capfd):
    table = compute_descriptors(["C" * 2000, "C" * 190])
    assert np.isfinite(table[0]).sum() > 150
    assert not recwarn.list
    assert capfd.readouterr().err == ""
