"""Models built from the layers of `graphattn.nn`."""

from graphattn.models import encoders
from graphattn.models.bond_attention import BondAttentionNet
from graphattn.models.exphormer import Exphormer
from graphattn.models.graphormer import Graphormer
from graphattn.models.language_model import LanguageModel
from graphattn.models.molecule import MoleculeNet
from graphattn.models.node_network import NodeNetwork
from graphattn.models.pair_network import PairNetwork
from graphattn.models.pointer_network import PointerNetwork
from graphattn.models.pooled_network import PooledNetwork
from graphattn.models.seq2seq import Seq2Seq
from graphattn.models.set_transformer import InducedSetAttention, SetTransformer
from graphattn.models.text_encoder import TextEncoder
from graphattn.models.transformer import Transformer
from graphattn.models.turing_machine import NeuralTuringMachine
from graphattn.models.vit import ViT

__all__ = [
    "BondAttentionNet",
    "Exphormer",
    "Graphormer",
    "InducedSetAttention",
    "LanguageModel",
    "MoleculeNet",
    "NeuralTuringMachine",
    "NodeNetwork",
    "PairNetwork",
    "PointerNetwork",
    "PooledNetwork",
    "Seq2Seq",
    "SetTransformer",
    "TextEncoder",
    "Transformer",
    "ViT",
    "encoders",
]
