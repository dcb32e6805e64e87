"""Attention on directed bonds: who attends to whom, and what no message may do."""

import pytest
import torch
from torch_geometric.data import Batch, Data

from graphattn.models import BondAttentionNet
from graphattn.models.bond_attention import line_graph


def molecule(*bonds, size, seed=0):
    """Bond b is edges 2b and 2b + 1."""
    ends = torch.tensor(bonds, dtype=torch.int64).reshape(-1, 2)
    edge_index = torch.stack([ends, ends.flip(1)], dim=1).reshape(-1, 2).t().contiguous()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, 5, generator=generator, dtype=torch.float64)
    e = torch.randn(len(ends), 3, generator=generator, dtype=torch.float64).repeat_interleave(2, 0)
    return Data(x=x, edge_index=edge_index, edge_attr=e)


def net(**options):
    torch.manual_seed(1)
    return BondAttentionNet(5, 3, embed_dim=8, num_heads=2, head_dim=8, **options).double().eval()


def test_edges_lead_into_those_that_go_on():
    data = molecule((0, 1), (1, 2), (1, 3), (3, 0), size=5)
    source, destination = data.edge_index.tolist()
    expected = {
        (a, b) for a in range(8) for b in range(8) if destination[a] == source[b] and source[a] != destination[b]
    }
    found = line_graph(data.edge_index, 5).edge_index.t().tolist()
    assert sorted(map(tuple, found)) == sorted(expected) and len(found) > 4


def test_two_bonds_between_two_atoms_are_two_ways():
    edge_index = torch.tensor([[0, 1, 0, 1], [1, 0, 1, 0]])  # not a molecule, but a graph
    assert sorted(map(tuple, line_graph(edge_index, 2).edge_index.t().tolist())) == [(0, 3), (1, 2), (2, 1), (3, 0)]


def test_a_batch_is_its_molecules_and_atoms_may_be_in_any_order():
    first, second = molecule((0, 1), (1, 2), size=3), molecule((0, 1), (1, 2), (2, 0), size=4, seed=2)
    model = net()
    alone = torch.cat([model(Batch.from_data_list([each])) for each in (first, second)])
    torch.testing.assert_close(model(Batch.from_data_list([first, second])), alone)
    order = torch.tensor([2, 0, 3, 1])
    place = order.argsort()
    turned = Data(x=second.x[order], edge_index=place[second.edge_index], edge_attr=second.edge_attr)
    torch.testing.assert_close(model(Batch.from_data_list([turned])), alone[1:])


@pytest.mark.parametrize("size", [1, 3])
def test_atoms_without_bonds(size):
    out = net()(Batch.from_data_list([molecule(size=size)]))
    assert out.shape == (1, 1) and out.isfinite().all()


def test_descriptors_and_gradients():
    data = molecule((0, 1), (1, 2), (2, 3), size=4)
    data.descriptors = torch.randn(1, 6, dtype=torch.float64)
    model = net(num_descriptors=6, num_targets=2)
    model(Batch.from_data_list([data])).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert model.bond_embedding.weight.grad.abs().max() > 1e-8


def test_depth_decides_how_far_a_bond_sees():
    data = molecule(*[(atom, atom + 1) for atom in range(6)], size=7)
    for depth in (1, 3):
        model = net(depth=depth)
        x = data.x.clone().requires_grad_()
        batch = Batch.from_data_list([Data(x=x, edge_index=data.edge_index, edge_attr=data.edge_attr)])
        (grad,) = torch.autograd.grad(model.embed_atoms(batch)[0].sum(), x)
        reached = (grad.abs().sum(1) > 1e-12).nonzero().squeeze(1).tolist()
        assert reached == list(range(depth + 2))
