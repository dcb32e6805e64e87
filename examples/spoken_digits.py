"""Truncated self-attention recognizes spoken digits (FSDD).

    GRAPHATTN_DATA=folder python examples/spoken_digits.py --quick
    GRAPHATTN_DATA=folder python examples/spoken_digits.py --out runs/spoken_digits.png

A recording becomes a log-mel spectrogram, one frame every 10 ms; each node of the graph is three frames, 30 ms. Two
layers of self-attention see a window of 5 nodes (150 ms) to each side, so that their cost grows with the length and not
with its square; a bias for each distance tells near from far. Attention pooling makes one vector of a recording.
Without the environment variable the data are downloaded.

The picture shows a spectrogram, what the pooling looks at, and the weights of one head: a band.

Result of the second command with `--seed` 0, 1 and 2: 294, 297 and 294 of the 300 test recordings are right, 98.3 %
in the mean (98.0 to 99.0), after 60 epochs in about two minutes of one core's time. Chance is 10 %; a convolutional
network on cepstral coefficients finds 97 % of 150 recordings of the first three speakers, trained on the 1,350 others
(github.com/adhishthite/sound-mnist).

Truncated self-attention: Yeh et al. 2019, arXiv:1910.12977. Data: Jackson et al., the official test set of
300 recordings; 600 to train on (the official training set has 2,700).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import graphattn as ga
from graphattn.datasets import Recording, fsdd

RATE, MELS, FRAMES, RADIUS = 8000, 40, 3, 5


def mel_filters(bins: int) -> Tensor:
    """Triangles `[bins, MELS]` that are evenly spaced on the mel scale, 2595 log10(1 + f / 700)."""
    top = 2595 * torch.log10(torch.tensor(1 + RATE / 2 / 700))
    edges = 700 * (10 ** (torch.linspace(0, top.item(), MELS + 2) / 2595) - 1)
    frequency = torch.linspace(0, RATE / 2, bins).unsqueeze(1)
    up = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    return up.minimum(down).clamp(min=0)


def spectrogram(recording: Recording) -> Tensor:
    """Log-mel frames `[n, MELS]` of 25 ms every 10 ms, with mean 0 and variance 1."""
    wave = F.pad(recording.wave, (0, max(0, 400 - len(recording.wave))))
    spectrum = torch.stft(wave, 256, hop_length=80, win_length=200, window=torch.hann_window(200), return_complex=True)
    power = spectrum.abs().square().T @ mel_filters(129)
    frames = (power + 1e-6).log()
    return (frames - frames.mean()) / frames.std()


def nodes(frames: Tensor) -> Tensor:
    """Three frames side by side, `[n / 3, 3 · MELS]`."""
    return F.pad(frames, (0, 0, 0, -len(frames) % FRAMES)).reshape(-1, FRAMES * MELS)


def disturb(frames: Tensor) -> Tensor:
    """The same recording, somewhat slower or faster, with a band of frequencies and a stretch of time left out."""
    length = int(len(frames) * (0.85 + 0.3 * torch.rand(())))
    frames = F.interpolate(frames.T.unsqueeze(0), size=length, mode="linear").squeeze(0).T.clone()
    low, start = int(torch.randint(MELS, ())), int(torch.randint(length, ()))
    frames[:, low : low + int(torch.randint(8, ()))] = 0
    frames[start : start + int(torch.randint(8, ()))] = 0
    return frames + 0.1 * torch.randn_like(frames)


class Block(nn.Module):
    """A pre-norm Transformer layer on a window, with a bias for each offset and head."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm, self.ffn_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = ga.nn.MultiheadAttention(width, heads)
        self.offsets = nn.Parameter(torch.zeros(2 * RADIUS + 1, heads))
        self.ffn = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(0.2), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(0.2)

    def forward(self, x: Tensor, graph: ga.Graph) -> Tensor:
        """One layer."""
        bias = self.offsets[graph.offset_index]
        x = x + self.dropout(self.attention(self.norm(x), graph, edge_bias=bias))
        return x + self.dropout(self.ffn(self.ffn_norm(x)))


