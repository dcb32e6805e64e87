"""The results of a benchmark, and the JSON file that stores them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from graphattn.bench.case import Case
from graphattn.bench.graphs import GRAPHS
from graphattn.bench.measure import Timing
from graphattn.bench.peak import Memory
from graphattn.graph import Graph


@dataclass(frozen=True)
class Result:
    """What one contender took for one case.

    Attributes:
        case: what was computed.
        contender: who computed it.
        forward: time of the forward pass without gradients.
        both: time of forward and backward together.
        memory: the peak during the latter.
        note: why a figure is missing.
        disturbed: the share of the processors' time that other processes took meanwhile; None where it is not told.
    """

    case: Case
    contender: str
    forward: Timing | None = None
    both: Timing | None = None
    memory: Memory | None = None
    note: str | None = None
    disturbed: float | None = None

    def figure(self, kind: str) -> float | None:
        """Median seconds of "forward" or "both", or bytes of "scratch" or "memory"; None where it is missing."""
        return figure(self, kind)


def figure(result: Any, kind: str) -> float | None:
    """A figure of a result that has `forward`, `both` and `memory`, or some of them; see `Result.figure`."""
    if kind in ("scratch", "memory"):
        memory: Memory | None = result.memory
        return None if memory is None else (memory.scratch if kind == "scratch" else memory.total)
    timing: Timing | None = getattr(result, kind, None)
    return None if timing is None else timing.median


@dataclass(frozen=True)
class Facts:
    """Sizes of a graph, and what it stands for."""

    about: str
    num_dst: int
    num_src: int
    num_edges: int
    largest: int
    empty: int

    @classmethod
    def of(cls, name: str, graph: Graph) -> Facts:
        """The facts of a graph of `GRAPHS`."""
        degree = graph.in_degree
        about, largest, empty = GRAPHS[name].about, int(degree.max()), int((degree == 0).sum())
        return cls(about, graph.num_dst, graph.num_src, graph.num_edges, largest, empty)

    def __str__(self) -> str:
        nodes = f"{self.num_dst:,}" if self.num_dst == self.num_src else f"{self.num_src:,} → {self.num_dst:,}"
        return f"{nodes} nodes, {self.num_edges:,} edges, largest in-degree {self.largest:,}"


@dataclass
class Report:
    """One run: where and how it was measured, and what came out.

    Attributes:
        environment: machine, versions, date and command.
        graphs: the facts of each graph, by name.
        results: one for each case and contender.
        probes: figures that belong to no case, by name (see `graphattn.bench.probes`).
        scaling: points of time against size (see `graphattn.bench.scaling`).
    """

    environment: dict[str, Any]
    graphs: dict[str, Facts] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    probes: dict[str, float] = field(default_factory=dict)
    scaling: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> str:
        """As JSON text, one line for each result, so that two runs compare line by line."""
        parts = {
            "environment": json.dumps(self.environment, indent=1),
            "probes": json.dumps(self.probes, indent=1),
            "graphs": _lines(
                "{}", [f"{json.dumps(name)}: {_json(asdict(facts))}" for name, facts in self.graphs.items()]
            ),
            "results": _lines("[]", [_json(asdict(result)) for result in self.results]),
            "scaling": _lines("[]", [_json(point) for point in self.scaling]),
        }
        return _lines("{}", [f"{json.dumps(name)}: {text}" for name, text in parts.items()]) + "\n"

    @classmethod
    def load(cls, path: Path) -> Report:
        """Read what `to_json` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            content["environment"],
            {name: Facts(**facts) for name, facts in content["graphs"].items()},
            [_result(**result) for result in content["results"]],
            content["probes"],
            content["scaling"],
        )


def _result(case: dict[str, Any], forward: Any, both: Any, memory: Any, **others: Any) -> Result:
    loaded = {"forward": Timing.load(forward), "both": Timing.load(both), "memory": Memory.load(memory)}
    return Result(**{**others, **loaded, "case": Case(**case)})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(brackets: str, parts: list[str]) -> str:
    return brackets[0] + "\n" + ",\n".join(parts) + "\n" + brackets[1]
