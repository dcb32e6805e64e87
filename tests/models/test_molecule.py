import pytest
import torch
from torch_geometric.data import Batch

from graphattn.chem import from_smiles
from graphattn.models import MoleculeNet

SMILES = ["CCO", "C", "c1ccccc1O"]


def batch_of(smiles, descriptors=0):
    molecules = []
    for number, text in enumerate(smiles):
        data = from_smiles(text).to_data()
        if descriptors:
            data.descriptors = torch.full((1, descriptors), float(number))
        molecules.append(data)
    return Batch.from_data_list(molecules)


def net_of(**settings):
    torch.manual_seed(0)
    batch = batch_of(["CC"])
    widths = (batch.x.size(1), batch.edge_attr.size(1), 5)
    return MoleculeNet(*widths, embed_dim=6, num_heads=3, head_dim=7, **settings).eval()


@pytest.mark.parametrize("descriptors", [0, 11])
def test_shape_and_gradients(descriptors):
    net = net_of(num_descriptors=descriptors)
    out = net(batch_of(SMILES, descriptors))
    assert out.shape == (3, 5)
    out.square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_a_batch_is_its_molecules_one_by_one():
    net = net_of()
    together = net(batch_of(SMILES))
    alone = torch.cat([net(batch_of([smiles])) for smiles in SMILES])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)


def test_the_order_of_the_atoms_does_not_matter():
    net = net_of()
    torch.testing.assert_close(net(batch_of(["OCC(N)=O"])), net(batch_of(["NC(=O)CO"])), rtol=1e-5, atol=1e-6)


def test_bonds_matter():
    net = net_of()
    assert not torch.allclose(net(batch_of(["CC=CC"])), net(batch_of(["C=CCC"])))


def test_no_layer_at_all_still_predicts():
    assert net_of(depth=0)(batch_of(SMILES)).shape == (3, 5)
