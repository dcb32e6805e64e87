"""Networks assembled from graphattn.nn."""

from graphattn.models.molecule import MoleculeNet
from graphattn.models.pointer_network import PointerNetwork
from graphattn.models.seq2seq import Seq2Seq
from graphattn.models.turing_machine import NeuralTuringMachine

__all__ = [
    "MoleculeNet",
    "NeuralTuringMachine",
    "PointerNetwork",
    "Seq2Seq",
]
