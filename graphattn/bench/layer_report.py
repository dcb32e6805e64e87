"""The results of the benchmark of layers, and the JSON file that stores them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from graphattn.bench.measure import Timing
from graphattn.bench.peak import Memory
from graphattn.bench.result import figure

TRAINING = "training step of a GAT, 2 layers"
FLOOR = "floor"
"""The linear maps of a layer alone, x Wᵀ forward and backward, by PyTorch."""


@dataclass(frozen=True)
class LayerCase:
    """One layer, or one training step, on one graph.

    Attributes:
        graph: a name in `graphattn.bench.layers.LAYER_GRAPHS`.
        layer: a name in `graphattn.bench.layers.LAYERS`, or `TRAINING`.
    """

    graph: str
    layer: str

    def __str__(self) -> str:
        return f"{self.graph}, {self.layer}"


@dataclass(frozen=True)
class LayerResult:
    """What one contender took for one case.

    Attributes:
        case: what was computed.
        contender: "graphattn", "PyG" (which uses torch-scatter where that is installed) or `FLOOR`.
        both: time of forward and backward together, or of the training step.
        memory: the peak meanwhile; parameters are among the inputs.
        note: why a figure is missing.
        disturbed: the share of the processors' time that other processes took meanwhile; None where it is not told.
    """

    case: LayerCase
    contender: str
    both: Timing | None = None
    memory: Memory | None = None
    note: str | None = None
    disturbed: float | None = None

    def figure(self, kind: str) -> float | None:
        """Median seconds of "both", or bytes of "scratch" or "memory"; None where it is missing."""
        return figure(self, kind)


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
                    "both": Timing.load(each["both"]),
                    "memory": Memory.load(each["memory"]),
                }
            )
            for each in content["results"]
        ]
        return cls(content["environment"], results)

    def multiples(self, kind: str) -> dict[LayerCase, float]:
        """How many times PyG's figure is ours, case by case; `kind` is "both", "scratch" or "memory"."""
        return self._ratios("PyG", "graphattn", kind)

    def beside_floor(self) -> dict[LayerCase, float]:
        """How many times the time of the linear maps alone ours is, case by case."""
        return self._ratios("graphattn", FLOOR, "both")

    def _ratios(self, above: str, below: str, kind: str) -> dict[LayerCase, float]:
        figures = {(result.case, result.contender): result.figure(kind) for result in self.results}
        pairs = {case: (figures.get((case, above)), figures.get((case, below))) for case, _ in figures}
        return {case: first / second for case, (first, second) in pairs.items() if first and second}

    def mean(self, kind: str) -> float | None:
        """The geometric mean of the multiples over layers; the training step has a row of its own."""
        found = [multiple for case, multiple in self.multiples(kind).items() if case.layer != TRAINING]
        return geometric_mean(found) if found else None
