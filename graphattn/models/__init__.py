"""Networks assembled from graphattn.nn."""

from graphattn.models.molecule import MoleculeNet
from graphattn.models.turing_machine import NeuralTuringMachine

__all__ = ["MoleculeNet", "NeuralTuringMachine"]
