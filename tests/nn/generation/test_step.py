"""States of every form can have their rows chosen."""

from typing import NamedTuple

import pytest
import torch

from graphattn.nn.generation import select_rows


class State(NamedTuple):
    hidden: torch.Tensor
    memory: dict


class Cache:
    def __init__(self, rows):
        self.rows = rows

    def select(self, rows):
        return Cache([self.rows[row] for row in rows.tolist()])


def test_every_form():
    x = torch.arange(6).view(3, 2)
    rows = torch.tensor([2, 0, 0, 1])
    got = select_rows(State(x, {"caches": [Cache("abc"), None], "pair": (x,)}), rows)
    assert isinstance(got, State)
    assert torch.equal(got.hidden, x[rows])
    assert got.memory["caches"][0].rows == ["c", "a", "a", "b"]
    assert got.memory["caches"][1] is None
    assert torch.equal(got.memory["pair"][0], x[rows])


def test_what_is_no_state():
    with pytest.raises(TypeError, match=r"a state is a tensor, None.*got int"):
        select_rows((3,), torch.tensor([0]))
