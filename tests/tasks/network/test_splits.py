"""Splits: which node is in which part."""

import dataclasses

import numpy as np
import pytest
import torch
from small_networks import blocks

from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.network.splits import given_split, labeled, random_split, time_split, without_edges_of


def test_a_random_split_shares_out_each_class():
    y = torch.tensor([0] * 10 + [1] * 30 + [-1] * 7 + [2])
    split = random_split(y)
    assert [int(part.sum()) for part in split] == [25, 8, 8]
    assert not (split.train & split.valid).any()
    assert torch.equal(split.train | split.valid | split.test, y >= 0)
    assert split.train[-1]  # a class of one is learned from
    assert [int((y[part] == 0).sum()) for part in split] == [6, 2, 2]
    assert torch.equal(random_split(y).train, split.train)
    assert not torch.equal(random_split(y, seed=1).train, split.train)


def test_numbers_and_several_labels_are_split_too():
    y = torch.arange(10.0)
    y[3] = float("nan")
    assert [int(part.sum()) for part in random_split(y)] == [5, 2, 2]
    assert labeled(torch.tensor([[0.0, float("nan")], [float("nan"), float("nan")]])).tolist() == [True, False]
    assert [int(part.sum()) for part in random_split(y, shares=(0.5, 0.5, 0.0))] == [4, 5, 0]


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.0, 0.5, 0.5), (0.5, 0.2, 0.2), (1.2, -0.1, -0.1)])
def test_shares_add_up(shares):
    with pytest.raises(SettingsError, match="add up to 1"):
        random_split(torch.arange(4), shares=shares)


def test_the_latest_nodes_measure():
    split = time_split(torch.tensor([0, 1, -1, 0, 1, 0]), np.array([5, 1, 0, 2, 9, 3]))
    assert split.train.nonzero().flatten().tolist() == [1, 3, 5]
    assert split.valid.nonzero().flatten().tolist() == [0]
    assert split.test.nonzero().flatten().tolist() == [4]


def test_a_given_split():
    net = blocks(30)
    masks = {
        part: torch.arange(30).unsqueeze(1) % 3 == number for number, part in enumerate(("train", "valid", "test"))
    }
    assert given_split(dataclasses.replace(net, masks=masks)).valid.nonzero().flatten().tolist() == list(
        range(1, 30, 3)
    )
    with pytest.raises(SettingsError, match="1 splits"):
        given_split(dataclasses.replace(net, masks=masks), 1)
    with pytest.raises(SettingsError, match="without a split"):
        given_split(net)
    both = {"train": torch.arange(30) < 20, "test": torch.arange(30) >= 20}
    split = given_split(dataclasses.replace(net, masks=both))
    assert [int(part.sum()) for part in split] == [16, 4, 10]


def test_edges_of_nodes_that_are_not_there_yet():
    net = blocks(30)
    gone = torch.arange(30) >= 20
    left = without_edges_of(net, gone)
    assert int(left.edge_index.max()) < 20
    assert len(left.ids) == 30
