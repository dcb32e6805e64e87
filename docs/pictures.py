"""Draw the pictures of the page on graphs.

    python docs/pictures.py

writes one PNG for each kind of graph into docs/_static/graphs.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import torch

import graphattn as ga

FOLDER = Path(__file__).parent / "_static" / "graphs"


def pictures() -> dict[str, plt.Axes]:
    """The axes of each picture, by the name of its file."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(60, 2, generator=generator)
    bigbird = ga.union(ga.window(32, 1), ga.hub(32, 2), ga.random_regular(32, 2, generator=generator))
    directions = torch.randn(32, 8, generator=generator)
    return {
        "complete": ga.complete(16).plot(),
        "causal": ga.causal(16).plot(),
        "bipartite": ga.bipartite(4, 7).plot("network"),
        "window": ga.window(16, radius=2).plot(),
        "window-shift": ga.window(16, radius=2, border="shift").plot(),
        "window-periodic": ga.window(16, radius=2, border="periodic").plot(),
        "dilated": ga.dilated(16, radius=2, dilation=3).plot(),
        "strided": ga.strided(25, stride=5, causal=True).plot(),
        "grid": ga.grid((9, 13), kernel_size=5).plot(),
        "grid-shift": ga.grid((9, 13), kernel_size=5, border="shift").plot(node=0),
        "grid-periodic": ga.grid((9, 13), kernel_size=(3, 5), dilation=2, border="periodic").plot(node=0),
        "volume": ga.grid((3, 5, 5), kernel_size=3).plot(),
        "hub": ga.hub(16, hubs=2).plot(),
        "random_regular": ga.random_regular(24, degree=3, generator=generator).plot("matrix"),
        "expander": ga.expander(24, degree=4, generator=generator).plot(),
        "knn": ga.knn(points, k=3).plot(pos=points),
        "radius": ga.radius(points, r=0.2).plot(pos=points),
        "lsh": ga.lsh(directions, num_buckets=8, causal=True, generator=generator).plot("matrix"),
        "batch": ga.batch([ga.complete(4), ga.causal(7), ga.window(9, radius=1)]).plot(),
        "union": bigbird.plot(),
    }


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, axes in pictures().items():
        axes.figure.set_size_inches(4.6, 3.6)
        axes.figure.savefig(FOLDER / f"{name}.png", dpi=100, pil_kwargs={"optimize": True})
        plt.close(axes.figure)


if __name__ == "__main__":
    main()
