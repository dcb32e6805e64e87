"""The network that a configuration describes."""

from graphattn.models import BondAttentionNet, MoleculeNet
from graphattn.tasks.molecule.config import ModelConfig
from graphattn.tasks.molecule.featurizer import Featurizer


def build_network(config: ModelConfig, featurizer: Featurizer, num_targets: int, number: int) -> MoleculeNet:
    """Build the network of this number, from 1, with fresh weights, drawn from torch's default generator."""
    on_bonds = config.attention == "bonds" or (config.attention == "both" and number % 2 == 0)
    return (BondAttentionNet if on_bonds else MoleculeNet)(
        len(featurizer.atoms),
        len(featurizer.bonds),
        num_targets,
        featurizer.width,
        embed_dim=config.embed_dim,
        num_heads=config.num_heads,
        depth=config.depth,
        head_dim=config.head_dim,
        dropout=config.dropout,
    )
