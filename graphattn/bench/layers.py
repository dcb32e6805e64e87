"""Whole layers and whole training steps against PyG's, each in a fresh process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import torch
from torch import Generator, Tensor, nn

from graphattn.bench import process
from graphattn.bench.graphs import GRAPHS, Recipe, power_law
from graphattn.bench.measure import Timing, peak_extra, repeat
from graphattn.graph import Graph

CONTENDERS = ("graphattn", "PyG")
HEADS, WIDTH, FEATURES, EDGE_FEATURES, CLASSES = 8, 16, 128, 16, 40
LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "GAT": ("GATConv", {}),
    "GATv2": ("GATv2Conv", {}),
    "GATv2, edge features": ("GATv2Conv", {"edge_dim": EDGE_FEATURES}),
    "Transformer": ("TransformerConv", {}),
    "Transformer, edge features": ("TransformerConv", {"edge_dim": EDGE_FEATURES}),
}
TRAINING = "training step of a GAT, 2 layers"


def _sampled(generator: Generator, *, seeds: int = 1_024, fan_out: tuple[int, int] = (25, 10)) -> Graph:
    """A batch of a neighbor sampler: two hops from the seeds, each node's sources drawn anew."""
    first = seeds * (1 + fan_out[0])
    num_nodes = 158_000  # what is left of first · fan_out[1] draws among Reddit's 232,965 when copies are merged
    inner = torch.randint(seeds, first, (seeds * fan_out[0],), generator=generator)
    outer = torch.randint(num_nodes, (first * fan_out[1],), generator=generator)
    dst = torch.cat([
        torch.arange(seeds).repeat_interleave(fan_out[0]), torch.arange(first).repeat_interleave(fan_out[1])
    ])  # fmt: skip
    return Graph(torch.stack([torch.cat([inner, outer]), dst]), num_nodes)


LAYER_GRAPHS: dict[str, Recipe] = {
    "cora": GRAPHS["cora"],
    "pubmed": GRAPHS["pubmed"],
    "arxiv-full": Recipe("ogbn-arxiv's size and degrees", lambda g: power_law(169_343, 1_166_243, 13_161, g)),
    "reddit-sample": Recipe("1,024 seeds of Reddit, 25 and 10 neighbors; edges new in every call", _sampled),
    "molecules-1024": GRAPHS["molecules-1024"],
}
NEW_EACH_CALL = {"reddit-sample"}


@dataclass(frozen=True)
class LayerCase:
    """One layer, or one training step, on one graph.

    Attributes:
        graph: a name in `LAYER_GRAPHS`.
        layer: a name in `LAYERS`, or `TRAINING`.
    """

    graph: str
    layer: str

    def __str__(self) -> str:
        return f"{self.graph}, {self.layer}"


SUITE = [*(LayerCase(graph, layer) for graph in LAYER_GRAPHS for layer in LAYERS), LayerCase("arxiv-full", TRAINING)]
QUICK = [LayerCase(graph, layer) for graph in ("cora", "molecules-1024") for layer in LAYERS]


@dataclass(frozen=True)
class LayerResult:
    """What one contender took for one case.

    Attributes:
        case: what was computed.
        contender: "graphattn" or "PyG" (which uses torch-scatter where that is installed).
        both: time of forward and backward together, or of the training step.
        memory: peak bytes beside inputs, parameters and graph; outputs and gradients count.
        note: why a figure is missing.
    """

    case: LayerCase
    contender: str
    both: Timing | None = None
    memory: int | None = None
    note: str | None = None


@dataclass
class LayerReport:
    """The results of one run, and how and where it was measured."""

    environment: dict[str, Any]
    results: list[LayerResult] = field(default_factory=list)

    def to_json(self) -> str:
        """As JSON text."""
        return json.dumps(
            {"environment": self.environment, "results": [asdict(each) for each in self.results]}, indent=1
        )

    @classmethod
    def load(cls, path: Path) -> LayerReport:
        """Read what `to_json` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        results = [
            LayerResult(
                **{
                    **each,
                    "case": LayerCase(**each["case"]),
                    "both": None if each["both"] is None else Timing(**each["both"]),
                }
            )
            for each in content["results"]
        ]
        return cls(content["environment"], results)

    def multiples(self, kind: str) -> dict[LayerCase, float]:
        """How many times PyG's figure is ours, case by case; `kind` is "time" or "memory"."""
        figures = {(result.case, result.contender): _figure(result, kind) for result in self.results}
        pairs = {case: (figures.get((case, "PyG")), figures.get((case, "graphattn"))) for case, _ in figures}
        return {case: theirs / ours for case, (theirs, ours) in pairs.items() if theirs and ours}

    def mean(self, kind: str) -> float | None:
        """The geometric mean of the multiples over layers; the training step has a row of its own."""
        found = [multiple for case, multiple in self.multiples(kind).items() if case.layer != TRAINING]
        return geometric_mean(found) if found else None


def _figure(result: LayerResult, kind: str) -> float | None:
    if kind == "memory":
        return result.memory
    return None if result.both is None else result.both.median


def run(case: LayerCase, contender: str, seconds: float, device: str) -> LayerResult:
    """Measure in a fresh process; a contender that fails is reported with its reason."""
    try:
        return process.run(measure, case, contender, seconds, device)
    except process.FailedError as failure:
        return LayerResult(case, contender, note=str(failure))


def measure(case: LayerCase, contender: str, seconds: float, device: str) -> LayerResult:
    """Measure in this process."""
    call = prepare(case, LAYER_GRAPHS[case.graph].build(), contender, device)
    call()  # compiles, and prepares the edges where they stay
    return LayerResult(case, contender, repeat(call, seconds, device), peak_extra(call, device))


def prepare(case: LayerCase, graph: Graph, contender: str, device: str) -> Callable[[], Tensor]:
    """The call that is measured: forward and backward of a layer, or a training step; it returns the loss."""
    torch.manual_seed(0)
    layers = _layers(contender)
    edge_index = graph.edge_index.to(device)
    x = torch.randn(graph.num_nodes, FEATURES, device=device)

    def edges() -> Tensor:
        return edge_index.clone() if case.graph in NEW_EACH_CALL else edge_index

    if case.layer == TRAINING:
        return _training_step(layers, x, edge_index)
    name, options = LAYERS[case.layer]
    layer = getattr(layers, name)(FEATURES, WIDTH, HEADS, **options).to(device)
    x.requires_grad_()
    edge_attr = torch.randn(graph.num_edges, EDGE_FEATURES, device=device) if options else None
    leaves = [x, *layer.parameters()]

    def step() -> Tensor:
        loss = layer(x, edges(), edge_attr).sum()
        torch.autograd.grad(loss, leaves, allow_unused=True)
        return loss.detach()

    return step


def _training_step(layers: Any, x: Tensor, edge_index: Tensor) -> Callable[[], Tensor]:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = layers.GATConv(FEATURES, WIDTH, HEADS, dropout=0.5)
            self.second = layers.GATConv(HEADS * WIDTH, CLASSES, HEADS, concat=False, dropout=0.5)

        def forward(self, x: Tensor) -> Tensor:
            return self.second(self.first(x, edge_index).relu(), edge_index)

    net = Net().to(x.device)
    optimizer = torch.optim.Adam(net.parameters())
    labels = torch.randint(CLASSES, (len(x),), device=x.device)

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def _layers(contender: str) -> Any:
    if contender == "graphattn":
        import graphattn.nn

        return graphattn.nn
    import torch_geometric.nn

    return torch_geometric.nn