class Recognizer(nn.Module):
    """Two truncated layers and pooling."""

    def __init__(self, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.embed = nn.Linear(FRAMES * MELS, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.pool = ga.nn.AttentionPooling(width, num_heads=heads)
        self.out = nn.Sequential(nn.Dropout(0.2), nn.Linear(width, 10))

    def forward(self, recordings: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits of the digits `[B, 10]`, and how much the pooling looks at each node, `[N, heads]`."""
        sizes = [len(x) for x in recordings]
        graph = ga.window(sizes, radius=RADIUS)
        x = self.embed(torch.cat(recordings))
        for block in self.blocks:
            x = block(x, graph)
        pooled, weights = self.pool(self.norm(x), graph.batch, len(sizes), return_weights=True)
        return self.out(pooled), weights


def train(recordings: list[Recording], epochs: int, seed: int) -> Recognizer:
    """Fit to disturbed recordings, in batches of 25."""
    torch.manual_seed(seed)
    model = Recognizer()
    frames, digits = [spectrogram(r) for r in recordings], torch.tensor([r.digit for r in recordings])
    steps = epochs * -(-len(frames) // 25)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for epoch in range(epochs):
        total = 0.0
        for some in torch.randperm(len(frames)).split(25):
            logits, _ = model([nodes(disturb(frames[i])) for i in some])
            loss = F.cross_entropy(logits, digits[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(some)
        if (epoch + 1) % 5 == 0:
            print(f"epoch {epoch + 1:3d}  loss {total / len(frames):.4f}", flush=True)
    return model.eval()


@torch.no_grad()
def draw(model: Recognizer, recording: Recording, out: Path) -> None:
    """Write the picture that the opening describes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    frames = spectrogram(recording)
    x = nodes(frames)
    graph = ga.window(len(x), radius=RADIUS)
    block = model.blocks[0]
    bias = block.offsets[graph.offset_index]
    _, weights = block.attention(block.norm(model.embed(x)), graph, edge_bias=bias, return_weights=True)
    src, dst = graph.edge_index
    band = torch.zeros(len(x), len(x)).index_put((dst, src), weights[:, 0])
    logits, looked = model([x])
    end = len(x) * FRAMES / 100
    figure, axes = plt.subplots(3, 1, figsize=(7, 9), height_ratios=[2, 1, 4], layout="constrained")
    axes[0].imshow(frames.T, origin="lower", aspect="auto", extent=(0, len(frames) / 100, 0, MELS), cmap="magma")
    axes[0].set_ylabel("mel band")
    axes[0].set_xlim(0, end)
    axes[0].set_title(f'"{recording.digit}", said by {recording.speaker}; recognized: {logits.argmax().item()}')
    middles = (torch.arange(len(x)) + 0.5) * FRAMES / 100
    axes[1].bar(middles, looked.mean(dim=1), width=0.9 * FRAMES / 100, color="#2a6f97")
    axes[1].set_xlim(0, end)
    axes[1].set_ylabel("pooling looks")
    axes[1].set_xlabel("seconds")
    axes[2].imshow(band, cmap="Blues", vmin=0, extent=(0, end, end, 0))
    axes[2].set_xlabel("seconds: seen from …")
    axes[2].set_ylabel("… to: one head of the first layer")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=120)
    plt.close(figure)


def main(out: str | Path = "runs/spoken_digits.png", epochs: int = 60, seed: int = 0) -> float:
    """Train, print and return the accuracy on the official test set, and draw."""
    model = train(fsdd("train"), epochs, seed)
    recordings = fsdd("test")
    with torch.no_grad():
        logits, _ = model([nodes(spectrogram(r)) for r in recordings])
    right = logits.argmax(1) == torch.tensor([r.digit for r in recordings])
    print(f"test accuracy: {right.float().mean():.2%} ({int(right.sum())} of {len(right)})")
    draw(model, recordings[210], Path(out))
    print(f"picture: {out}")
    return right.float().mean().item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", default="runs/spoken_digits.png", help="picture to write (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=60, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="8 epochs")
    options = parser.parse_args()
    main(options.out, 8 if options.quick else options.epochs, options.seed)
