"""Time and memory of a training epoch of a whole network, against the same network built from PyG's layers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.bench import process
from graphattn.bench.measure import Turns
from graphattn.bench.peak import peak_extra
from graphattn.graph import Graph
from graphattn.models import NodeNetwork


@dataclass(frozen=True)
class SpeedCase:
    """A random graph, and the shape of a GAT of two layers on it; sparse features are words, 18 a node."""

    nodes: int
    edges: int
    features: int
    hidden: int
    heads: int
    classes: int
    dropout: float
    sparse: bool


CASES = {
    "cora-sized": SpeedCase(2708, 10_556, 1433, 64, 8, 7, 0.6, sparse=True),
    "arxiv-sized": SpeedCase(169_343, 1_166_243, 128, 128, 4, 40, 0.5, sparse=False),
}
OURS, THEIRS = "graphattn", "PyG"
_ROUNDS = 5
_WORDS = 18


def run(name: str) -> list[dict[str, Any]]:
    """Measure both, each in a fresh process, in turns; return a row for each, and one that compares them.

    Raises:
        FailedError: one of them failed.
    """
    names = (OURS, THEIRS)
    answers = process.in_turns((measure, CASES[name], contender) for contender in names)
    rows = []
    for contender, found in zip(names, answers, strict=True):
        if isinstance(found, process.FailedError):
            raise found
        rows.append({"case": name, "contender": contender, **found})
    ours, theirs = rows
    ratios = {"faster": theirs["seconds"] / ours["seconds"], "smaller": theirs["bytes"] / ours["bytes"]}
    return [*rows, {"case": name, "contender": "ratio", **ratios}]


def measure(case: SpeedCase, contender: str) -> Turns[dict[str, Any]]:
    """Least processor seconds of a training epoch, and bytes by which one raises the peak of memory."""
    step = training_step(case, contender)
    step()
    step()
    yield
    times = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
        yield
    return {"seconds": min(times), "bytes": peak_extra(step, "cpu")}


def training_step(case: SpeedCase, contender: str) -> Callable[[], float]:
    """Return one epoch of training: forward, backward, a step of Adam; it returns the loss."""
    draw = torch.Generator().manual_seed(0)
    edge_index = torch.randint(case.nodes, (2, case.edges), generator=draw)
    edge_index = edge_index[:, edge_index[0] != edge_index[1]]
    y = torch.randint(case.classes, (case.nodes,), generator=draw)
    if case.sparse:
        x = torch.zeros(case.nodes, case.features)
        x.scatter_(1, torch.randint(case.features, (case.nodes, _WORDS), generator=draw), 1.0)
    else:
        x = torch.randn(case.nodes, case.features, generator=draw)
    torch.manual_seed(0)
    if contender == OURS:
        net: nn.Module = NodeNetwork(
            case.features, case.classes, hidden_dim=case.hidden, num_heads=case.heads, linear_head=False,
            dropout=case.dropout, input_dropout=case.dropout, attention_dropout=case.dropout,
        )  # fmt: skip
        inputs: tuple[Any, ...] = (x.to_sparse_csr() if case.sparse else x, Graph(edge_index, case.nodes))
    else:
        net, inputs = _PyGNetwork(case), (x, edge_index)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=5e-4)

    def step() -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(*inputs), y)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


class _PyGNetwork(nn.Module):
    """The same network of PyTorch Geometric's layers, written as in its examples."""

    def __init__(self, case: SpeedCase) -> None:
        super().__init__()
        from torch_geometric.nn import GATConv

        self.dropout = case.dropout
        self.first = GATConv(case.features, case.hidden // case.heads, heads=case.heads, dropout=case.dropout)
        self.second = GATConv(case.hidden, case.classes, heads=1, concat=False, dropout=case.dropout)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        h = F.dropout(x, self.dropout, self.training)
        h = F.dropout(F.elu(self.first(h, edge_index)), self.dropout, self.training)
        out: Tensor = self.second(h, edge_index)
        return out
