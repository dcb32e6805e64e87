"""Run the benchmark: every contender on every case, each in a fresh process, those of a case in turns."""

from __future__ import annotations

from itertools import groupby

from graphattn.bench import child, process
from graphattn.bench.case import Case
from graphattn.bench.contenders import ALL
from graphattn.bench.graphs import GRAPHS
from graphattn.bench.result import Facts, Report, Result


class Task:
    """One case that is still to be measured, and who takes part.

    Attributes:
        weight: what share of the whole time it is expected to take, for telling how long it goes on.
    """

    def __init__(self, case: Case, contenders: list[str], num_edges: int, device: str) -> None:
        self.case = case
        self.contenders = contenders
        self.device = device
        numbers = num_edges * case.heads * case.width / (1e10 if device == "cuda" else 1e8)
        self.weight = sum(1.0 + ALL[name].edge_tensors * numbers for name in contenders)

    def run(self, seconds: float, timeout: float = 900.0) -> list[Result]:
        """Measure, each contender for `timeout` seconds at most; one that fails is reported with its reason."""
        works = [(child.measure, self.case, name, seconds, self.device) for name in self.contenders]
        return [
            Result(self.case, name, note=str(answer)) if isinstance(answer, process.FailedError) else answer
            for name, answer in zip(self.contenders, process.in_turns(works, timeout), strict=True)
        ]


def tasks(cases: list[Case], report: Report) -> list[Task]:
    """What is to be measured, case by case; notes the facts of their graphs in the report.

    A contender that is not installed, or is not made for a graph, is left out.
    """
    device = report.environment["device"]
    planned = []
    for name, group in groupby(cases, key=lambda case: case.graph):
        graph = GRAPHS[name].build()
        report.graphs[name] = Facts.of(name, graph)
        for case in group:
            there = [each.name for each in ALL.values() if each.installed and each.serves(case, graph, device)]
            planned.append(Task(case, there, graph.num_edges, device))
    return planned
