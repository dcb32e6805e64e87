"""Benchmark of graphs given by a rule against the best alternatives for each, and its report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphattn.bench import process
from graphattn.bench.machine import Watch
from graphattn.bench.measure import Timing, Turns, in_turns
from graphattn.bench.peak import Memory, peak
from graphattn.bench.result import figure
from graphattn.bench.structure_rows import ROWS


@dataclass(frozen=True)
class StructureResult:
    """What one contender took for one row, in seconds and bytes, and the share of the processors' time others took."""

    row: str
    contender: str
    forward: Timing | None = None
    both: Timing | None = None
    memory: Memory | None = None
    note: str | None = None
    disturbed: float | None = None

    def figure(self, kind: str) -> float | None:
        """Median seconds of "forward" or "both", or bytes of "scratch" or "memory"; None where it is missing."""
        return figure(self, kind)


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
        ratios = {
            row: {kind: self.ratio(row, kind) for kind in ("forward", "both", "scratch", "memory")} for row in ROWS
        }
        parts = {"environment": self.environment, "ratios": ratios}
        head = ",\n".join(f'"{name}": {json.dumps(value, indent=1)}' for name, value in parts.items())
        return "{\n" + head + ',\n"results": [\n' + lines + "\n]\n}\n"

    @classmethod
    def load(cls, path: Path) -> StructureReport:
        """Read what `to_json` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        results = [
            StructureResult(
                **{
                    **each,
                    **{kind: Timing.load(each[kind]) for kind in ("forward", "both")},
                    "memory": Memory.load(each["memory"]),
                }
            )
            for each in content["results"]
        ]
        return cls(content["environment"], results)


def run(row: str, seconds: float, device: str) -> list[StructureResult]:
    """Measure the contenders of a row, each in a fresh process, in turns; one that fails gives its reason."""
    names = list(ROWS[row].contenders)
    answers = process.in_turns((measure, row, name, seconds, device) for name in names)
    return [
        StructureResult(row, name, note=str(answer)) if isinstance(answer, process.FailedError) else answer
        for name, answer in zip(names, answers, strict=True)
    ]


def measure(row: str, contender: str, seconds: float, device: str) -> Turns[StructureResult]:
    """Measure forward without gradients, forward with backward, and the peak of memory of the last that there is."""
    watch = Watch()
    result = yield from watch.over(_measure(row, contender, seconds, device))
    return replace(result, disturbed=watch.disturbed())


def _measure(row: str, contender: str, seconds: float, device: str) -> Turns[StructureResult]:
    attend, tensors = ROWS[row].contenders[contender](device)
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    grads: list[Tensor] = []

    def forward() -> Tensor:
        with torch.no_grad():
            return attend(*tensors)

    def both() -> None:
        out = attend(*leaves)
        if not grads:
            grads.append(torch.ones_like(out))
        torch.autograd.grad(out, leaves, grads)

    forward_time = yield from in_turns(forward, seconds, device)
    yield
    if not ROWS[row].backward:
        return StructureResult(row, contender, forward_time, None, peak(forward, tensors, [forward()], device))
    try:
        both_time = yield from in_turns(both, seconds, device)
    except NotImplementedError:
        return StructureResult(row, contender, forward_time, note="it has no backward pass on a CPU")
    yield
    return StructureResult(row, contender, forward_time, both_time, peak(both, leaves, [*grads, *leaves], device))
