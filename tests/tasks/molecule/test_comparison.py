import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_rel

from graphattn.files import finite
from graphattn.tasks.molecule import SettingsError
from graphattn.tasks.molecule.comparison import compare_table, corrected_t_test, means
from graphattn.tasks.molecule.config import ModelConfig
from graphattn.tasks.molecule.task import RIVALS


def test_without_shared_molecules_the_test_is_students():
    first, second = np.random.default_rng(2).normal(size=(2, 7))
    assert corrected_t_test(first - second, 0.0) == pytest.approx(ttest_rel(first, second).pvalue)


def test_shared_molecules_make_differences_less_certain():
    differences = np.array([0.3, 0.4, 0.2, 0.5, np.nan])
    assert corrected_t_test(differences, 0.25) > corrected_t_test(differences, 0.0)
    assert corrected_t_test(np.zeros(4), 0.25) == 1.0
    assert corrected_t_test(np.full(4, 0.5), 0.25) == 0.0
    assert np.isnan(corrected_t_test(differences[-2:], 0.25))


def test_means_leave_out_what_is_not_defined():
    assert means({"r2": [0.5, np.nan, 0.7]})["r2"] == pytest.approx((0.6, np.std([0.5, 0.7], ddof=1)))


@pytest.mark.slow
def test_all_models_are_measured_on_the_same_molecules(frame, model_config, training_config):
    model = ModelConfig(embed_dim=6, num_heads=2, depth=1, head_dim=7)
    training = replace(training_config, epochs=1, members=("network", "ridge"))
    found = compare_table(frame, model, training, 3, target_columns=["logS"], split="random")
    assert [(each.kind, each.name) for each in found.contestants] == [
        ("stack", "stack"), ("member", "network"), ("member", "ridge"), *(("rival", name) for name in RIVALS)
    ]  # fmt: skip
    assert sum(parts["test"] for parts in found.parts) == len(frame)
    stack = np.array(found.contestants[0].metrics["rmse"])
    for each in found.contestants[1:]:
        assert len(each.metrics["rmse"]) == 3
        assert each.difference == pytest.approx((np.array(each.metrics["rmse"]) - stack).mean())
        low, high = each.interval
        assert low <= high
        assert 0 <= each.p_value <= 1
    assert json.loads(json.dumps(finite(found.to_json())))["parts"] == found.parts
    for splits, message in ((0, "1 or more"), (2, "3 or more")):
        with pytest.raises(SettingsError, match=message):
            compare_table(frame, model, training, splits, target_columns=["logS"], split="random")
