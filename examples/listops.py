"""Nested lists of digits: five kinds of attention side by side, each exchanged for the next in one line.

    python examples/listops.py --out runs/listops.png
    python examples/listops.py --quick                         (few steps)

`[MAX 2 9 [MIN 4 7 ] 0 ]` is 9. Expressions come from the grammar of ListOps (Nangia and Bowman 2018, arXiv:1804.06028)
with Long Range Arena's numbers (Tay et al. 2021, arXiv:2011.04006): MIN, MAX, MED (rounded down) and SM (sum modulo
10) of 2 to 10 arguments, each an operator with probability 0.25, down to depth 10. Ours are short: 10 to 80 tokens, 23
in the mean, where the arena keeps 500 to 2,000. 20,000 to train on and 2,000 to test; two layers, 64 wide, four heads;
400 steps of 64 (the arena: 96,000 expressions and a larger network). The class token answers. Lengths and
steps were tried on other expressions than these.

Mean and range of seeds 0, 1 and 2, each with the same expressions; the other columns are means. One thread of a busy
machine, whose seconds are to be compared with one another only: training in seconds of a processor, and a forward and
backward pass on one sequence of 2,000 tokens, with the memory by which it raises the process. "Published" is the
arena's table 1:

                     accuracy               published   10 to 20  21 to 40  41 to 80   training   2,000 tokens
    full             44.5 % (44.0 to 44.8)     36.4 %       47.6      41.8      36.5       20 s   0.09 s   19 MiB
    window           37.2 % (36.8 to 37.5)     15.8 %       38.6      35.1      35.9       12 s   0.03 s   16 MiB
    Linformer        41.9 % (40.8 to 42.9)     35.7 %       44.9      40.2      32.7       20 s   0.02 s   15 MiB
    Performer        43.9 % (43.2 to 44.5)     18.0 %       46.2      43.0      36.3       26 s   0.05 s   31 MiB
    Reformer         40.7 % (40.3 to 41.0)     37.3 %       43.7      38.2      33.0       38 s   0.31 s   42 MiB
    commonest value  15.0 %                                 15.1      14.9      14.8
    first operator   32.1 %                                 30.4      35.4      33.2

As published, full attention is ahead of Linformer, and the window is last (4 to each side in two layers: its class
token hears 8 tokens). Otherwise than published, Performer is level with full attention, and Reformer is behind the
three, perhaps because its class token hears only those of its buckets, which are drawn anew at each step.

"First operator" is the commonest value of expressions that begin with the same operator. At the arena's lengths it is
right in 36.4 %, and one commonest value in 17.4 %, which are the two levels of the published numbers. So it seems that
full, Linformer and Reformer attention have learned there to read the first operator, and the window and Performer have
not. All five learn it here, and what they add to it, they add on short expressions: of more than 40 tokens (277, good
to 3 points) none surely beats it. An accuracy on all 2,000 is good to about one point.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import graphattn as ga
from graphattn.bench.peak import peak_extra
from graphattn.models import TextEncoder, encoders

OPERATORS: dict[str, Callable[[list[int]], int]] = {
    "[MIN": min,
    "[MAX": max,
    "[MED": lambda values: int(statistics.median(values)),
    "[SM": lambda values: sum(values) % 10,
}
DIGITS = [str(digit) for digit in range(10)]
TOKENS = ["[CLASS]", *OPERATORS, "]", *DIGITS]
MAX_DEPTH, MAX_ARGUMENTS, SHARE_OF_OPERATORS = 10, 10, 0.25  # Long Range Arena's
LENGTHS, ARENA = (10, 80), (500, 2000)  # the fewest and the most tokens of an expression, here and in the arena
BINS = ((10, 20), (21, 40), (41, 80))  # accuracy is told of each
WIDTH, HEADS, DEPTH = 64, 4, 2
PUBLISHED = {"full": 36.37, "window": 15.82, "Linformer": 35.70, "Performer": 18.01, "Reformer": 37.27}

Data = list[tuple[list[str], int]]
"""Expressions and their values."""


def attentions(max_nodes: int) -> dict[str, Callable[[], nn.Module]]:
    """What is compared: the encoders differ in these lines only."""
    shape = WIDTH, HEADS, DEPTH
    return {
        "full": lambda: encoders.transformer(*shape, ffn_dim=2 * WIDTH),
        "window": lambda: encoders.truncated(*shape, radius=4, ffn_dim=2 * WIDTH),
        "Linformer": lambda: encoders.linformer(*shape, num_landmarks=32, max_nodes=max_nodes, ffn_dim=2 * WIDTH),
        "Performer": lambda: encoders.performer(*shape, num_features=32, ffn_dim=2 * WIDTH),
        "Reformer": lambda: encoders.reformer(*shape, num_buckets=4, rounds=2, chunk_size=16, ffn_dim=2 * WIDTH),
    }


def expression(words: list[str], longest: int, depth: int = 1) -> int:
    """Append a random expression to `words` and return its value; one that grows too long is left unfinished."""
    if len(words) > longest:
        return 0
    if depth == MAX_DEPTH or random.random() > SHARE_OF_OPERATORS:
        words.append(random.choice(DIGITS))
        return int(words[-1])
    operator = random.choice(list(OPERATORS))
    words.append(operator)
    values = [expression(words, longest, depth + 1) for _ in range(random.randint(2, MAX_ARGUMENTS))]
    words.append("]")
    return OPERATORS[operator](values)


def expressions(count: int, shortest: int, longest: int) -> Data:
    """So many different expressions of the lengths that are kept."""
    found: dict[str, tuple[list[str], int]] = {}
    while len(found) < count:
        words: list[str] = []
        value = expression(words, longest)
        if shortest <= len(words) <= longest:
            found[" ".join(words)] = words, value
    return list(found.values())


def guess(data: Data, test: Data, sign: Callable[[list[str]], str]) -> Tensor:
    """Which values of `test` the commonest value in `data` of expressions with the same sign finds, `[test]` bool."""
    values: dict[str, Counter[int]] = defaultdict(Counter)
    for words, value in data:
        values[sign(words)][value] += 1
    return torch.tensor([values[sign(words)].most_common(1)[0][0] == value for words, value in test])


def guesses(data: Data, test: Data) -> dict[str, Tensor]:
    """What is found without attention."""
    return {
        "commonest value": guess(data, test, lambda words: ""),
        "first operator": guess(data, test, lambda words: words[0]),
    }


class Row(NamedTuple):
    """What is measured of one kind of attention."""

    right: Tensor
    """which test values were found, `[seeds, test]` bool"""
    training: float
    """processor seconds, the mean over the seeds"""
    seconds: float
    """of a processor, for forward and backward on one long sequence"""
    memory: int | None
    """by which that step raises what the process holds, in bytes; None where the system does not tell"""


class Batch(NamedTuple):
    """Expressions packed one after another, a class token before each."""

    tokens: Tensor
    graph: ga.graph.Complete
    values: Tensor


def pack(data: Data) -> Batch:
    numbers = {token: number for number, token in enumerate(TOKENS)}
    tokens = torch.tensor([numbers[word] for words, _ in data for word in ("[CLASS]", *words)])
    graph = ga.complete([len(words) + 1 for words, _ in data])
    return Batch(tokens, graph, torch.tensor([value for _, value in data]))


class Network(nn.Module):
    """Tokens and their places through an encoder; the class token gives the scores of the ten values."""

    def __init__(self, encoder: nn.Module, max_nodes: int) -> None:
        super().__init__()
        positions = ga.nn.positions.LearnedPositions(max_nodes, WIDTH)
        self.encoder = TextEncoder(len(TOKENS), WIDTH, encoder, positions=positions)
        self.head = ga.nn.GraphHead(WIDTH, 10, pooling="first")

    def forward(self, tokens: Tensor, graph: ga.graph.Complete) -> Tensor:
        """Scores of the values, `[expressions, 10]`."""
        return self.head(self.encoder(tokens, graph), graph)


def train(net: Network, data: Data, steps: int, size: int = 64) -> None:
    """AdamW with a warm-up and a decay."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, pct_start=0.1)
    net.train()
    for _ in range(steps):
        batch = pack(random.sample(data, size))
        optimizer.zero_grad()
        F.cross_entropy(net(batch.tokens, batch.graph), batch.values).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    net.eval()


