"""What cannot be chosen."""

import pytest
from small_networks import blocks, network

from graphattn.tasks.common.errors import InputError, SettingsError
from graphattn.tasks.network import NodeClassifier


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "slow"}, "preset"),
        ({"metric": "rmse"}, "metric"),
        ({"coverage": 2}, "coverage"),
        ({"split": "odd"}, "split"),
        ({"split": "time"}, "times"),
        ({"split": "given"}, "without a split"),
    ],
)
def test_settings_that_cannot_be(options, message):
    with pytest.raises(SettingsError, match=message):
        NodeClassifier().fit(blocks(30), rivals=(), **({"config": None} | options))


def test_too_few_labels():
    with pytest.raises(InputError, match="1 nodes have a label"):
        NodeClassifier().fit(network([[0], [1]], [0, -1], classes=("a", "b")))
