"""Benchmark of graphs given by a rule against the best alternatives for each, and its report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphattn.bench import process
from graphattn.bench.machine import Watch
from graphattn.bench.measure import Timing, peak_extra, repeat
from graphattn.bench.structure_rows import ROWS


@dataclass(frozen=True)
class StructureResult:
    """What one contender took for one row, in seconds and bytes, and the share of the processors' time others took."""

    row: str
    contender: str
    forward: Timing | None = None
    both: Timing | None = None
    memory: int | None = None
    note: str | None = None
    disturbed: float | None = None

    def figure(self, kind: str) -> float | None:
        """Median seconds of "forward" or "both", or bytes of "memory"; None where it is missing."""
        if kind == "memory":
            return self.memory
        timing: Timing | None = getattr(self, kind)
        return None if timing is None else timing.median


@dataclass
class StructureReport:
    """The results of one run, and its environment."""

    environment: dict[str, Any]
    results: list[StructureResult] = field(default_factory=list)

    def ratio(self, row: str, kind: str) -> float | None:
        """The others' figure divided by graphattn's, by the comparison of the row."""
        mine = next((r.figure(kind) for r in self.results if r.row == row and r.contender == "graphattn"), None)
        others = [r.figure(kind) for r in self.results if r.row == row and r.contender != "graphattn"]
        found = [figure for figure in others if figure is not None]
        if not mine or not found:
            return None
        against = {"best": min(found), "sum": sum(found), "double": 2 * found[0]}
        return against[ROWS[row].against] / mine

    def reached(self, row: str) -> bool | None:
        """Whether forward, and forward with backward, reach their aim; None where there is no aim."""
        aim = ROWS[row].aim
        found = [ratio for kind in ("forward", "both") if (ratio := self.ratio(row, kind)) is not None]
        return None if aim is None or not found else min(found) >= aim

    def to_json(self) -> str:
        """As JSON text, one line for each result."""
        lines = ",\n".join(json.dumps(asdict(result), ensure_ascii=False) for result in self.results)
        ratios = {row: {kind: self.ratio(row, kind) for kind in ("forward", "both", "memory")} for row in ROWS}
        parts = {"environment": self.environment, "ratios": ratios}
        head = ",\n".join(f'"{name}": {json.dumps(value, indent=1)}' for name, value in parts.items())
        return "{\n" + head + ',\n"results": [\n' + lines + "\n]\n}\n"

    @classmethod
    def load(cls, path: Path) -> StructureReport:
        """Read what `to_json` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        results = [
            StructureResult(**{**each, **{kind: each[kind] and Timing(**each[kind]) for kind in ("forward", "both")}})
            for each in content["results"]
        ]
        return cls(content["environment"], results)


def run(row: str, contender: str, seconds: float, device: str) -> StructureResult:
    """Measure one contender in a fresh process; one that fails is reported with its reason."""
    try:
        return process.run(measure, row, contender, seconds, device)
    except process.FailedError as failure:
        return StructureResult(row, contender, note=str(failure))


def measure(row: str, contender: str, seconds: float, device: str) -> StructureResult:
    """Measure forward without gradients, forward with backward, and peak extra memory of the last that there is."""
    watch = Watch()
    forward, both, memory, note = _figures(row, contender, seconds, device)
    return StructureResult(row, contender, forward, both, memory, note, watch.disturbed())


def _figures(
    row: str, contender: str, seconds: float, device: str
) -> tuple[Timing, Timing | None, int | None, str | None]:
    attend, tensors = ROWS[row].contenders[contender](device)
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]

    def forward() -> Tensor:
        with torch.no_grad():
            return attend(*tensors)

    grad = torch.ones_like(forward())
    forward_time = repeat(forward, seconds, device)
    if not ROWS[row].backward:
        return forward_time, None, peak_extra(forward, device), None

    def both() -> None:
        torch.autograd.grad(attend(*leaves), leaves, grad)

    try:
        both()
    except NotImplementedError:
        return forward_time, None, None, "it has no backward pass on a CPU"
    return forward_time, repeat(both, seconds, device), peak_extra(both, device), None
