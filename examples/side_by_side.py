"""The same model trained once with PyG's layers and once with ours: what the examples of drop-in layers share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from types import ModuleType

import torch
import torch_geometric.nn
from torch import Tensor, nn
from torch_geometric.data import Batch

import graphattn.nn
from graphattn.bench.peak import peak_extra
from graphattn.chem.molecule import from_smiles
from graphattn.datasets import load

Build = Callable[[ModuleType], nn.Module]
Loss = Callable[[nn.Module], Tensor]


@dataclass
class Run:
    """One training: the loss at each step, seconds of a step (median), and bytes by which a step raises memory."""

    losses: list[float]
    seconds: float
    memory: int | None = None


def molecules(name: str, count: int | None = None) -> Batch:
    """The first molecules of a data set (all, where None), as one batch with what was measured of them as `y`."""
    data = load(name)
    table = data.frame.head(count or len(data.frame))
    batch = Batch.from_data_list([from_smiles(smiles).to_data() for smiles in table[data.smiles_column]])
    batch.y = torch.tensor(table[data.target_columns[0]].to_numpy(), dtype=torch.float32)
    return batch


def compare(build: Build, loss_of: Loss, steps: int, lr: float = 0.005) -> dict[str, Run]:
    """Train with each library from the same seed, and print what came of it.

    Args:
        build: makes the model from a library of layers, `torch_geometric.nn` or `graphattn.nn`: the one line that
            differs in a user's program.
        loss_of: the loss of a model on the data.
        steps: of Adam.
        lr: its learning rate.
    """
    libraries = torch_geometric.nn, graphattn.nn
    trained = [_train(library, build, loss_of, steps, lr) for library in libraries]
    for run, step in trained:  # last, for what measures memory slows what comes after
        run.memory = peak_extra(step, "cpu")
    runs = {library.__name__: run for library, (run, _) in zip(libraries, trained, strict=True)}
    theirs, ours = runs.values()
    shown = sorted({0, steps // 4, steps // 2, steps - 1})
    print(f"{'':20}{'time of a step':>16}{'its memory':>16}   loss at step {', '.join(str(i + 1) for i in shown)}")
    for name, run in runs.items():
        memory = "not told here" if run.memory is None else f"{run.memory / 2**20:.1f} MiB"
        losses = "  ".join(f"{run.losses[i]:.4f}" for i in shown)
        print(f"{name:20}{run.seconds * 1e3:>13.1f} ms{memory:>16}   {losses}")
    apart = max(abs(a - b) for a, b in zip(ours.losses, theirs.losses, strict=True))
    print(f"largest difference between the two loss curves: {apart:.6f}")
    print(f"ours is {theirs.seconds / ours.seconds:.1f} × faster")
    return runs


def _train(library: ModuleType, build: Build, loss_of: Loss, steps: int, lr: float) -> tuple[Run, Callable[[], float]]:
    torch.manual_seed(0)
    model = build(library)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        optimizer.step()
        return loss.item()

    losses, seconds = [], []
    for _ in range(steps):
        start = time.perf_counter()
        losses.append(step())
        seconds.append(time.perf_counter() - start)
    return Run(losses, median(seconds)), step
