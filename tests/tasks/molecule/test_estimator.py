import pickle
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

from graphattn.tasks.molecule import ModelConfig, MoleculeClassifier, MoleculeRegressor, TrainingConfig

QUICK = {
    "embed_dim": 6, "num_heads": 2, "depth": 1, "head_dim": 7, "descriptors": False, "epochs": 2, "ensemble": 1,
    "device": "cpu",
}  # fmt: skip
SMILES = ["C" * length + end for length in range(1, 9) for end in ("", "O", "N", "Cl")]
LENGTHS = np.array([float(len(smiles)) for smiles in SMILES])

# The checks of check_estimator that do not hand in a matrix of numbers; all others do, and X here is SMILES.
APPLICABLE = [
    "check_estimator_cloneable",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]


@pytest.mark.parametrize("kind", [MoleculeRegressor, MoleculeClassifier])
@pytest.mark.parametrize("name", APPLICABLE)
def test_checks_of_scikit_learn(kind, name):
    check = getattr(estimator_checks, name, None)
    if check is None:
        pytest.skip("this scikit-learn has no such check")
    check(kind.__name__, kind())


def test_defaults_are_those_of_the_configurations():
    given = {**ModelConfig().__dict__, **TrainingConfig().__dict__}
    for name, parameter in signature(MoleculeRegressor).parameters.items():
        assert parameter.default == given["seed" if name == "random_state" else name], name


def test_numbers_of_smiles_and_molecules(tmp_path):
    model = MoleculeRegressor(**QUICK).fit(SMILES, LENGTHS)
    values = model.predict(SMILES[:3])
    assert values.shape == (3,)
    mols = [Chem.MolFromSmiles(smiles) for smiles in SMILES]
    np.testing.assert_allclose(model.predict(mols)[:3], values, rtol=1e-5)
    again = clone(model).fit(np.array(SMILES)[:, None], pd.Series(LENGTHS))
    np.testing.assert_allclose(again.predict(pd.DataFrame({"smiles": SMILES}))[:3], values, rtol=1e-5)
    np.testing.assert_array_equal(again.predict(SMILES), model.predict(SMILES))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(SMILES), model.predict(SMILES))
    assert model.predictor_.fitted.data["parts"]["test"] == 0
    both = MoleculeRegressor(**QUICK).fit(SMILES, np.stack([LENGTHS, -LENGTHS], axis=1))
    assert both.predict(SMILES[:2]).shape == (2, 2)


def test_cross_validation_pipelines_and_searches():
    scores = cross_val_score(MoleculeRegressor(**QUICK), SMILES, LENGTHS, cv=2)
    assert np.isfinite(scores).all()
    strip = FunctionTransformer(lambda texts: [text.strip() for text in texts])
    search = GridSearchCV(
        make_pipeline(strip, MoleculeRegressor(**QUICK)), {"moleculeregressor__epochs": [1, 2]}, cv=2
    ).fit([f" {smiles} " for smiles in SMILES], LENGTHS)
    assert search.best_params_["moleculeregressor__epochs"] in (1, 2)
    assert search.predict(SMILES[:2]).shape == (2,)


@pytest.mark.parametrize("count", [2, 3])
def test_classes_have_probabilities(count):
    labels = np.array(["alcohol", "other", "amine"])[[1 if s[-1] in "Cl" else 0 if s[-1] == "O" else 2 for s in SMILES]]
    labels = np.where(labels == "amine", "other", labels) if count == 2 else labels
    model = MoleculeClassifier(**QUICK).fit(SMILES, labels)
    assert model.classes_.tolist() == sorted(set(labels))
    probabilities = model.predict_proba(SMILES)
    assert probabilities.shape == (len(SMILES), count)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (model.predict(SMILES) == model.classes_[probabilities.argmax(axis=1)]).all()
    assert 0 <= model.score(SMILES, labels) <= 1


def test_what_cannot_be_learned_or_predicted():
    model = MoleculeRegressor(**QUICK)
    with pytest.raises(NotFittedError):
        model.predict(SMILES)
    for X, y, message in (
        (["C", "C(", "CC"], [1, 2, 3], r"molecule 1 cannot be read"),
        (SMILES, LENGTHS[1:], "32 molecules and y 31"),
        (SMILES, [np.nan] * 32, "finite"),
        (np.zeros((4, 3)), [1, 2, 3, 4], "one column"),
        ("CCO", [1], "sequence"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)
    with pytest.raises(ValueError, match="one class only"):
        MoleculeClassifier(**QUICK).fit(SMILES, ["a"] * 32)
    with pytest.raises(ValueError, match="molecule 1 has no prediction"):
        model.fit(SMILES, LENGTHS).predict(["C", "C("])
