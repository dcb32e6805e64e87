"""A pointer network sorts numbers and finds convex hulls; every answer is checked exactly.

    python examples/pointer_network.py --quick
    python examples/pointer_network.py --task sort --out runs/pointer_sort.png
    python examples/pointer_network.py --task hull --out runs/pointer_hull.png

Sort: 10 random real numbers between 0 and 1; the answer is their order. Hull: 10 random points in a square; the answer
is the corners of their convex hull, counter-clockwise, from the corner that comes first in the input, as SciPy's
`ConvexHull` finds them. The output of the network is no number and no coordinate, but a sequence of places in its
input: the attention weights. An answer counts when it is right from the first place to the last.

The picture shows the weights of each step of one sorting, or four hulls that were found; the true one is dotted.

Results on 2,000 unseen sets:
    --task sort, `--seed` 0, 1 and 2: 98.90, 98.85 and 99.10 % are sorted, after 2,000 steps in under two minutes of one
    core's time
    --task hull, seed 0, the only one that was run: 68.10 % of the hulls, in two minutes, and still rising

Network and tasks: Vinyals et al. 2015, arXiv:1506.03134, which finds 87.0 % of the hulls of 10 points exactly (table
1), trained on a million sets with 512 hidden numbers; 3,000 steps here are 192,000 sets, with 128.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Tensor

import graphattn as ga

NUMBERS, POINTS = 10, 10


def sorting(count: int, random: np.random.Generator) -> tuple[list[Tensor], list[Tensor]]:
    """Sets of numbers, and their order."""
    numbers = torch.from_numpy(random.random((count, NUMBERS)))
    return list(numbers.float().unsqueeze(2)), list(numbers.argsort(dim=1))


def hulls(count: int, random: np.random.Generator) -> tuple[list[Tensor], list[Tensor]]:
    """Sets of points, and the corners of their convex hulls."""
    points = random.random((count, POINTS, 2))
    corners = [ConvexHull(x).vertices for x in points]  # counter-clockwise in the plane
    turned = [np.roll(c, -int(c.argmin())) for c in corners]
    return list(torch.from_numpy(points).float()), [torch.from_numpy(c.astype(np.int64)) for c in turned]


TASKS = {"sort": (sorting, 1, 2000), "hull": (hulls, 2, 3000)}  # what makes sets, width of an element, steps


def share_right(network: ga.models.PointerNetwork, task: str, count: int = 2000) -> float:
    """The share of unseen sets whose answer is right from beginning to end."""
    sets, answers = TASKS[task][0](count, np.random.default_rng(12345))
    found = network.point(sets)
    return sum(torch.equal(f, a) for f, a in zip(found, answers, strict=True)) / count


def train(task: str, steps: int, seed: int, batch: int = 64) -> ga.models.PointerNetwork:
    """Fit a network to fresh random sets; the step size falls to zero along a cosine."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    make, in_dim, _ = TASKS[task]
    network = ga.models.PointerNetwork(in_dim, hidden_dim=128)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    total = 0.0
    for step in range(1, steps + 1):
        loss = -network(*make(batch, random)).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 500 == 0:
            exact = share_right(network, task, 500)
            print(f"step {step:5d}  loss {total / 500:.4f}  right {exact:.1%}", flush=True)
            total = 0.0
    return network


def draw(network: ga.models.PointerNetwork, task: str, out: Path) -> None:
    """Write the picture that the opening describes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sets, answers = TASKS[task][0](4, np.random.default_rng(7))
    found = network.point(sets)
    if task == "sort":
        labels = [f"{number:.3f}" for number in sets[0].flatten().tolist()]
        figure, ax = plt.subplots(figsize=(6.5, 6), layout="constrained")
        ax.imshow(network.weights(sets[0], answers[0]), cmap="Blues", vmin=0, vmax=1)
        ax.set_xticks(range(NUMBERS + 1), [*labels, "end"], rotation=60)
        ax.set_yticks(range(NUMBERS + 1), [*(labels[i] for i in answers[0].tolist()), "end"])
        ax.set_xlabel("input")
        ax.set_ylabel("step of the answer, with what is right")
        ax.set_title("Where each step points")
    else:
        figure, axes = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained")
        for ax, x, places, answer in zip(axes, sets, found, answers, strict=True):
            for corners, style in ((answer, {"color": "#d1495b", "ls": ":"}), (places, {"color": "#2a6f97"})):
                ax.plot(*x[torch.cat([corners, corners[:1]])].T, lw=2, **style)
            ax.scatter(*x.T, color="#343b48", zorder=2)
            for number, place in enumerate(places.tolist()):
                ax.annotate(str(number + 1), x[place], xytext=(5, 5), textcoords="offset points", color="#2a6f97")
            ax.set(xlim=(-0.1, 1.1), ylim=(-0.1, 1.1), aspect="equal", xticks=[], yticks=[])
            ax.set_title("right" if torch.equal(places, answer) else "wrong; the hull is dotted")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=120)
    plt.close(figure)


def main(task: str = "sort", out: str | Path = "runs/pointer.png", steps: int | None = None, seed: int = 0) -> float:
    """Train, print and return the share of unseen sets answered exactly, and draw."""
    network = train(task, TASKS[task][2] if steps is None else steps, seed)
    right = share_right(network, task)
    print(f"{task}: {right:.2%} of 2000 unseen sets are answered exactly")
    draw(network, task, Path(out))
    print(f"picture: {out}")
    return right


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--task", choices=TASKS, default="sort")
    parser.add_argument("--out", default="runs/pointer.png", help="picture to write (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="training steps (default: 2,000 to sort, 3,000 for hulls)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="300 steps: it runs, but learns little")
    options = parser.parse_args()
    main(options.task, options.out, 300 if options.quick else options.steps, options.seed)
