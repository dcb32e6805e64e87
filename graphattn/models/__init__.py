"""Networks assembled from graphattn.nn."""

from graphattn.models.molecule import MoleculeNet

__all__ = ["MoleculeNet"]
