"""What holds for every model: its weights are all of it, all of it learns, and dropout is for training."""

import pytest
import torch

import graphattn as ga
from graphattn import models
from graphattn.nn.positions import LearnedPositions

EMBED, HEADS = 12, 3
GRAPH = ga.batch([ga.Graph(torch.tensor([[0, 1, 3, 4], [1, 0, 2, 1]]), 5), ga.Graph(torch.tensor([[1], [0]]), 4)])
TOKENS, TARGETS = torch.tensor([3, 1, 4, 1, 5, 2, 6]), torch.tensor([[0, 3, 4], [0, 2, 5]])
SENTENCES = list(TOKENS.split([4, 3]))
TEXT = ga.complete([4, 3])


def numbers(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def text_encoder(dropout):
    encoder = models.encoders.transformer(EMBED, HEADS, 1, dropout=dropout)
    return models.TextEncoder(9, EMBED, encoder, positions=LearnedPositions(9, EMBED), dropout=dropout)


def translator(decoder, align, dropout):
    encoder = ga.nn.RecurrentEncoder(9, 5, 6, dropout=dropout)
    decoder = decoder(9, 5, align(6, encoder.memory_dim, hidden_dim=4, score="additive"), 12, dropout=dropout)
    return models.Seq2Seq(encoder, decoder, start=0, end=1)


def pointer():
    network = models.PointerNetwork(2, 8)
    return network, lambda: network([numbers(4, 2), numbers(3, 2)], [torch.tensor([2, 0]), torch.tensor([1])])


def seq2seq(decoder, align, dropout):
    model = translator(decoder, align, dropout)
    return model, lambda: model(SENTENCES, TARGETS).logits


def called(model, *args):
    return model, lambda: model(*args)


def transformer(dropout):
    net = models.Transformer(9, 9, start=7, end=8, embed_dim=EMBED, num_heads=HEADS, depth=1, dropout=dropout)
    return net, lambda: net.loss(TOKENS, [4, 3], SENTENCES)


def images():
    return numbers(2, 3, 8, 8)


WITH_DROPOUT = {
    "TextEncoder": lambda p: called(text_encoder(p), TOKENS, TEXT),
    "LanguageModel": lambda p: called(models.LanguageModel(9, EMBED, HEADS, 1, dropout=p), TOKENS, [4, 3]),
    "Transformer": transformer,
    "ViT": lambda p: called(models.ViT(8, 4, 2, embed_dim=EMBED, num_heads=HEADS, depth=1, dropout=p), images()),
    "Bahdanau": lambda p: seq2seq(ga.nn.BahdanauDecoder, ga.nn.Alignment, p),
    "Luong": lambda p: seq2seq(ga.nn.LuongDecoder, ga.nn.LocalAlignment, p),
    "Graphormer": lambda p: called(
        models.Graphormer(EMBED, HEADS, 1, edge_dim=2, dropout=p), numbers(9, EMBED), GRAPH, numbers(5, 2)
    ),
    "Exphormer": lambda p: called(
        models.Exphormer(EMBED, HEADS, 2, degree=2, dropout=p, local=lambda: ga.nn.GATConv(EMBED, EMBED)),
        numbers(9, EMBED),
        GRAPH,
    ),
}
WITHOUT = {
    "SetTransformer": lambda: called(
        models.SetTransformer(2, 3, embed_dim=EMBED, num_heads=HEADS, num_seeds=2), numbers(7, 2), TEXT
    ),
    "PointerNetwork": pointer,
    "ViT, sine": lambda: called(models.ViT(8, 4, 2, embed_dim=EMBED, num_heads=HEADS, positions="sine"), images()),
}
MODELS = WITHOUT | {name: lambda make=make: make(0.0) for name, make in WITH_DROPOUT.items()}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", MODELS)
def test_saved_weights_are_the_whole_model(name):
    (first, run), (second, run_again) = MODELS[name](), MODELS[name]()
    want = run()
    assert not torch.allclose(run_again(), want)
    second.load_state_dict(first.state_dict(), strict=True)
    assert torch.equal(run_again(), want)


@pytest.mark.parametrize("name", MODELS)
def test_a_gradient_reaches_every_parameter(name, double):
    """Larger than rounding makes it, for where the formula has none (a softmax over one node) that is all there is: so
    the Set Transformer has two seeds: one would have only itself to look at.
    """
    model, run = MODELS[name]()
    run().sin().sum().backward()
    for parameter, value in model.named_parameters():
        if not parameter.endswith("k_proj.bias"):  # has no effect on a softmax of dot products
            assert value.grad is not None and value.grad.abs().max() > 1e-9, parameter


@pytest.mark.parametrize("name", WITH_DROPOUT)
def test_dropout_is_for_training(name):
    (model, run), (plain, run_plain) = WITH_DROPOUT[name](0.5), WITH_DROPOUT[name](0.0)
    plain.load_state_dict(model.state_dict())
    assert not torch.equal(run(), run())
    model.eval()
    torch.testing.assert_close(run(), run_plain())
