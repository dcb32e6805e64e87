import json

import numpy as np
import pytest

from graphattn.tasks.molecule.scaling import DescriptorScaler, TargetScaler

NAN = np.nan


def test_targets_go_there_and_back_and_gaps_stay():
    targets = np.array([[1.0, 5.0], [3.0, NAN], [5.0, 5.0]])
    scaler = TargetScaler.fit(targets)
    scaled = scaler.transform(targets)
    np.testing.assert_allclose(scaled[:, 0], np.array([-1, 0, 1]) * np.sqrt(1.5))
    np.testing.assert_array_equal(scaled[:, 1], [0.0, NAN, 0.0])  # a column that does not vary keeps its scale
    np.testing.assert_allclose(scaler.inverse(scaled), targets)
    again = TargetScaler.from_json(json.loads(json.dumps(scaler.to_json())))
    np.testing.assert_array_equal(again.transform(targets), scaled)


def test_identity():
    assert TargetScaler.identity(2).transform(np.array([[3.0, NAN]]))[0, 0] == 3.0


def test_descriptors_are_filled_scaled_and_cut():
    train = np.array([[1.0, 7.0, NAN], [3.0, 7.0, NAN], [NAN, 7.0, NAN]])
    scaler = DescriptorScaler.fit(train)
    assert scaler.fill(train)[2].tolist() == [2.0, 7.0, 0.0]
    scaled = scaler.transform(train)
    np.testing.assert_allclose(scaled[:, 0], np.array([-1, 1, 0]) * np.sqrt(1.5))
    assert (scaled[:, 1:] == 0).all()
    assert scaler.transform(np.array([[1e9, 0.0, 1.0]]))[0].tolist() == [3.0, 0.0, 0.0]
    again = DescriptorScaler.from_json(json.loads(json.dumps(scaler.to_json())))
    np.testing.assert_array_equal(again.transform(train), scaled)


def test_no_warning_for_an_empty_column():
    with np.errstate(all="raise"):
        DescriptorScaler.fit(np.array([[NAN], [NAN]]))
    assert pytest.approx(0.0) == DescriptorScaler.fit(np.array([[NAN], [NAN]])).median[0]
