import json
from dataclasses import replace

import numpy as np
import pytest

from graphattn.tasks.molecule import ModelConfig, SettingsError
from graphattn.tasks.molecule.tuning import SETTINGS, STUDY, read_settings, tune_table

pytest.importorskip("optuna")


@pytest.fixture
def tuned(frame, training_config, tmp_path):
    quick = replace(training_config, epochs=1)

    def run(table=frame, seconds=1e-9, **changes):
        model = ModelConfig(descriptors=False)
        return tune_table(
            table, tmp_path, seconds, model, replace(quick, **changes), target_columns="logS", split="random"
        )

    return run


def test_a_search_goes_on_where_it_ended(tuned, tmp_path):
    first = tuned()
    assert first.trials == 1
    assert (first.model.depth, first.training.lr) == (ModelConfig().depth, 1e-3)  # the defaults come first
    second = tuned()
    assert second.trials == 2
    assert second.score <= first.score
    content = json.loads((tmp_path / SETTINGS).read_text())
    assert content["chosen_by"] == {"metric": "rmse", "out_of_fold": second.score, "trials": 2}
    assert read_settings(tmp_path / SETTINGS) == (second.model, second.training)
    assert second.training.epochs == 1


def test_test_molecules_are_not_looked_at(tuned, frame, tmp_path, monkeypatch):
    """Nonsense in the test part changes nothing."""
    from graphattn.tasks.molecule import fitting, tuning

    parts, scores = [], []
    whole = fitting.fit

    def seen(prepared, *settings):
        parts.append(prepared.split)
        made = whole(prepared, *settings)
        scores.append(made[0].metrics["out_of_fold"]["rmse"])
        return made

    monkeypatch.setattr(tuning, "fit", seen)
    assert tuned().score == pytest.approx(scores[0])
    assert len(parts[0].test) == 0
    assert len(parts[0].train) + len(parts[0].valid) < len(frame)


def test_a_study_of_other_data_or_damaged(tuned, frame, tmp_path):
    tuned()
    with pytest.raises(SettingsError, match="is of other data or another split"):
        tuned(frame.assign(logS=np.arange(len(frame), dtype=float)))
    (tmp_path / STUDY).write_bytes(b"nonsense" * 100)
    with pytest.raises(SettingsError, match="is damaged or not a study"):
        tuned()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "holds no settings"),
        ("[]", "holds no settings"),
        ('{"model": {"width": 3}}', "knows no setting width"),
        ('{"training": {"lr": -1}}', "lr must be above 0"),
        ('{"training": {"lr": "fast"}}', "holds no settings"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path, text, message):
    path = tmp_path / "s.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        read_settings(path)
    with pytest.raises(SettingsError, match="there is no file"):
        read_settings(tmp_path / "none.json")
