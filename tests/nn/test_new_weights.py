"""What new weights are drawn from: the distribution that is documented, or that of PyG's layer of the name."""

import pytest
import torch
from expectation import assert_mean

from graphattn import models, nn
from graphattn.nn import positions

WIDTH, HEADS = 48, 6


def uniform(bound):
    return bound, bound**2 / 3


def normal(deviation):
    return None, deviation**2


def glorot(*fans):
    return uniform((6 / sum(fans)) ** 0.5)


def encoder():
    return models.encoders.transformer(WIDTH, HEADS, 1)


DOCUMENTED = {
    "MultiheadAttention": (
        lambda: nn.MultiheadAttention(WIDTH, HEADS, kdim=20, score="additive"),
        {
            "q_proj.weight": glorot(WIDTH, WIDTH), "k_proj.weight": glorot(WIDTH, 20),
            "v_proj.weight": glorot(WIDTH, 20), "out_proj.weight": glorot(WIDTH, WIDTH),
            "att": glorot(HEADS, WIDTH // HEADS), "q_proj.bias": uniform(0), "out_proj.bias": uniform(0),
        },
    ),
    "LongformerAttention": (
        lambda: nn.LongformerAttention(WIDTH, HEADS),
        {"q_proj.weight": glorot(WIDTH, WIDTH), "v_global.weight": glorot(WIDTH, WIDTH), "k_proj.bias": uniform(0)},
    ),
    "LinformerAttention": (
        lambda: nn.LinformerAttention(WIDTH, HEADS, num_landmarks=16, max_nodes=100, share=False),
        {"key_sums": normal(16**-0.5), "value_sums": normal(16**-0.5)},
    ),
    "AttentionPooling": (
        lambda: nn.AttentionPooling(WIDTH, HEADS),
        {"query": glorot(HEADS, WIDTH // HEADS), "v_proj.weight": glorot(WIDTH, WIDTH), "k_proj.bias": uniform(0)},
    ),
    "Alignment": (
        lambda: nn.Alignment(WIDTH, 20, hidden_dim=32, score="additive"), {"vector": uniform(32**-0.5)}
    ),
    "LearnedPositions": (lambda: positions.LearnedPositions(40, WIDTH), {"table": normal(0.02)}),
    "RelativeBias": (lambda: positions.RelativeBias(HEADS), {"table": normal(0.02)}),
    "OffsetBias": (lambda: positions.OffsetBias((5, 7), HEADS), {"table": normal(0.02)}),
    "TextEncoder": (lambda: models.TextEncoder(90, WIDTH, encoder()), {"embedding.weight": normal(0.02)}),
    "LanguageModel": (
        lambda: models.LanguageModel(90, WIDTH, HEADS, 1), {"embedding.weight": normal(WIDTH**-0.5)}
    ),
    "Transformer": (
        lambda: models.Transformer(90, 80, start=7, end=8, embed_dim=WIDTH, num_heads=HEADS, depth=1),
        {"encoder.embedding.weight": normal(1), "head.tokens.embedding.weight": normal(WIDTH**-0.5)},
    ),
    "ViT": (
        lambda: models.ViT(8, 4, 2, embed_dim=WIDTH, num_heads=HEADS, depth=1), {"class_token": normal(0.02)}
    ),
    "PointerNetwork": (
        lambda: models.PointerNetwork(2, 32), {"vector": uniform(32**-0.5), "stop": normal(1), "first": normal(1)}
    ),
    "Graphormer": (lambda: models.Graphormer(WIDTH, HEADS, 1, virtual_node=True), {"virtual": normal(0.02)}),
    "Exphormer": (lambda: models.Exphormer(WIDTH, HEADS, 1), {"virtual": normal(0.02)}),
    "InducedSetAttention": (
        lambda: models.set_transformer.InducedSetAttention(WIDTH, HEADS, 16), {"points": glorot(16, WIDTH)}
    ),
}  # fmt: skip


def drawn(make, count=40):
    """Each parameter of so many new layers, `[numbers]`, float64; zeros and ones as they are."""
    torch.manual_seed(0)
    states = [make().state_dict() for _ in range(count)]
    return {key: torch.cat([state[key].flatten() for state in states]).double() for key in states[0]}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_documented_distribution(name):
    make, laws = DOCUMENTED[name]
    parameters = drawn(make)
    for key, (bound, square) in laws.items():
        numbers = parameters[key]
        assert_mean(numbers, 0.0)
        assert_mean(numbers.square(), square, rather_than=2 * square if square else None)
        fourth = 3 if bound is None else 9 / 5  # in squares of the variance: of a Gaussian, of a uniform
        assert_mean(numbers.pow(4), fourth * square**2)
        assert bound is None or numbers.abs().max() <= bound * (1 + 1e-6)


AS_PYG = {
    "GATConv": {"heads": HEADS, "edge_dim": 5, "residual": True},
    "GATv2Conv": {"heads": HEADS, "edge_dim": 5, "residual": True},
    "TransformerConv": {"heads": HEADS, "edge_dim": 5, "beta": True},
    "SuperGATConv": {"heads": HEADS},
    "RGATConv": {"num_relations": 4, "heads": HEADS, "edge_dim": 5},
    "GeneralConv": {"in_edge_channels": 5, "heads": HEADS, "attention": True},
    "AttentiveFP": {"edge_dim": 5, "num_layers": 2, "num_timesteps": 2},
}
UNSET_BY_PYG = {"RGATConv": ["l2"]}


@pytest.mark.parametrize("name", AS_PYG)
def test_the_distribution_of_pyg(name):
    theirs = pytest.importorskip("torch_geometric.nn")
    sizes = (20, 12) if name != "AttentiveFP" else (20, 12, 3)
    ours, pygs = (drawn(lambda layers=layers: getattr(layers, name)(*sizes, **AS_PYG[name])) for layers in (nn, theirs))
    assert ours.keys() == pygs.keys()
    for key in ours.keys() - UNSET_BY_PYG.get(name, []):
        numbers = ours[key]
        assert_mean(numbers - pygs[key], 0.0)  # but for chance: one generator, drawn from one after the other
        assert_mean(numbers.square() - pygs[key].square(), 0.0)
