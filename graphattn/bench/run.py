"""Run the benchmark: every contender on every case, each in a fresh process."""

from __future__ import annotations

from itertools import groupby

from graphattn.bench import child, process
from graphattn.bench.case import Case
from graphattn.bench.contenders import ALL
from graphattn.bench.graphs import GRAPHS
from graphattn.bench.result import Facts, Report, Result


class Task:
    """One measurement that is still to be made.

    Attributes:
        weight: what share of the whole time it is expected to take, for telling how long it goes on.
    """

    def __init__(self, case: Case, contender: str, num_edges: int, device: str) -> None:
        self.case = case
        self.contender = contender
        self.device = device
        tensors = ALL[contender].edge_tensors
        self.weight = 1.0 + tensors * num_edges * case.heads * case.width / (1e10 if device == "cuda" else 1e8)

    def run(self, seconds: float, timeout: float = 900.0) -> Result:
        """Measure, for `timeout` seconds at most; a contender that fails is reported with its reason."""
        try:
            return process.run(child.measure, self.case, self.contender, seconds, self.device, timeout=timeout)
        except process.FailedError as failure:
            return Result(self.case, self.contender, note=str(failure))


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
            for contender in ALL.values():
                if contender.installed and contender.serves(case, graph, device):
                    planned.append(Task(case, contender.name, graph.num_edges, device))
    return planned
