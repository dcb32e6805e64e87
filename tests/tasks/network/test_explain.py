"""Whom a node listened to: shares that add up, paths that exist, and a deletion that can be told in advance."""

import numpy as np
import pytest
import torch
from small_networks import blocks, karate, network

from graphattn.tasks.common.errors import InputError
from graphattn.tasks.network import NodeClassifier
from graphattn.tasks.network.config import NodeModelConfig
from graphattn.tasks.network.explain import rollout
from graphattn.tasks.network.findings import labels_of
from graphattn.tasks.network.node_inputs import NodeInputs

SHORT = {"epochs": 15, "patience": 15, "hidden_dim": 16, "validate_every": 5}


def fit(data, **recipe):
    return NodeClassifier().fit(data, config=NodeModelConfig(**(SHORT | recipe)), rivals=("majority",))


@pytest.fixture(scope="module")
def fitted():
    return fit(karate(), depth=2)


@pytest.mark.parametrize("recipe", [{"sep": True}, {"sep": False, "conv": "gat"}, {"depth": 3, "residual": True}])
def test_shares_add_up_and_stay_within_reach(recipe):
    learned = fit(blocks(30), **recipe)
    inputs = NodeInputs.of(learned.network, learned.features)
    flow = rollout(learned.networks[0], inputs, 4)
    assert flow.nodes.sum() == pytest.approx(1)
    assert flow.nodes.min() >= 0
    reach, frontier = {4}, {4}
    pairs = set(map(tuple, inputs.graph.edge_index.T.tolist()))
    for _ in range(recipe.get("depth", 2)):
        frontier = {source for source, target in pairs if target in frontier}
        reach |= frontier
    assert set(np.flatnonzero(flow.nodes > 0)) <= reach
    assert set(map(tuple, flow.edge_index.T.tolist())) <= pairs


def test_one_layer_without_own_features_is_the_attention_itself():
    learned = fit(blocks(30), depth=1, sep=False, conv="gat")
    inputs = NodeInputs.of(learned.network, learned.features)
    ((edge_index, weights),) = learned.networks[0].network().attention_weights(*inputs)
    expected = torch.zeros(30, dtype=torch.float64)
    into = edge_index[1] == 7
    expected[edge_index[0, into]] = weights[into].double().mean(1)
    np.testing.assert_allclose(rollout(learned.networks[0], inputs, 7).nodes, expected, rtol=1e-5)


def test_an_explanation_names_the_users_ids(fitted):
    found = fitted.explain(8)
    assert found.node == "8" and found.actual == labels_of(fitted.network)[8]
    shares = [share for _, share in found.neighbors]
    assert shares == sorted(shares, reverse=True)
    assert {name for name, _ in found.neighbors} <= set(fitted.network.ids)
    assert found.deletion.count == 3 and len(found.deletion.random) == 20
    assert 0 <= found.deletion.share <= 1
    assert found.to_json() == fitted.explain("8").to_json()


def test_a_node_that_is_not_there(fitted):
    with pytest.raises(InputError, match=r"no node '99'; did you mean '9'\?"):
        fitted.explain(99)


def test_deleting_more_edges_than_there_are(fitted):
    found = fitted.explain("11", edges=1000).deletion
    assert found.count <= 78 and found.random == ()
    assert "no others to compare" in fitted.explain("11", edges=1000).sentence()


def test_a_node_without_edges():
    y = np.arange(24) % 2
    edges = [[n, n + 2] for n in range(21)]
    learned = fit(network(np.array(edges).T, y, x=torch.randn(24, 3, generator=torch.Generator().manual_seed(0))))
    found = learned.explain("n23")
    assert found.deletion is None and found.neighbors == (("n23", pytest.approx(1.0)),)
    assert "by its features alone" in found.sentence()
