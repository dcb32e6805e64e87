"""Captions of pictures of digits, with soft and with hard attention: where does the network look as it writes?

    python examples/captions.py --quick
    python examples/captions.py --attention soft --out runs/captions_soft.png
    python examples/captions.py --attention hard --out runs/captions_hard.png

A picture shows one to four handwritten digits (scikit-learn's, 8 by 8) at random places from left to right; the caption
spells them: "three seven one". A small convolutional network makes a memory of 4 by 12 patches, at which an LSTM looks
before each word. Soft attention takes a weighted mean of the patches and is trained as it is. Hard attention draws one
patch; its gradient is REINFORCE's, the reward of a choice being the log-likelihood of the word that follows it, less a
moving average. It begins from the weights of soft attention, for at first a reward says little of where to look.
Pictures to test on are made of digits that no picture to train on shows.

The picture shows test pictures, and for each word of the caption the patches that it was made from.

Results (seed 0, the only one that was run):
    --attention soft: 87.4 % of 1,000 captions are right from the first word to the last, after 1,500 steps in two
    minutes of one core's time; in one of the four pictures drawn, two neighbors have changed places
    --attention hard: 70.9 %, after 750 steps of soft and 750 of hard attention, in two minutes

Show, Attend and Tell: Xu et al. 2015, arXiv:1502.03044, section 4. There a reward is the log-likelihood of the whole
caption, the entropy of the weights is added, and hard attention is trained from the beginning.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import graphattn as ga

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "<start>", "<end>")
START, END, NOTHING = 10, 11, -100
HEIGHT, WIDTH, MOST = 16, 48, 4


class Pictures(NamedTuple):
    """Pictures `[B, 1, 16, 48]` and their captions `[B, 5]`, filled up with NOTHING behind the end."""

    images: Tensor
    captions: Tensor


class Digits:
    """Pictures made of scikit-learn's digits: of 1,400 drawn at random to train on, of the other 397 to test on."""

    def __init__(self, train: bool, seed: int) -> None:
        from sklearn.datasets import load_digits

        images, digits = load_digits(return_X_y=True)
        order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(0)).numpy()
        part = order[:1400] if train else order[1400:]
        self.images = torch.from_numpy(images[part]).float().view(-1, 8, 8) / 16
        self.digits = torch.from_numpy(digits[part])
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self, count: int) -> Pictures:
        """So many new pictures."""
        images, captions = torch.zeros(count, 1, HEIGHT, WIDTH), torch.full((count, MOST + 1), NOTHING)
        for image, caption in zip(images, captions, strict=True):
            number = self._below(MOST) + 1
            slot = WIDTH // number
            for place in range(number):
                which = self._below(len(self.digits))
                x, y = place * slot + self._below(slot - 7), self._below(HEIGHT - 7)
                image[0, y : y + 8, x : x + 8] = self.images[which]
                caption[place] = self.digits[which]
            caption[number] = END
        return Pictures(images, captions)

    def _below(self, n: int) -> int:
        return int(torch.randint(n, (), generator=self.generator))


def make_captioner(attention: str) -> ga.models.Seq2Seq:
    """A convolutional encoder and Bahdanau's decoder with an LSTM."""

    def stage(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())

    features = nn.Sequential(stage(1, 24), nn.MaxPool2d(2), stage(24, 48), nn.MaxPool2d(2), stage(48, 64))
    kind = ga.nn.HardAlignment if attention == "hard" else ga.nn.Alignment
    encoder = ga.nn.PatchEncoder(features, 64)
    decoder = ga.nn.BahdanauDecoder(len(WORDS), 16, kind(64, 64), encoder.summary_dim, cell="lstm")
    return ga.models.Seq2Seq(encoder, decoder, start=START, end=END)


def shown(captions: Tensor) -> Tensor:
    """What the decoder reads: the start, and the caption without its last word."""
    return F.pad(captions[:, :-1].clamp(min=0), (1, 0), value=START)


def train(attention: str, steps: int, seed: int) -> ga.models.Seq2Seq:
    """Fit to fresh pictures, in batches of 64; hard attention for half of the steps, after soft."""
    torch.manual_seed(seed)
    model, reinforce, digits = make_captioner(attention), ga.nn.Reinforce(), Digits(True, seed)
    if attention == "hard":
        steps = steps // 2
        model.load_state_dict(train("soft", steps, seed).state_dict())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    total = 0.0
    for step in range(1, steps + 1):
        images, captions = digits.draw(64)
        decoded = model(images, shown(captions))
        losses = F.cross_entropy(decoded.logits.transpose(1, 2), captions, reduction="none", ignore_index=NOTHING)
        real = captions != NOTHING
        loss = likelihood = losses[real].mean()
        if decoded.log_prob is not None:
            loss = likelihood + reinforce(decoded.log_prob[real], -losses[real])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += likelihood.item()
        if step % 250 == 0:
            print(f"step {step:5d}  loss {total / 250:.4f}", flush=True)
            total = 0.0
    return model.eval()


def words(caption: Tensor) -> list[int]:
    """The words before the end."""
    return caption[: int((caption == END).nonzero()[0])].tolist()


@torch.no_grad()
def draw(model: ga.models.Seq2Seq, attention: str, out: Path) -> None:
    """Write the picture that the opening describes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    images, captions = Digits(False, 7).draw(40)
    chosen = [next(i for i, c in enumerate(captions) if len(words(c)) == n) for n in (2, 3, 4, 4)]
    chosen[3] = next(i for i, c in enumerate(captions) if i > chosen[2] and len(words(c)) == 4)
    figure, axes = plt.subplots(4, MOST + 1, figsize=(15, 5), layout="constrained")
    for row, i in zip(axes, chosen, strict=True):
        written = model.generate(images[i : i + 1], max_length=MOST + 1)[0]
        read = torch.tensor([[START, *written]])
        looked = model(images[i : i + 1], read).alignments.view(-1, HEIGHT // 4, WIDTH // 4)
        for ax in row:
            ax.axis("off")
        for ax, word, weights in zip(row, [*written, END], looked, strict=False):
            ax.imshow(images[i, 0], cmap="gray_r")
            over = F.interpolate(weights[None, None], scale_factor=4)[0, 0]
            ax.imshow(over, cmap="Reds", alpha=0.55, vmin=0, vmax=float(over.max()))
            ax.set_title(WORDS[word])
    figure.suptitle(f"{attention} attention: where each word was found")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100)
    plt.close(figure)


def main(attention: str = "soft", out: str | Path = "runs/captions.png", steps: int = 1500, seed: int = 0) -> float:
    """Train, print and return the share of test captions that are right from beginning to end, and draw."""
    model = train(attention, steps, seed)
    images, captions = Digits(False, 12345).draw(1000)
    written = model.generate(images, max_length=MOST + 1)
    right = sum(words(c) == w for c, w in zip(captions, written, strict=True)) / len(captions)
    print(f"{attention}: {right:.1%} of 1000 captions are right from the first word to the last")
    draw(model, attention, Path(out))
    print(f"picture: {out}")
    return right


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--attention", choices=("soft", "hard"), default="soft")
    parser.add_argument("--out", default="runs/captions.png", help="picture to write (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=1500, help="training steps (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="150 steps: it runs, but learns little")
    options = parser.parse_args()
    main(options.attention, options.out, 150 if options.quick else options.steps, options.seed)
