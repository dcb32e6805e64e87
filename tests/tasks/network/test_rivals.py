"""The rivals: each learns what it can see, says so again when it is read back, and stands missing labels."""

import json

import numpy as np
import pytest
import torch
from small_networks import blocks, karate, network

from graphattn.tasks.network.evidence import gather
from graphattn.tasks.network.features import NodeFeatures
from graphattn.tasks.network.fit_rivals import RIVALS, fit_rivals
from graphattn.tasks.network.metrics import evaluate
from graphattn.tasks.network.node_inputs import NodeInputs
from graphattn.tasks.network.rivals import rival_of
from graphattn.tasks.network.splits import random_split


def evidence_of(net):
    features = NodeFeatures.fit(net)
    return gather(NodeInputs.of(net, features), features.positions(net))


def fitted(net):
    evidence, split = evidence_of(net), random_split(net.y)
    y, outputs = net.y.numpy(), 1 if net.task == "regression" else len(net.classes)
    parts = [part.numpy() for part in split]
    rivals = dict(fit_rivals(evidence, y, *parts[:2], task=net.task, num_outputs=outputs))
    known = np.where(parts[0] if y.ndim == 1 else parts[0][:, None], y, -1 if y.dtype.kind == "i" else np.nan)
    return rivals, evidence, known, y, parts[2]


def numbers():
    net = blocks()
    return network(net.edge_index, net.x.sum(1), x=net.x, task="regression")


def several():
    net = blocks()
    y = torch.stack([(net.x[:, 0] > 0).float(), (net.y == 1).float()], dim=1)
    y[::7, 1] = float("nan")
    return network(net.edge_index, y, x=net.x, task="multilabel")


@pytest.mark.parametrize("make", [blocks, karate, numbers, several])
def test_rivals_predict_and_are_read_back(make):
    net = make()
    rivals, evidence, known, y, _test = fitted(net)
    assert tuple(rivals) == RIVALS
    for name, rival in rivals.items():
        predicted = rival.predict(evidence, known)
        assert predicted.shape == (len(y), 1 if net.task == "regression" else len(net.classes))
        assert np.isfinite(predicted).all(), name
        if net.task == "multiclass":
            np.testing.assert_allclose(predicted.sum(1), 1)
        state, arrays = rival.to_state()
        again = rival_of(json.loads(json.dumps(state)), arrays)
        np.testing.assert_allclose(again.predict(evidence, known), predicted)


def test_rivals_learn():
    rivals, evidence, known, y, test = fitted(blocks(150))
    for name in RIVALS[1:]:
        accuracy = evaluate("multiclass", rivals[name].predict(evidence, known)[test], y[test])["accuracy"]
        assert accuracy > 0.6, name  # 1/3 by chance
    rivals, evidence, known, y, test = fitted(numbers())
    for name in ("logistic_regression", "mlp", "boosting"):
        assert evaluate("regression", rivals[name].predict(evidence, known)[test], y[test])["r2"] > 0.5, name


def test_labels_spread_by_hand():
    # a path 0 - 1 - 2 and a node alone: 1 has heard of the label of 0, 3 of none
    net = network([[0, 1], [1, 2]], [0, 1, 1, 1], x=torch.ones(4, 1))
    rival = next(fit_rivals(
        evidence_of(net), net.y.numpy(), np.array([True, False, False, True]), np.zeros(4, bool), task="multiclass",
        num_outputs=2, names=("label_propagation",),
    ))[1]  # fmt: skip
    out = rival.predict(evidence_of(net), np.array([0, -1, -1, -1]))
    np.testing.assert_allclose(out, [[1, 0], [1, 0], [1, 0], [0.5, 0.5]], atol=1e-6)
