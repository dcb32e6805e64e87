import json

import numpy as np
import pytest

from graphattn.chem import SmilesError, compute_descriptors
from graphattn.tasks.common.errors import ModelDirectoryError, SettingsError
from graphattn.tasks.molecule.config import ModelConfig
from graphattn.tasks.molecule.featurizer import Featurizer


def test_graph_and_descriptors():
    featurizer = Featurizer.from_config(ModelConfig())
    graph, descriptors, *_ = featurizer(" CCO ")
    assert graph.x.shape == (3, len(featurizer.atoms))
    assert graph.edge_attr.shape == (4, len(featurizer.bonds))
    np.testing.assert_array_equal(descriptors, compute_descriptors(["CCO"])[0])
    with pytest.raises(SmilesError):
        featurizer("C(")


def test_without_descriptors():
    assert Featurizer.from_config(ModelConfig(descriptors=False))("C")[1].shape == (0,)


def test_round_trip():
    featurizer = Featurizer.from_config(ModelConfig(atom_features="ogb"))
    assert Featurizer.from_json(json.loads(json.dumps(featurizer.to_json()))) == featurizer


def test_unknown_presets_and_descriptors():
    with pytest.raises(SettingsError, match="has no preset 'mine'"):
        Featurizer.from_config(ModelConfig(atom_features="mine"))
    content = Featurizer.from_config(ModelConfig()).to_json()
    content["descriptors"] = [*content["descriptors"], "Magic"]
    with pytest.raises(ModelDirectoryError, match="this RDKit does not have: Magic"):
        Featurizer.from_json(content)
