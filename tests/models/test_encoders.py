"""Each encoder is the Transformer's with another graph or attention: compared with that, built by hand."""

import pickle

import pytest
import torch

import graphattn as ga
from graphattn.models import encoders
from graphattn.nn.positions import RelativeBias

EMBED, HEADS, SIZES = 12, 3, [9, 1, 16]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def layers_on(encoder, x, graph):
    """The layers of an encoder one by one on a graph made by hand."""
    for layer in encoder.layers:
        x = layer(x, graph)
    return encoder.norm(x)


def test_transformer():
    bias = RelativeBias(HEADS)
    encoder = encoders.transformer(EMBED, HEADS, 2, bias=bias, ffn_dim=7).double().eval()
    graph, x = ga.complete(SIZES), numbers(sum(SIZES), EMBED)
    want = x
    for layer in encoder.layers:
        want = layer(want, graph, edge_bias=bias(graph))
    torch.testing.assert_close(encoder(x, graph), encoder.norm(want))
    assert encoder.layers[0].ffn[0].out_features == 7
    assert encoders.transformer(EMBED, HEADS, 1, norm_first=False).norm is None


def expected_edges(kind, size):
    near = {(i, j) for i in range(size) for j in range(size) if abs(i - j) <= 2}
    hubs = {(i, j) for i in range(size) for j in range(size) if i == 0 or j == 0}
    return near | hubs if kind == "longformer" else near


@pytest.mark.parametrize("kind", ["truncated", "longformer"])
def test_windows_and_hubs(kind):
    encoder = getattr(encoders, kind)(EMBED, HEADS, 2, radius=2).double().eval()
    x, parts = numbers(sum(SIZES), EMBED), []
    for size in SIZES:
        pairs = [(j, i) for i, j in sorted(expected_edges(kind, size))]
        parts.append(ga.Graph(torch.tensor(pairs).t(), size))
    torch.testing.assert_close(encoder(x, ga.complete(SIZES)), layers_on(encoder.module, x, ga.batch(parts)))


def test_bigbird():
    """Windows and hubs, and beside them the random edges, the same for every sequence of one length."""
    made = encoders.bigbird(EMBED, HEADS, 2, radius=1, num_global=2, num_random=3).double().eval()
    x, sizes = numbers(sum(SIZES) + 9, EMBED), [*SIZES, 9]
    seen = []
    for size in sizes:
        i, j = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        near = ((i - j).abs() <= 1) | (i < 2) | (j < 2)
        if size > 3:
            src, dst = ga.random_regular(size, 3, generator=torch.Generator().manual_seed(size)).edge_index
            near[dst, src] = True
        seen.append(near)
    assert torch.equal(seen[0], seen[3])
    pairs = torch.block_diag(*seen).nonzero().t().flip(0)
    torch.testing.assert_close(made(x, ga.complete(sizes)), layers_on(made.module, x, ga.Graph(pairs, len(x))))


def test_linformer_and_performer_have_their_attention():
    linformer = encoders.linformer(EMBED, HEADS, 2, num_landmarks=4, max_nodes=16)
    performer = encoders.performer(EMBED, HEADS, 2, num_features=5)
    assert linformer.layers[1].attention.key_sums.shape == (4, 16)
    assert performer.layers[1].attention.feature_map.projection.shape == (5, 4)
    assert performer.layers[1].attention.normalize == "linear"


def test_neighborhood():
    encoder = encoders.neighborhood(EMBED, HEADS, 2, shape=(5, 4), kernel_size=3).double().eval()
    x, graph = numbers(40, EMBED), ga.grid([(5, 4)] * 2, 3, border="shift")
    want, bias = x, encoder.module.bias(graph)
    for layer in encoder.module.layers:
        want = layer(want, graph, edge_bias=bias)
    torch.testing.assert_close(encoder(x, ga.complete([20, 20])), encoder.module.norm(want))


def test_axial():
    encoder = encoders.axial(EMBED, HEADS, 2, shape=(4, 3)).double().eval()
    x = numbers(2 * 12, EMBED)
    cells = torch.arange(24)
    image, row, column = cells // 12, cells % 12 // 3, cells % 3
    want = x
    for layer, place in zip(encoder.layers, (row, column), strict=True):
        same = (image[:, None] == image) & (place[:, None] == place)
        want = layer.module(want, ga.Graph(same.nonzero().t(), 24))
    torch.testing.assert_close(encoder(x, ga.complete([12, 12])), encoder.norm(want))


def test_reformer_is_its_formula():
    made = encoders.reformer(EMBED, HEADS, 2, num_buckets=2, rounds=8, chunk_size=2).double().eval()
    x, graph = numbers(sum(SIZES), EMBED), ga.complete(SIZES)
    torch.manual_seed(3)
    got = made(x, graph)
    torch.manual_seed(3)
    first = second = x
    for f, g in made.blocks:
        first = first + f(second, graph)
        second = second + g(first)
    torch.testing.assert_close(got, made.norm((first + second) / 2))


def test_encoders_can_be_pickled():
    for made in (encoders.longformer(EMBED, HEADS, 1, radius=1), encoders.axial(EMBED, HEADS, 2, shape=(4, 3))):
        x = torch.randn(24, EMBED)
        graph = ga.complete([12, 12])
        assert torch.equal(pickle.loads(pickle.dumps(made))(x, graph), made(x, graph))


def test_the_old_spelling_of_neighborhood():
    with pytest.warns(DeprecationWarning, match=r"use graphattn\.models\.encoders\.neighborhood"):
        assert encoders.neighbourhood is encoders.neighborhood