@torch.no_grad()
def right(net: Network, data: Data) -> Tensor:
    """Which values the network finds, `[data]` bool."""
    batches = [pack(data[first : first + 100]) for first in range(0, len(data), 100)]
    return torch.cat([net(batch.tokens, batch.graph).argmax(1) == batch.values for batch in batches])


def learn(name: str, seed: int, data: Data, test: Data, steps: int) -> tuple[Tensor, float]:
    """Train a network; which test values it finds, and the processor seconds of its training."""
    random.seed(seed)
    torch.manual_seed(seed)
    net, start = Network(attentions(LENGTHS[1] + 1)[name](), LENGTHS[1] + 1), time.process_time()
    train(net, data, steps)
    taken = time.process_time() - start
    print(f"trained {name}, seed {seed}", flush=True)
    return right(net, test), taken


def long_step(build: Callable[[], nn.Module], length: int) -> tuple[float, int | None]:
    """Processor seconds of forward and backward on one sequence, and the bytes by which they raise memory."""
    net = Network(build(), length)
    tokens, graph = torch.randint(len(TOKENS), (length,)), ga.complete(length)

    def step() -> None:
        net.zero_grad()
        net(tokens, graph).logsumexp(1).sum().backward()

    step()
    taken = []
    for _ in range(3):
        start = time.process_time()
        step()
        taken.append(time.process_time() - start)
    return statistics.median(taken), peak_extra(step, "cpu")


