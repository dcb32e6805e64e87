import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from graphattn.chem import parse_smiles
from graphattn.chem.traits import traits_of
from graphattn.datasets import load
from graphattn.tasks.molecule import neighbors as module
from graphattn.tasks.molecule.neighbors import Nearest, Neighbors

C60 = (
    "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6c%11c2c2c7c3c3c8c4c4"
    "c9c5c1c1c6c2c3c41"
)
ESOL = load("esol").frame["smiles"].str.strip().tolist()


def traits(smiles):
    return [traits_of(parse_smiles(text)) for text in smiles]


def kept(smiles, copies=None):
    measured = np.stack([np.arange(len(smiles)), -np.arange(len(smiles))], axis=1).astype(float)
    return Neighbors.of(traits(smiles), smiles, measured, np.arange(len(smiles)) if copies is None else copies)


@pytest.fixture(scope="module")
def esol():
    return kept(ESOL)


def test_the_nearest_is_that_of_rdkit(monkeypatch):
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in ESOL[::7]]
    queries, known = list(range(1, len(prints), 2)), list(range(0, len(prints), 2))
    whole = kept([ESOL[::7][row] for row in known])
    found = whole(traits([ESOL[::7][row] for row in queries]))
    for row, query in enumerate(queries):
        expected = DataStructs.BulkTanimotoSimilarity(prints[query], [prints[other] for other in known])
        assert found.similarity[row] == max(expected)
        assert found.measured[row].tolist() == [np.argmax(expected), -np.argmax(expected)]
        assert found.smiles[row] == whole.smiles[np.argmax(expected)]
    monkeypatch.setattr(module, "_CELLS", 1)  # one molecule at a time
    assert whole(traits([ESOL[::7][row] for row in queries])).smiles == found.smiles


def test_a_molecule_that_cannot_be_read_has_none(esol):
    found = esol([None, *traits(["CCO"]), None])
    assert np.isnan(found.similarity).tolist() == [True, False, True]
    assert np.isnan(found.measured[:, 0]).tolist() == [True, False, True]
    assert (found.smiles[0], found.remarks[0]) == ("", "")
    assert found.similarity[1] == 1.0
    assert np.isnan(esol([None]).similarity).all()
    assert len(esol([]).smiles) == 0


def test_helium_and_c60_are_remarked_on_and_usual_molecules_are_not(esol):
    helium, fullerene, phenol, methane = esol(traits(["[He]", C60, "Oc1ccccc1", "C"])).remarks
    assert helium.startswith("no training molecule holds He; similarity 0.05 to the nearest")
    assert helium.endswith("where 99% of those have at least 0.19 to one another")
    assert fullerene == "60 heavy atoms, where training molecules have at most 55"
    assert (phenol, methane) == ("", "")


def test_99_of_100_training_molecules_are_usual_to_one_another(esol):
    each = esol.similarity(np.arange(len(ESOL)), np.arange(len(ESOL)))
    assert np.mean(each >= esol.usual) == pytest.approx(0.99, abs=0.002)


def test_smaller_than_all():
    some = kept(["CCO", "CCCO", "CCN"])
    (remark,) = some(traits(["C"])).remarks
    assert remark.startswith("1 heavy atom, where training molecules have at least 3")


def test_copies_and_groups_are_no_neighbors():
    smiles = ["CCO", "OCC", "CCCO", "c1ccccc1"]
    some = kept(smiles, np.array([0, 0, 2, 3]))
    rows = np.arange(4)
    alone = some.similarity(rows, rows)
    assert alone[:2].tolist() == [1.0, 1.0]
    apart = some.similarity(rows, np.array([0, 0, 2, 3]))
    assert apart[0] == apart[1] < 1
    assert some.similarity(rows, np.zeros(4, dtype=int)).tolist() == [0.0] * 4  # nothing is left
    assert some.usual < 1


def test_parts_joined_are_the_whole(esol):
    smiles = ["CCO", "[He]", "Oc1ccccc1"]
    whole = esol(traits(smiles))
    joined = Nearest.joined([esol(traits(smiles[:1])), esol(traits(smiles[1:]))])
    assert joined.similarity.tolist() == whole.similarity.tolist()
    assert (joined.smiles, joined.remarks) == (whole.smiles, whole.remarks)
    assert whole.at(np.array([1])).remarks == [whole.remarks[1]]
