"""From a network to labels: what the user gets, what is kept, and what is refused."""

import dataclasses

import numpy as np
import pytest
import torch
from small_networks import blocks, karate, network

from graphattn.tasks.common.errors import InputError
from graphattn.tasks.network import NodeClassifier, NodeRegressor
from graphattn.tasks.network.config import NodeModelConfig
from graphattn.tasks.network.fit_rivals import RIVALS

SHORT = NodeModelConfig(epochs=30, patience=30, hidden_dim=16, validate_every=5)


@pytest.fixture(scope="module")
def fitted():
    return NodeClassifier().fit(blocks(), config=SHORT)


def test_the_users_rows_come_back_with_labels(fitted):
    table = fitted.predict()
    assert list(table.columns) == [
        "id", "role", "role_predicted", "role_confidence", "role_probability_a", "role_probability_b",
        "role_probability_c", "role_set", "role_unlike_training",
    ]  # fmt: skip
    assert list(table["id"]) == list(fitted.network.ids)
    chances = table[[f"role_probability_{name}" for name in "abc"]].to_numpy()
    np.testing.assert_allclose(chances.sum(1), 1)
    np.testing.assert_allclose(table["role_confidence"], chances.max(1))
    assert all(
        label in found.split("|") for label, found in zip(table["role_predicted"], table["role_set"], strict=True)
    )
    assert (table["role_predicted"] == table["role"]).mean() > 0.6


def test_what_was_measured(fitted):
    found = fitted.evaluate()
    assert found["answer"] in {member["name"] for member in found["members"]}
    assert found["why"] in found["notes"]
    assert set(found["test"]) == {"accuracy", "macro_f1", "roc_auc"}
    assert found["split"] == {"train": 54, "valid": 18, "test": 18}
    assert sum(map(sum, found["confusion"])) == 18
    assert found["coverage"]["asked"] == 0.9
    assert found["edge_homophily"] > 0.5


def test_the_same_network_in_another_order_is_labeled_alike(fitted):
    net = fitted.network
    order = np.random.default_rng(0).permutation(len(net.ids))
    place = torch.from_numpy(np.argsort(order))
    shuffled = dataclasses.replace(
        net, ids=tuple(net.ids[node] for node in order), edge_index=place[net.edge_index], y=net.y[order],
        x=net.x[order], nodes=net.nodes.iloc[order],
    )  # fmt: skip
    fit = NodeClassifier().fit(net, config=SHORT, rivals=RIVALS[:-1])  # trees may split where rounding decides
    columns = [f"role_probability_{name}" for name in "abc"]
    np.testing.assert_allclose(
        fit.predict(shuffled)[columns].to_numpy(), fit.predict()[columns].to_numpy()[order], atol=1e-4
    )


def test_training_gives_the_same_again_and_goes_on_where_it_stopped(fitted, tmp_path):
    short = dataclasses.replace(SHORT, epochs=60)
    whole = NodeClassifier().fit(blocks(), config=short, rivals=("majority",))
    again = NodeClassifier().fit(blocks(), config=short, rivals=("majority",), directory=tmp_path)
    assert again.networks[0].curve == whole.networks[0].curve
    resumed = NodeClassifier().fit(blocks(), config=short, rivals=("majority",), directory=tmp_path, resume=True)
    assert resumed.networks[0].curve == whole.networks[0].curve
    torch.testing.assert_close(resumed.networks[0].logits, whole.networks[0].logits)


def test_test_nodes_are_not_there_when_training_is_inductive():
    net = blocks()
    fit = NodeClassifier().fit(net, config=SHORT, inductive=True)
    assert fit.evaluate()["split"]["test"] == 18
    wrong = torch.where(
        fit.split.test, (net.y + 1) % 3, net.y
    )  # their labels have no part in anything but the measurement
    other = NodeClassifier().fit(
        dataclasses.replace(net, y=wrong, masks=fit.split._asdict()), config=SHORT, inductive=True
    )
    np.testing.assert_array_equal(fit.networks[0].logits[~fit.split.test], other.networks[0].logits[~fit.split.test])


def test_numbers_have_intervals():
    net = blocks()
    net = network(net.edge_index, 10 + 5 * net.x.sum(1), x=net.x, task="regression")
    fit = NodeRegressor().fit(net, config=dataclasses.replace(SHORT, epochs=100))
    table = fit.predict()
    assert ((table["role_low"] < table["role_predicted"]) & (table["role_predicted"] < table["role_high"])).all()
    assert fit.evaluate()["test"]["r2"] > 0.3
    with pytest.raises(InputError, match="NodeRegressor"):
        NodeClassifier().fit(net, config=SHORT)


def test_several_labels():
    net = blocks()
    y = torch.stack([(net.y == 0).float(), (net.y != 1).float()], dim=1)
    fit = NodeClassifier().fit(network(net.edge_index, y, x=net.x, task="multilabel"), config=SHORT)
    table = fit.predict()
    assert set(table["role_predicted"]) <= {"", "a", "b", "a;b"}
    assert fit.evaluate()["test"]["accuracy"] > 0.6


def test_the_karate_club_is_labeled():
    fit = NodeClassifier().fit(karate(), preset="fast")
    table = fit.predict()
    clubs = [fit.network.classes[label] for label in fit.network.y]
    assert np.mean([said == true for said, true in zip(table["club_predicted"], clubs, strict=True)]) > 0.8
    assert fit.evaluate()["classes"] == {"Mr. Hi": 17, "Officer": 17}
