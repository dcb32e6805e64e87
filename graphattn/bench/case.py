"""The cases of the benchmark: each a graph, a score and the shapes of queries, keys and values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from graphattn.bench.graphs import GRAPHS
from graphattn.graph import Graph

SCORES = ("dot", "sum", "additive")
SHAPES = ((1, 128), (8, 16), (8, 32), (4, 64), (8, 64))


@dataclass(frozen=True)
class Case:
    """Softmax attention with one score on one graph.

    Attributes:
        graph: a name in `GRAPHS`.
        score: "dot" (Transformer), "sum" (GAT) or "additive" (GATv2, whose keys are its values).
        heads: H.
        width: D, of keys and values.
        dtype: of all tensors, as torch names it.
    """

    graph: str
    score: str
    heads: int
    width: int
    dtype: str = "float32"

    def __str__(self) -> str:
        other = "" if self.dtype == "float32" else f", {self.dtype}"
        return f"{self.graph}, {self.score}, {self.heads} × {self.width}{other}"

    def leaves(self, graph: Graph, device: str = "cpu", seed: int = 0) -> list[Tensor]:
        """What gradients are taken of, drawn from a seed.

        Returns:
            "dot": q `[M, H, D]`, k and v `[N, H, D]`. "sum": q `[M, H]`, k `[N, H]`, v `[N, H, D]`. "additive": q
            `[M, H, D]`, k = v `[N, H, D]`, and the vector `[H, D]`.
        """
        generator = torch.Generator().manual_seed(seed)
        wide, narrow = (self.heads, self.width), (self.heads,)
        shapes: dict[str, list[tuple[int, ...]]] = {
            "dot": [(graph.num_dst, *wide), (graph.num_src, *wide), (graph.num_src, *wide)],
            "sum": [(graph.num_dst, *narrow), (graph.num_src, *narrow), (graph.num_src, *wide)],
            "additive": [(graph.num_dst, *wide), (graph.num_src, *wide), wide],
        }
        dtype = getattr(torch, self.dtype)
        return [torch.randn(shape, generator=generator).to(device, dtype) for shape in shapes[self.score]]


def _cases(graphs: Iterable[str], scores: Iterable[str], shapes: Iterable[tuple[int, int]]) -> list[Case]:
    return [Case(graph, score, *shape) for graph in graphs for score in scores for shape in shapes]


_EVERY_SHAPE = [
    "cora", "pubmed", "arxiv", "arxiv-community", "web-topics", "molecules", "molecules-1024", "mesh-up", "mesh-down",
    "knn-8",
]  # fmt: skip
_ONE_SHAPE = [(8, 16)]

SUITE = [
    *_cases(_EVERY_SHAPE, SCORES, SHAPES),
    *_cases(["random-8k", "random-80k", "random-800k", "community-800k", "hub-800k"], SCORES, _ONE_SHAPE),
    *_cases(["complete-512", "window-4096"], ["dot"], _ONE_SHAPE),
    *_cases(["cora", "molecules"], SCORES, [(8, 8)]),
    *(Case("random-800k", score, 8, 16, dtype) for score in SCORES for dtype in ("bfloat16", "float16")),
]
SUITE.sort(key=lambda case: list(GRAPHS).index(case.graph))  # cases of one graph together
GPU = [
    Case("molecules-1024", "dot", 8, 16),
    Case("molecules-1024", "dot", 8, 16, "bfloat16"),
    Case("random-800k", "dot", 8, 16),
    Case("random-800k", "dot", 4, 64, "bfloat16"),
    Case("complete-512", "dot", 8, 16),
    Case("complete-512", "dot", 8, 64, "bfloat16"),
    *_cases(["molecules-1024", "random-800k"], ["sum", "additive"], _ONE_SHAPE),
    *_cases(["arxiv", "web-topics", "mesh-up", "community-800k"], ["dot"], _ONE_SHAPE),
    Case("window-4096", "dot", 8, 64, "bfloat16"),
]  # the most telling first: it has to be done within minutes, and what comes late may be left out
QUICK = [
    *_cases(["random-80k"], SCORES, _ONE_SHAPE),
    *_cases(["cora", "molecules", "web-topics", "complete-512"], ["dot"], _ONE_SHAPE),
]

assert {case.graph for case in SUITE} == set(GRAPHS)
