import json

import numpy as np
import pytest

from graphattn.chem import BondFeaturizer, parse_smiles


def row(featurizer, smiles, bond=0):
    values = featurizer(parse_smiles(smiles))[bond]
    return {name for name, value in zip(featurizer.names, values, strict=True) if value == 1}


@pytest.mark.parametrize(("preset", "width"), [("chemprop", 14), ("attentive_fp", 12), ("ogb", 13)])
def test_width(preset, width):
    featurizer = BondFeaturizer.preset(preset)
    assert len(featurizer) == len(featurizer.names) == width
    x = featurizer(parse_smiles("CC(=O)N"))
    assert x.shape == (3, width)
    assert x.dtype == np.float32
    assert featurizer(parse_smiles("C")).shape == (0, width)


def test_rows_by_hand():
    featurizer = BondFeaturizer.chemprop()
    assert row(featurizer, "C#N") == {"type=TRIPLE", "stereo=STEREONONE"}
    assert row(featurizer, "c1ccccc1") == {"type=AROMATIC", "conjugated", "in ring", "stereo=STEREONONE"}
    assert row(featurizer, "F/C=C/F", bond=1) == {"type=DOUBLE", "stereo=STEREOE"}
    assert row(featurizer, r"F/C=C\F", bond=1) == {"type=DOUBLE", "stereo=STEREOZ"}


def test_unknown_type_has_a_slot():
    for preset in BondFeaturizer.PRESETS:
        assert "type=other" in row(BondFeaturizer.preset(preset), "N->[Fe]")
        assert "stereo=other" in BondFeaturizer.preset(preset).names


def test_json_round_trip():
    featurizer = BondFeaturizer.chemprop()
    assert BondFeaturizer.from_dict(json.loads(json.dumps(featurizer.to_dict()))) == featurizer


def test_type_is_text():
    with pytest.raises(ValueError, match="'type' is text"):
        BondFeaturizer({"type": None})
