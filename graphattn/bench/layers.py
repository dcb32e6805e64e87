"""Whole layers and whole training steps against PyG's and the floor, each in a fresh process, in turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from graphattn.bench import process
from graphattn.bench.graphs import GRAPHS, Recipe, power_law
from graphattn.bench.layer_report import FLOOR, TRAINING, LayerCase, LayerResult
from graphattn.bench.machine import Watch
from graphattn.bench.measure import Turns, in_turns
from graphattn.bench.peak import peak
from graphattn.graph import Graph

CONTENDERS = ("graphattn", "PyG", FLOOR)
HEADS, WIDTH, FEATURES, EDGE_FEATURES, CLASSES = 8, 16, 128, 16, 40
LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "GAT": ("GATConv", {}),
    "GATv2": ("GATv2Conv", {}),
    "GATv2, edge features": ("GATv2Conv", {"edge_dim": EDGE_FEATURES}),
    "Transformer": ("TransformerConv", {}),
    "Transformer, edge features": ("TransformerConv", {"edge_dim": EDGE_FEATURES}),
}
MAPS = {"GATConv": 1, "GATv2Conv": 2, "TransformerConv": 4}
"""Linear maps of the nodes that each layer has."""


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


SUITE = [*(LayerCase(graph, layer) for graph in LAYER_GRAPHS for layer in LAYERS), LayerCase("arxiv-full", TRAINING)]
QUICK = [LayerCase(graph, layer) for graph in ("cora", "molecules-1024") for layer in LAYERS]


class Step(NamedTuple):
    """A call that is measured, the tensors that it reads, and tensors as large as what it makes and hands back."""

    call: Callable[[], Tensor]
    inputs: list[Tensor]
    results: list[Tensor]


def contenders(case: LayerCase) -> list[str]:
    """Who takes part: a training step has no floor."""
    return [name for name in CONTENDERS if name != FLOOR or case.layer != TRAINING]


def run(case: LayerCase, seconds: float, device: str) -> list[LayerResult]:
    """Measure the contenders, each in a fresh process, in turns; one that fails is reported with its reason."""
    names = contenders(case)
    answers = process.in_turns((measure, case, name, seconds, device) for name in names)
    return [
        LayerResult(case, name, note=str(answer)) if isinstance(answer, process.FailedError) else answer
        for name, answer in zip(names, answers, strict=True)
    ]


def measure(case: LayerCase, contender: str, seconds: float, device: str) -> Turns[LayerResult]:
    """Measure one contender."""
    watch = Watch()
    step = prepare(case, LAYER_GRAPHS[case.graph].build(), contender, device)
    both = yield from watch.over(in_turns(step.call, seconds, device))
    yield
    return LayerResult(
        case, contender, both, peak(step.call, step.inputs, step.results, device), None, watch.disturbed()
    )


def prepare(case: LayerCase, graph: Graph, contender: str, device: str) -> Step:
    """Forward and backward of a layer, which returns the output; or a training step, which returns the loss."""
    torch.manual_seed(0)
    edge_index = graph.edge_index.to(device)
    x = torch.randn(graph.num_nodes, FEATURES, device=device)

    def edges() -> Tensor:
        return edge_index.clone() if case.graph in NEW_EACH_CALL else edge_index

    if case.layer == TRAINING:
        return _training_step(_layers(contender), x, edge_index)
    name, options = LAYERS[case.layer]
    x.requires_grad_()
    if contender == FLOOR:
        maps = [nn.Linear(FEATURES, HEADS * WIDTH, bias=name != "GATConv", device=device) for _ in range(MAPS[name])]
        leaves = [x, *(parameter for each in maps for parameter in each.parameters())]
        return _forward_and_backward(lambda: [each(x) for each in maps], leaves, leaves)
    layer = getattr(_layers(contender), name)(FEATURES, WIDTH, HEADS, **options).to(device)
    edge_attr = torch.randn(graph.num_edges, EDGE_FEATURES, device=device) if options else None
    leaves = [x, *layer.parameters()]
    read = leaves if edge_attr is None else [*leaves, edge_attr]
    return _forward_and_backward(lambda: [layer(x, edges(), edge_attr)], leaves, read)


def _forward_and_backward(forward: Callable[[], list[Tensor]], leaves: list[Tensor], read: list[Tensor]) -> Step:
    """A call of `forward` and of the gradients of `leaves`; the gradient that arrives is drawn at the first call."""
    results, arriving = list(leaves), list[Tensor]()

    def call() -> Tensor:
        outs = forward()
        if not arriving:
            arriving.extend(torch.randn_like(out) for out in outs)
            results.extend(arriving)
        torch.autograd.grad(outs, leaves, arriving, allow_unused=True)
        return outs[0].detach()

    return Step(call, read, results)


def _training_step(layers: Any, x: Tensor, edge_index: Tensor) -> Step:
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

    return Step(step, [x, *net.parameters()], list(net.parameters()))


def _layers(contender: str) -> Any:
    if contender == "graphattn":
        import graphattn.nn

        return graphattn.nn
    import torch_geometric.nn

    return torch_geometric.nn
