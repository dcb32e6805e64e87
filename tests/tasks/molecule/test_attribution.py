"""Attributions: they add up, find the atoms of a known function, and their test by deletion can fail."""

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Data

from graphattn.models import MoleculeNet
from graphattn.tasks.molecule.attribution import Attribution, Explained, attribute, check, without


class CountOxygens(nn.Module):
    """Twice the number of atoms whose first feature is set, and a tenth of the bonds."""

    def forward(self, batch):
        graph = batch.batch[batch.edge_index[0]]
        out = torch.zeros(batch.num_graphs, 1).index_add(0, batch.batch, 2 * batch.x[:, :1])
        return out.index_add(0, graph, 0.05 * batch.edge_attr[:, :1])


def chain(size=6, oxygens=(1, 4)):
    """A chain of atoms; bond b is edges 2b and 2b + 1."""
    ends = torch.tensor([[atom, atom + 1] for atom in range(size - 1)], dtype=torch.int64).reshape(-1, 2)
    edge_index = torch.stack([ends, ends.flip(1)], dim=1).reshape(-1, 2).t().contiguous()
    x = torch.zeros(size, 3)
    x[list(oxygens), 0] = 1
    x[:, 1] = 1
    return Data(x=x, edge_index=edge_index, edge_attr=torch.ones(edge_index.shape[1], 2))


def network(seed=0):
    torch.manual_seed(seed)
    return MoleculeNet(3, 2, num_targets=2, embed_dim=8, num_heads=2, head_dim=8, dropout=0.5)


@pytest.mark.parametrize("method", ["gradients", "occlusion"])
def test_a_known_function_is_found(method):
    found = attribute(Explained([CountOxygens()], 0, 1.0, 0.0), chain(), method)
    others = [0, 2, 3, 5]
    assert (found.atoms[[1, 4]] > 1.9).all() and (np.abs(found.atoms[others]) < 0.3).all()
    assert found.prediction == pytest.approx(4.5) and found.baseline == pytest.approx(0)
    if method == "gradients":
        assert found.bonds == pytest.approx([0.1] * 5)


@pytest.mark.parametrize("target", [0, 1])
def test_integrated_gradients_add_up(target):
    function = Explained([network(0).double(), network(1).double()], target, 2.5, -1.0)
    data = chain()
    data.x, data.edge_attr = data.x.double(), data.edge_attr.double()
    found = attribute(function, data, "gradients")
    total = found.atoms.sum() + found.bonds.sum()
    assert total == pytest.approx(found.prediction - found.baseline, abs=1e-3)
    assert abs(total) > 1e-2


def test_occlusion_is_the_fall_without_each_atom():
    function, data = Explained([network()], 0, 1.0, 0.0), chain()
    found = attribute(function, data, "occlusion")
    np.testing.assert_allclose(found.prediction - found.atoms, without(function, data, [[a] for a in range(6)]))


def test_attention_is_shared_out():
    found = attribute(Explained([network(0), network(1)], 0, 1.0, 0.0), chain(), "attention")
    assert found.atoms.sum() == pytest.approx(1) and (found.atoms >= 0).all()


def test_a_single_atom():
    data = chain(1, oxygens=(0,))
    for method in ("gradients", "occlusion", "attention"):
        found = attribute(Explained([network()], 0, 1.0, 0.0), data, method)
        assert found.atoms.shape == (1,) and np.isfinite(found.atoms).all() and found.bonds.shape == (0,)


def test_the_test_by_deletion_tells_good_from_bad():
    function = Explained([CountOxygens()], 0, 1.0, 0.0)
    molecules = [chain(10, oxygens=(at, at + 1)) for at in range(8)]
    good = [attribute(function, each, "gradients") for each in molecules]
    checked = check(function, molecules, good)
    assert checked.p < 0.01 and (checked.top > checked.random).all()
    bad = [Attribution(1 - each.atoms / 2, each.bonds, each.prediction, each.baseline) for each in good]
    assert check(function, molecules, bad).p > 0.5


def test_the_test_by_deletion_needs_molecules():
    function, molecules = Explained([CountOxygens()], 0, 1.0, 0.0), [chain(4, oxygens=(1,)), chain(6)]
    found = [attribute(function, each, "gradients") for each in molecules]
    checked = check(function, molecules, found)
    assert len(checked.top) == 1 and np.isnan(checked.p)
