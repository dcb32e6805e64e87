"""Molecules as graphs: atoms are nodes, each bond is two edges, one in each direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem
from torch import Tensor

from graphattn.chem.atoms import AtomFeaturizer
from graphattn.chem.bonds import BondFeaturizer
from graphattn.chem.features import graph_arrays
from graphattn.chem.smiles import parse_smiles
from graphattn.graph import Graph

if TYPE_CHECKING:
    from torch_geometric.data import Data


class MoleculeGraph(NamedTuple):
    """A molecule as a graph with features; bond `b` is edge `2b` and, the other way, edge `2b + 1`."""

    graph: Graph
    """N atoms as nodes, in RDKit's order, and E = 2 × bonds edges"""
    x: Tensor
    """atom features, `[N, Fa]` float32"""
    edge_attr: Tensor
    """bond features, `[E, Fb]` float32, in the order of `graph.edge_index`"""

    def to_data(self, smiles: str | None = None) -> Data:
        """Return a PyTorch Geometric `Data` with `x`, `edge_index`, `edge_attr` and, when given, `smiles`."""
        from torch_geometric.data import Data

        data = Data(x=self.x, edge_index=self.graph.edge_index, edge_attr=self.edge_attr)
        if smiles is not None:
            data.smiles = smiles
        return data


def from_smiles(
    smiles: str,
    *,
    atom_featurizer: AtomFeaturizer | None = None,
    bond_featurizer: BondFeaturizer | None = None,
) -> MoleculeGraph:
    """Read one SMILES as a graph with atom and bond features; hydrogens stay implicit.

    Args:
        smiles: one SMILES; whitespace around it is dropped.
        atom_featurizer: `AtomFeaturizer.chemprop()` when None.
        bond_featurizer: `BondFeaturizer.chemprop()` when None.

    Returns:
        The `MoleculeGraph`. A molecule of one atom has one node, no edge and an `edge_attr` of `[0, Fb]`.

    Raises:
        SmilesError: the SMILES cannot be read; the message says why.

    >>> from graphattn.chem import from_smiles
    >>> graph, x, edge_attr = from_smiles("CCO")
    >>> graph.edge_index.tolist()
    [[0, 1, 1, 2], [1, 0, 2, 1]]
    >>> x.shape, edge_attr.shape
    (torch.Size([3, 72]), torch.Size([4, 14]))
    """
    return from_mol(parse_smiles(smiles), atom_featurizer=atom_featurizer, bond_featurizer=bond_featurizer)


def from_mol(
    mol: Chem.Mol,
    *,
    atom_featurizer: AtomFeaturizer | None = None,
    bond_featurizer: BondFeaturizer | None = None,
) -> MoleculeGraph:
    """Turn an RDKit molecule into a graph with atom and bond features, as `from_smiles` does.

    Every atom of `mol` becomes a node; for explicit hydrogens pass `Chem.AddHs(mol)`.

    Raises:
        TypeError: `mol` is no RDKit molecule.
    """
    if not isinstance(mol, Chem.Mol):
        raise TypeError(f"mol must be an rdkit.Chem.Mol, got {type(mol).__name__}")
    atoms = AtomFeaturizer.chemprop() if atom_featurizer is None else atom_featurizer
    bonds = BondFeaturizer.chemprop() if bond_featurizer is None else bond_featurizer
    return to_graph(*graph_arrays(mol, atoms, bonds))


def to_graph(edge_index: NDArray[np.int64], x: NDArray[np.float32], bonds: NDArray[np.float32]) -> MoleculeGraph:
    """Make the tensors of `graph_arrays`."""
    return MoleculeGraph(
        graph=Graph(torch.from_numpy(edge_index), len(x)),
        x=torch.from_numpy(x),
        edge_attr=torch.from_numpy(bonds).repeat_interleave(2, dim=0),
    )
