"""Handwritten digits as sixteen patches: a small vision Transformer, and where its class token looks.

    python examples/digits_patches.py --out runs/digits.png
    python examples/digits_patches.py --quick                  (fewer epochs)
    python examples/digits_patches.py --validate --seed 3      (to compare settings)

An image of 8 × 8 pixels is cut into 4 × 4 patches, which are a sequence of 16 nodes; with a class token, attention runs
on the complete graph of 17. Half of the training images are moved, turned and scaled a little.

Expected: 98.52 % of the 360 test images, the mean of seeds 0, 1 and 2, each with a split of its own; they lie apart:
98.89, 96.94 and 99.72. A support vector machine on the pixels, as in scikit-learn's own example, has 98.89, 99.17 and
99.17 on the same splits. Each seed takes about a minute of one core of a busy machine.

With `--validate` the test images are left out. So it was compared how many images to move, with seed 3: 95.28 % of 360
validation images with none, 98.61 % with half, 97.78 % with all. Seeds 1 and 2 were tested once. Seed 0 had been tested
before with these settings, and once after learning from 1,077 images: 97.78 %, and 96.67 % of the other 360, which
since then are learned from too.

The picture shows an image of each digit, and below it, behind the digit's outline, how much the class token looks at
each patch in the last layer, the mean of its heads.

Data: scikit-learn's digits, 1,797 images (Alpaydin and Kaynak 1998, UCI), a fifth of them for the test, by class.
Network: Dosovitskiy et al. 2021, arXiv:2010.11929.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.classification import multiclass_accuracy

import graphattn as ga
from graphattn.models import ViT


def load(seed: int, validate: bool = False) -> list[tuple[Tensor, Tensor]]:
    """Images `[N, 1, 8, 8]` from −1 to 1 and their digits, by class: 1,437 to learn from and 360 for the test.

    To validate, the test images are left out and 360 of the others take their place.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    seen = np.arange(len(digits.target))
    for _ in range(2 if validate else 1):
        seen, unseen = train_test_split(seen, test_size=360, stratify=digits.target[seen], random_state=seed)
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    return [(images[part], torch.tensor(digits.target[part])) for part in (seen, unseen)]


def moved(images: Tensor) -> Tensor:
    """Half of the images as they are; the others moved by up to a pixel, turned by up to 12°, scaled by up to 10 %."""
    N = len(images)
    turn, scale, right, down = (torch.rand(4, N) * 2 - 1) * torch.tensor([0.2, 0.1, 0.25, 0.25]).view(4, 1)
    cos, sin = (1 + scale) * turn.cos(), (1 + scale) * turn.sin()
    matrix = torch.stack([torch.stack([cos, -sin, right], 1), torch.stack([sin, cos, down], 1)], 1)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    changed = F.grid_sample(images + 1, grid, align_corners=False) - 1  # outside there is paper, which is −1
    return torch.where(torch.rand(N, 1, 1, 1) < 0.5, images, changed)


def train(net: ViT, images: Tensor, digits: Tensor, epochs: int, batch_size: int = 64) -> None:
    """AdamW with a warm-up and a decay, on images moved a little in each epoch."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    steps = epochs * -(-len(images) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, pct_start=0.1)
    net.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(moved(images[chosen])), digits[chosen], label_smoothing=0.05)
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()


@torch.no_grad()
def accuracy(net: ViT, images: Tensor, digits: Tensor) -> float:
    return multiclass_accuracy(net(images), digits, 10, average="micro").item()


@torch.no_grad()
def looks(net: ViT, image: Tensor) -> Tensor:
    """How much the class token looks at each patch, in the last layer, the mean of the heads, `[4, 4]`."""
    *before, last = net.encoder.layers
    x = net.patches(image.unsqueeze(0)).flatten(2).transpose(1, 2)[0] + net.sines
    x = torch.cat([net.class_token[0], x])
    graph = ga.complete(len(x))
    for layer in before:
        x = layer(x, graph)
    _, weights = last.attention(last.attention_norm(x), graph, return_weights=True)
    return weights.mean(1).view(17, 17)[0, 1:].view(4, 4)


@torch.no_grad()
def draw(net: ViT, images: Tensor, digits: Tensor, out: Path) -> None:
    """One image of each digit, and the patches in the color of how much the class token looks at them."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    chosen = torch.stack([images[int((digits == digit).nonzero()[0])] for digit in range(10)])
    weights = [looks(net, image).numpy() for image in chosen]
    figure, axes = plt.subplots(2, 10, figsize=(12, 2.8), layout="constrained")
    for (above, below), image, answer, weight in zip(axes.T, chosen, net(chosen).argmax(1), weights, strict=True):
        above.imshow(image[0].numpy(), cmap="gray_r")
        above.set_title(f"predicted {answer}", size=10)
        shown = below.imshow(weight, cmap="Oranges", vmin=0, vmax=np.max(weights), extent=(-0.5, 7.5, 7.5, -0.5))
        below.contour(image[0].numpy(), [0], colors="black", linewidths=1)
        for axis in (above, below):
            axis.set_xticks([])
            axis.set_yticks([])
    axes[0, 0].set_ylabel("image")
    axes[1, 0].set_ylabel("class token\nlooks at")
    figure.colorbar(shown, ax=axes, label="weight")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=130)
    plt.close(figure)


def main(out: str | Path = "runs/digits.png", quick: bool = False, seed: int = 0, validate: bool = False) -> float:
    """Train, print the accuracy on unseen images, draw where the class token looks, return the accuracy."""
    from sklearn.svm import SVC

    torch.manual_seed(seed)
    (images, digits), (unseen, answers) = load(seed, validate)
    net, start = ViT(8, 2, 10, channels=1, embed_dim=64, depth=3, num_heads=4, positions="sine"), time.process_time()
    train(net, images, digits, epochs=4 if quick else 60)
    taken, score = time.process_time() - start, accuracy(net, unseen, answers)
    rival = SVC(gamma=0.001 * 64).fit(images.flatten(1), digits)  # as in scikit-learn's own example, on 0 to 16
    part = "validation" if validate else "test"
    print(f"{100 * score:.2f} % of the {len(answers)} {part} images; {taken:.0f} s of one core")
    print(f"a support vector machine on the pixels: {100 * rival.score(unseen.flatten(1), answers):.2f} %")
    draw(net, unseen, answers, Path(out))
    print(f"picture: {out}")
    return score


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", default="runs/digits.png", help="picture to write (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="fewer epochs")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--validate", action="store_true", help="leave the test images out, to compare settings")
    options = parser.parse_args()
    main(options.out, options.quick, options.seed, options.validate)
