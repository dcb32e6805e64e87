"""The vision Transformer: its formula, and every attention inside it."""

import pytest
import torch

import graphattn as ga
from graphattn.models import ViT, encoders
from graphattn.nn.positions import sinusoidal


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_the_case_of_the_notes(pooling):
    net = ViT(224, 32, 2, embed_dim=128, depth=2, pooling=pooling)
    assert net.grid_shape == (7, 7)
    assert net(torch.randn(2, 3, 224, 224)).shape == (2, 2)


@pytest.mark.parametrize("pooling", ["first", "mean", "attention"])
@pytest.mark.parametrize("positions", ["learned", "sine"])
def test_formula(pooling, positions):
    net = ViT((8, 12), (4, 3), 5, channels=2, embed_dim=16, depth=1, pooling=pooling, positions=positions).eval()
    images = torch.randn(3, 2, 8, 12)
    weight = net.patches.weight.flatten(1)
    rows = []
    for image in images:
        x = []
        for r in range(2):
            for c in range(4):
                patch = image[:, 4 * r : 4 * r + 4, 3 * c : 3 * c + 3].flatten()
                place = (
                    net.positions.table[4 * r + c]
                    if positions == "learned"
                    else sinusoidal(torch.tensor([[r, c]]), 16)[0]
                )
                x.append(weight @ patch + net.patches.bias + place)
        if pooling == "first":
            x.insert(0, net.class_token[0, 0])
        graph = ga.complete(len(x))
        rows.append(net.head(net.encoder(torch.stack(x), graph), graph))
    torch.testing.assert_close(net(images), torch.cat(rows), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("pooling", ["first", "mean", "attention"])
def test_without_positions_the_order_of_patches_does_not_matter(pooling):
    net = ViT((4, 6), 2, 3, embed_dim=16, depth=2, pooling=pooling).double().eval()
    patches = torch.randn(6, 3, 2, 2, dtype=torch.float64)

    def image(order):
        rows = patches[order].view(2, 3, 3, 2, 2)  # [rows, columns, channels, height, width]
        return rows.permute(2, 0, 3, 1, 4).reshape(1, 3, 4, 6)

    moved = torch.tensor([3, 0, 5, 1, 4, 2])
    assert (net(image(moved)) - net(image(torch.arange(6)))).abs().max() > 1e-4
    torch.nn.init.zeros_(net.positions.table)
    torch.testing.assert_close(net(image(moved)), net(image(torch.arange(6))))


INSIDE = {
    "neighborhood": lambda: encoders.neighborhood(16, 2, 2, shape=(4, 4), kernel_size=3),
    "axial": lambda: encoders.axial(16, 2, 2, shape=(4, 4)),
    "linformer": lambda: encoders.linformer(16, 2, 2, num_landmarks=4, max_nodes=17),
    "performer": lambda: encoders.performer(16, 2, 2),
}


@pytest.mark.parametrize("kind", INSIDE)
def test_any_attention_inside(kind):
    pooling = "mean" if kind in ("neighborhood", "axial") else "first"
    net = ViT(16, 4, 3, embed_dim=16, encoder=INSIDE[kind](), pooling=pooling).double()
    out = net(torch.randn(2, 3, 16, 16, dtype=torch.float64))
    assert out.shape == (2, 3)
    out.sum().backward()
    assert net.patches.weight.grad.abs().max() > 1e-9


def test_errors():
    with pytest.raises(ValueError, match=r"patches of \(5, 5\) do not tile an image of \(16, 16\)"):
        ViT(16, 5, 2)
    with pytest.raises(ValueError, match=r"images are \[B, channels, \(16, 16\)\], got \[2, 3, 16, 8\]"):
        ViT(16, 4, 2)(torch.zeros(2, 3, 16, 8))
    with pytest.raises(ValueError, match='positions is "learned" or "sine", got \'none\''):
        ViT(16, 4, 2, positions="none")


def test_the_class_token_is_averaged_among_the_others():
    net = ViT(8, 4, 5, embed_dim=16, depth=1, num_heads=2, pooling="mean", class_token=True).eval()
    images = torch.randn(3, 3, 8, 8)
    patches = net.patches(images).flatten(2).transpose(1, 2) + net.positions.table
    for got, tokens in zip(net(images), patches, strict=True):
        x = torch.cat([net.class_token[0], tokens])
        want = net.head(net.encoder(x, ga.complete(5)), ga.complete(5))[0]
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-4)
        assert net.encoder(x, ga.complete(5)).mean(0).shape == (16,)
    assert ViT(8, 4, 5, pooling="mean").class_token is None
    with pytest.raises(ValueError, match="reads the class token"):
        ViT(8, 4, 5, class_token=False)
