from graphattn.tasks.molecule.config import ModelConfig
from graphattn.tasks.molecule.featurizer import Featurizer
from graphattn.tasks.molecule.network import build_network


def test_the_network_takes_what_the_featurizer_makes():
    config = ModelConfig(embed_dim=6, num_heads=2, depth=3, head_dim=7, descriptors=False)
    featurizer = Featurizer.from_config(config)
    net = build_network(config, featurizer, 5, 1)
    shapes = [tuple(parameter.shape) for parameter in net.parameters()]
    assert any(shape == (6, len(featurizer.atoms)) for shape in shapes)
    assert shapes[-1] == (5,)
