import pytest
import torch
from rdkit import Chem
from torch_geometric.data import Batch

from graphattn.chem import AtomFeaturizer, BondFeaturizer, SmilesError, from_mol, from_smiles, parse_smiles


def test_two_edges_per_bond_side_by_side():
    graph, x, edge_attr = from_smiles("CC=O")
    assert graph.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert graph.num_nodes == 3
    assert x.shape == (3, len(AtomFeaturizer.chemprop()))
    assert edge_attr.shape == (4, len(BondFeaturizer.chemprop()))
    assert x.dtype == edge_attr.dtype == torch.float32
    assert torch.equal(edge_attr[0::2], edge_attr[1::2])
    types = edge_attr[:, :2].tolist()  # single, double
    assert types == [[1, 0], [1, 0], [0, 1], [0, 1]]


def test_one_atom_has_no_edge():
    graph, x, edge_attr = from_smiles("C")
    assert (graph.num_nodes, graph.num_edges) == (1, 0)
    assert x.shape == (1, 72)
    assert edge_attr.shape == (0, 14)


def test_featurizers_are_used():
    atoms, bonds = AtomFeaturizer.attentive_fp(), BondFeaturizer.attentive_fp()
    molecule = from_smiles("c1ccccc1", atom_featurizer=atoms, bond_featurizer=bonds)
    assert molecule.x.shape == (6, len(atoms))
    assert molecule.edge_attr.shape == (12, len(bonds))


def test_from_mol_takes_every_atom():
    molecule = from_mol(Chem.AddHs(parse_smiles("CO")))
    assert molecule.graph.num_nodes == 6
    assert molecule.graph.num_edges == 10


def test_renumbering_the_atoms_renumbers_the_nodes():
    mol = parse_smiles("CC(=O)Nc1ccccc1")
    order = list(reversed(range(mol.GetNumAtoms())))
    plain, renumbered = from_mol(mol), from_mol(Chem.RenumberAtoms(mol, order))
    assert torch.equal(renumbered.x, plain.x[order])
    new = torch.tensor(order).argsort()

    def edges(molecule, rename):
        rows = zip(rename[molecule.graph.edge_index].T.tolist(), molecule.edge_attr.tolist(), strict=True)
        return sorted((tuple(ends), tuple(features)) for ends, features in rows)

    assert edges(renumbered, torch.arange(len(order))) == edges(plain, new)


def test_to_data_batches_in_pyg():
    first = from_smiles("CCO").to_data(smiles="CCO")
    second = from_smiles("C").to_data(smiles="C")
    batch = Batch.from_data_list([first, second])
    assert batch.x.shape == (4, 72)
    assert batch.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert batch.batch.tolist() == [0, 0, 0, 1]
    assert batch.smiles == ["CCO", "C"]
    assert "smiles" not in from_smiles("C").to_data()


def test_bad_input():
    with pytest.raises(SmilesError, match="the SMILES is empty"):
        from_smiles("")
    with pytest.raises(TypeError, match=r"mol must be an rdkit\.Chem\.Mol, got NoneType"):
        from_mol(None)
