"""AttentiveFP against PyG's."""

import pytest
import torch
from pyg_twin import assert_same, pair_of
from torch.testing import assert_close

import graphattn as ga

pyg = pytest.importorskip("torch_geometric")

from torch_geometric import nn as theirs  # noqa: E402

IN, WIDTH, OUT, EDGE = 5, 6, 4, 2


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges():
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("steps", [1, 2])
def test_attentive_fp(layers, steps):
    pair = pair_of(lambda source: source.AttentiveFP(IN, WIDTH, OUT, EDGE, layers, steps))
    batch = torch.tensor([0, 0, 0, 1, 1, 1])
    assert_same(pair, numbers(6, IN), edges(), numbers(8, EDGE), batch)
    assert_same(pair, numbers(6, IN), torch.empty(2, 0, dtype=torch.int64), numbers(0, EDGE), batch)


def test_attentive_fp_under_an_edge_mask():
    from torch_geometric.explain.algorithm.utils import set_masks

    pair = pair_of(lambda source: source.AttentiveFP(IN, WIDTH, OUT, EDGE, 2, 2))
    mask = torch.nn.Parameter(numbers(8))
    for model in pair:
        set_masks(model, mask, edges())
    assert pair[0].gate_conv.sends_messages
    assert not pair[0].mol_conv.sends_messages
    assert_same(pair, numbers(6, IN), edges(), numbers(8, EDGE), torch.tensor([0, 0, 0, 1, 1, 1]))


def test_attentive_fp_patched():
    theirs_alone = theirs.AttentiveFP(IN, WIDTH, OUT, EDGE, 2, 2).double().eval()
    arguments = numbers(6, IN), edges(), numbers(8, EDGE), torch.tensor([0, 0, 0, 1, 1, 1])
    want = theirs_alone(*arguments)
    ours = ga.patch(theirs_alone)
    assert type(ours) is ga.nn.AttentiveFP
    assert type(ours.gate_conv).__module__ == "graphattn.nn.pyg.models.attentive_fp"
    assert_close(ours(*arguments), want)


@pytest.mark.parametrize("bad", ["rows", "width", "missing"])
def test_attentive_fp_refuses_other_bonds(bad):
    attr = {"rows": torch.randn(7, EDGE), "width": torch.randn(8, EDGE + 1), "missing": None}[bad]
    with pytest.raises(ValueError, match="edge_attr"):
        ga.nn.AttentiveFP(IN, WIDTH, OUT, EDGE, 2, 2)(torch.randn(6, IN), edges(), attr, torch.zeros(6).long())