def by_length(found: Tensor, test: Data) -> list[float]:
    """The share of right values among the test expressions of each bin of lengths, in percent."""
    lengths = torch.tensor([len(words) for words, _ in test])
    inside = [(lengths >= fewest) & (lengths <= most) for fewest, most in BINS]
    return [100 * found[..., these].double().mean().item() for these in inside]


def percent(found: Tensor) -> list[float]:
    """The accuracy of each seed, in percent."""
    return (100 * found.double().mean(-1)).flatten().tolist()


def line(name: str, found: Tensor, test: Data) -> str:
    """Accuracy: the mean over the seeds, the lowest and the highest, and the mean for each bin of lengths."""
    each = percent(found)
    spread = f"({min(each):.1f} to {max(each):.1f})" if len(each) > 1 else ""
    bins = " ".join(f"{share:8.1f}" for share in by_length(found, test))
    return f"{name:15} {statistics.mean(each):5.1f} % {spread:14} {bins}"


def draw(table: dict[str, Row], known: dict[str, Tensor], test: Data, length: int, out: Path) -> None:
    """Accuracy beside the published one and by length; seconds and memory of a long step."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, ((left, middle), below) = plt.subplots(2, 2, figsize=(13, 8), width_ratios=(3, 2), layout="constrained")
    places, each = torch.arange(len(table)).numpy(), torch.tensor([percent(row.right) for row in table.values()])
    means = each.mean(1)
    reach = torch.stack([means - each.amin(1), each.amax(1) - means])
    mine = left.bar(
        places - 0.2,
        means.numpy(),
        0.4,
        yerr=reach.numpy(),
        capsize=3,
        color="#2a6f97",
        label="here, and the range of seeds",
    )
    theirs = left.bar(places + 0.2, [PUBLISHED[name] for name in table], 0.4, color="#cfd8dc", label="Long Range Arena")
    left.bar_label(mine, fmt="%.1f", size=9, label_type="center", color="white")
    left.bar_label(theirs, fmt="%.1f", size=9)
    for (name, found), style in zip(known.items(), (":", "--"), strict=True):
        left.axhline(percent(found)[0], color="#e07a3f", linestyle=style, label=f"{name}, here")
    left.set_xticks(places, list(table))
    left.set_ylabel("accuracy, %")
    left.set_title(f"ListOps: {LENGTHS[0]} to {LENGTHS[1]} tokens here, {ARENA[0]} to {ARENA[1]:,} there")
    left.legend(loc="upper center", ncols=2, frameon=False, fontsize=9)
    left.set_ylim(0, 1.3 * float(each.max()))
    labels = [f"{fewest} to {most}" for fewest, most in BINS]
    for name, row in table.items():
        middle.plot(labels, by_length(row.right, test), marker="o", label=name)
    middle.plot(
        labels, by_length(known["first operator"], test), color="#e07a3f", linestyle="--", label="first operator"
    )
    middle.set_xlabel("tokens")
    middle.set_ylabel("accuracy, %")
    middle.set_title("By the length of the expression")
    middle.legend(frameon=False, fontsize=9)
    seconds = [row.seconds for row in table.values()]
    memory = [(row.memory or 0) / 2**20 for row in table.values()]
    for axes, values, what in zip(below, (seconds, memory), ("seconds", "MiB"), strict=True):
        bars = axes.barh(places, values, color="#2a6f97")
        axes.bar_label(bars, fmt="%.3g", padding=3, size=9)
        axes.set_yticks(places, list(table))
        axes.invert_yaxis()
        axes.margins(x=0.15)
        axes.set_xlabel(what)
    below[0].set_title(f"A step on {length:,} tokens: processor time")
    below[1].set_title("and memory")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=130)
    plt.close(figure)


def main(out: str | Path = "runs/listops.png", quick: bool = False, seeds: int = 3, steps: int = 400) -> dict[str, Row]:
    """Train with each attention, print and draw the table, and return it."""
    random.seed(0)
    count, of_arena, length = (440, 40, 200) if quick else (22_000, 2000, ARENA[1])
    seeds, steps = (1, 15) if quick else (seeds, steps)
    data, long = expressions(count, *LENGTHS), expressions(of_arena, *ARENA)
    test, data = data[: count // 11], data[count // 11 :]
    known = guesses(data, test)
    print(f"{len(data):,} expressions to train on, {len(test):,} to test")
    trained = {name: [learn(name, seed, data, test, steps) for seed in range(seeds)] for name in attentions(1)}
    bins = " ".join(f"{fewest:>3} to {most:2}" for fewest, most in BINS)
    print(f"{'':15} accuracy (range)     {bins}  tokens   published   training   a step on {length:,} tokens")
    table = {}
    for name, build in attentions(length).items():  # last, for what measures memory slows what comes after
        found = torch.stack([each for each, _ in trained[name]])
        training = statistics.mean(taken for _, taken in trained[name])
        table[name] = row = Row(found, training, *long_step(build, length))
        memory = "" if row.memory is None else f"{row.memory / 2**20:6.0f} MiB"
        costs = f"{row.training:8.0f} s {row.seconds:8.2f} s {memory}"
        print(f"{line(name, found, test)}         {PUBLISHED[name]:7.1f} % {costs}", flush=True)
    for name, found in known.items():
        print(line(name, found, test))
    half = of_arena // 2
    for name, found in guesses(long[:half], long[half:]).items():
        print(f"{name}, {ARENA[0]} to {ARENA[1]:,} tokens: {percent(found)[0]:.1f} %")
    draw(table, known, test, length, Path(out))
    print(f"picture: {out}")
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", default="runs/listops.png", help="picture to write (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="few steps")
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=400, help="of training (default: %(default)s)")
    options = parser.parse_args()
    main(options.out, options.quick, options.seeds, options.steps)
