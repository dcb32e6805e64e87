"""Homophily and what is said about labels, by hand."""

import numpy as np
import pytest
from small_networks import network

from graphattn.tasks.network.findings import class_counts, homophily, notes_on


def test_homophily_by_hand():
    net = network([[0, 1, 2, 3, 3], [1, 2, 3, 0, 3]], [0, 0, 1, 1, -1])  # a ring of four, a self-loop
    found = homophily(net)
    assert found["edge_homophily"] == 0.5
    assert found["adjusted_homophily"] == pytest.approx(0)  # half the ends in each class
    assert class_counts(net) == {"a": 2, "b": 2}
    assert np.isnan(homophily(network([[0], [1]], [0.5, 1.0], task="regression"))["edge_homophily"])


def test_what_is_said():
    inside = network([[0, 1, 5], [1, 2, 6]], [0] * 5 + [1] * 5)
    assert any("made from the labels" in note for note in notes_on(inside))
    assert any("'b'" in note for note in notes_on(network([[0], [5]], [0] * 5 + [1])))
    assert any("95%" in note for note in notes_on(network([[0], [1]], [0] * 95 + [1] * 5)))
