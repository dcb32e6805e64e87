"""Packed sequences go through a recurrent network as each does by itself."""

import pytest
import torch
from torch import nn

from graphattn.nn.recurrent.packed_rnn import run_packed


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
@pytest.mark.parametrize("sizes", [[2, 5, 1, 5], [3], [1, 1]])
def test_each_by_itself(kind, sizes):
    torch.manual_seed(0)
    rnn = kind(3, 4, num_layers=2, bidirectional=True).double()
    x = torch.randn(sum(sizes), 3, dtype=torch.float64, requires_grad=True)
    start = torch.randn(4, len(sizes), 4, dtype=torch.float64)
    state = (start, start) if kind is nn.LSTM else start
    got, last = run_packed(rnn, x, sizes, state)
    alone = []
    for i, part in enumerate(x.split(sizes)):
        mine = (start[:, i], start[:, i]) if kind is nn.LSTM else start[:, i]
        states, end = rnn(part, mine)
        alone.append(states)
        for a, b in zip(*((last, end) if kind is nn.LSTM else ([last], [end])), strict=True):
            torch.testing.assert_close(a[:, i], b)
    torch.testing.assert_close(got, torch.cat(alone))
    grad = torch.randn_like(got)
    torch.testing.assert_close(*(torch.autograd.grad(y, x, grad)[0] for y in (got, torch.cat(alone))))


@pytest.mark.parametrize("sizes", [[], [2, 0], [1, 2]])
def test_errors(sizes):
    with pytest.raises(ValueError, match="at least 1 each, 2 in all; got"):
        run_packed(nn.GRU(3, 4), torch.zeros(2, 3), sizes)
