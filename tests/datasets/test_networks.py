"""Networks by name: the published counts, splits and labels; nothing but arrays out of a pickle."""

import pickle
import shutil

import pytest
import torch

from graphattn.datasets import DatasetError, load_network, network_cards
from graphattn.datasets.networks import find_network
from graphattn.datasets.restricted_pickle import loads

HERE = [name for name in network_cards() if name != "pubmed"]


@pytest.fixture
def data(benchmark_data, monkeypatch):
    if not (benchmark_data / "planetoid").is_dir():
        pytest.skip("no planetoid, heterophilous and twitch among the benchmark data")
    monkeypatch.setenv("GRAPHATTN_DATA", str(benchmark_data))
    return benchmark_data


@pytest.mark.parametrize("name", HERE)
def test_the_counts_are_those_of_the_card(data, name):
    network = load_network(name)
    card = network.card
    source, destination = network.edge_index
    assert network.x.shape == (card.nodes, card.features) and network.x.dtype == torch.float32
    assert int((source != destination).sum()) == card.edges
    low, high = network.edge_index.min(0).values, network.edge_index.max(0).values
    assert len(torch.unique(low * card.nodes + high)) == network.edge_index.shape[1]
    assert len(network.y) == card.nodes and int(network.y.max()) == len(card.classes) - 1
    assert (network.masks is None) == (not card.splits)
    if network.masks is not None:
        train, valid, test = (network.masks[part] for part in ("train", "valid", "test"))
        assert train.shape == (card.nodes, next(iter(card.splits.values())))
        assert not (train & valid).any() and not (train & test).any() and not (valid & test).any()
        assert (network.y[(train | valid | test).any(1)] >= 0).all()


def test_cora(data):
    cora = load_network("Cora")
    assert cora.x.layout == torch.sparse_csr and cora.x.values().numel() == 49_216
    assert [int(mask.sum()) for mask in cora.masks.values()] == [140, 500, 1000]
    assert dict(zip(cora.card.classes, cora.y.bincount().tolist(), strict=True)) == {
        "Theory": 351, "Reinforcement_Learning": 217, "Genetic_Algorithms": 418, "Neural_Networks": 818,
        "Probabilistic_Methods": 426, "Case_Based": 298, "Rule_Learning": 180,
    }  # fmt: skip
    others = load_network("cora", split="geom_gcn").masks
    assert [int(others[part][:, 0].sum()) for part in ("train", "valid", "test")] == [1192, 796, 497]


def test_citeseer_pads_the_nodes_that_are_missing(data):
    citeseer = load_network("citeseer")
    assert int((citeseer.y < 0).sum()) == 15
    assert citeseer.x.to_dense()[citeseer.y < 0].abs().sum() == 0
    assert citeseer.y[citeseer.y >= 0].bincount().tolist() == [249, 590, 668, 701, 596, 508]


def test_twitch_takes_either_spelling_and_joins_on_new_id(data):
    german = load_network("twitch-DE")
    assert german.card.name == "twitch_de"
    assert german.y[5079] == 1 and german.y[4281] == 1  # the first two rows of the file


def test_names_and_splits_that_are_not_there():
    with pytest.raises(DatasetError, match=r"no network is called 'corra'; there are cora, citeseer"):
        load_network("corra")
    with pytest.raises(DatasetError, match="cora has no split 'random'; its splits: 'public', 'geom_gcn'"):
        load_network("cora", split="random")
    assert find_network("twitch-ptbr").name == "twitch_ptbr" and find_network("karate") is None


def test_a_card_prints_what_is_known():
    text = str(network_cards()["minesweeper"])
    assert "10,000 nodes" in text and "roc_auc" in text and "published (10)" in text


def test_another_file_is_refused(data, tmp_path, monkeypatch):
    (tmp_path / "heterophilous").mkdir()
    shutil.copy(data / "heterophilous" / "texas.npz", tmp_path / "heterophilous" / "cornell.npz")
    monkeypatch.setenv("GRAPHATTN_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match=r"cornell\.npz is not the published file"):
        load_network("cornell")


class Evil:
    def __reduce__(self):
        return print, ("run",)


def test_a_pickle_may_hold_nothing_but_arrays(capsys):
    with pytest.raises(DatasetError, match=r"ind\.x cannot be read: it asks for builtins\.print"):
        loads(pickle.dumps(Evil(), protocol=2), "ind.x")
    assert capsys.readouterr().out == ""
    with pytest.raises(DatasetError, match=r"ind\.x cannot be read"):
        loads(pickle.dumps([1, 2, 3], protocol=2)[:5], "ind.x")
    assert loads(pickle.dumps([1, 2], protocol=2), "ind.x") == [1, 2]
