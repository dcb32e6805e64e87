"""Chemistry: SMILES to graphs, features, splits, descriptors, drawings; the one place with RDKit."""

from graphattn.chem.atoms import AtomFeaturizer
from graphattn.chem.bonds import BondFeaturizer
from graphattn.chem.descriptors import compute_descriptors, compute_fingerprints, descriptor_names
from graphattn.chem.draw import draw_grid, draw_molecule
from graphattn.chem.molecule import MoleculeGraph, from_mol, from_smiles
from graphattn.chem.salts import SALTS, strip_salts
from graphattn.chem.smiles import SmilesError, canonical_smiles, parse_smiles
from graphattn.chem.splits import Split, random_split, scaffold_split, scaffolds, stratified_split

__all__ = [
    "SALTS",
    "AtomFeaturizer",
    "BondFeaturizer",
    "MoleculeGraph",
    "SmilesError",
    "Split",
    "canonical_smiles",
    "compute_descriptors",
    "compute_fingerprints",
    "descriptor_names",
    "draw_grid",
    "draw_molecule",
    "from_mol",
    "from_smiles",
    "parse_smiles",
    "random_split",
    "scaffold_split",
    "scaffolds",
    "stratified_split",
    "strip_salts",
]
