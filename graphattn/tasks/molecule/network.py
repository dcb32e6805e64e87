"""The network that a configuration describes."""

from graphattn.models import MoleculeNet
from graphattn.tasks.molecule.config import ModelConfig
from graphattn.tasks.molecule.featurizer import Featurizer


def build_network(config: ModelConfig, featurizer: Featurizer, num_targets: int) -> MoleculeNet:
    """Build it with fresh weights, drawn from torch's default generator."""
    return MoleculeNet(
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
