import pytest

from graphattn.chem import SALTS, canonical_smiles, parse_smiles, strip_salts
from graphattn.chem.salts import parts_of
from graphattn.tasks.molecule import config


@pytest.mark.parametrize(
    ("smiles", "largest", "neutral"),
    [
        ("CC(=O)[O-].[Na+]", "CC(=O)[O-]", "CC(=O)O"),
        ("CC[NH3+].[Cl-]", "CC[NH3+]", "CCN"),
        ("CCO.O", "CCO", "CCO"),  # a solvate
        ("C.[Fe+2].[Cl-].[Cl-]", "C", "C"),  # organic before heavier
        ("C[N+](C)(C)C.[Br-]", "C[N+](C)(C)C", "C[N+](C)(C)C"),  # no hydrogen to take
        ("[NH3+]CC(=O)[O-]", "[NH3+]CC(=O)[O-]", "NCC(=O)O"),  # one part, two charges
        ("CCO", "CCO", "CCO"),
        ("[Na+].[Cl-]", "[Cl-]", "Cl"),
    ],
)
def test_what_is_kept(smiles, largest, neutral):
    mol = parse_smiles(smiles)
    assert strip_salts(mol, "keep") is mol
    assert canonical_smiles(strip_salts(mol, "largest")) == canonical_smiles(largest)
    assert canonical_smiles(strip_salts(mol, "neutralize")) == canonical_smiles(neutral)
    assert canonical_smiles(mol) == canonical_smiles(smiles)  # it is not changed
    assert parts_of(mol) == smiles.count(".") + 1


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="salts must be one of keep, largest, neutralize, got 'drop'"):
        strip_salts(parse_smiles("C"), "drop")


def test_the_recipe_knows_the_same_words_without_loading_rdkit():
    assert config.SALTS == SALTS
