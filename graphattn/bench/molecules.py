"""How good predictions for molecules are: the default stack and its members on data sets of the field."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

from graphattn.datasets import resolve
from graphattn.tasks.molecule.comparison import Comparison, compare_table
from graphattn.tasks.molecule.config import MEMBERS, ModelConfig, TrainingConfig
from graphattn.tasks.molecule.tables import read_molecule_table
from graphattn.tasks.molecule.task import RIVALS

DATA = ("esol", "freesolv", "lipophilicity", "bace", "bbbp", "tox21", "clintox", "sider", "qm7")
SPLITS = ("random", "scaffold")


@dataclass(frozen=True)
class MoleculeResult:
    """One training on one split.

    Attributes:
        data, split, seed: which.
        metric: "rmse" or "roc_auc".
        stack: what the whole model reaches on test molecules.
        others: the same of each member and rival, by name, with how far it is from the stack and the interval of that
            difference in 95 % of resamples.
        test: the number of test molecules.
        seconds: time of the processors, training and testing of all.
    """

    data: str
    split: str
    seed: int
    metric: str
    stack: float
    others: dict[str, dict[str, Any]]
    test: int
    seconds: float


@dataclass
class MoleculeReport:
    """The results of one or several runs, and the environment of the last."""

    environment: dict[str, Any]
    results: list[MoleculeResult] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> MoleculeReport:
        """Read what `to_json` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(content["environment"], [MoleculeResult(**each) for each in content["results"]])

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(
            {"environment": self.environment, "results": [asdict(each) for each in self.results]}, indent=1
        )

    def has(self, data: str, split: str, seed: int) -> bool:
        """Whether a run was measured."""
        return any((each.data, each.split, each.seed) == (data, split, seed) for each in self.results)

    def groups(self) -> Iterator[tuple[str, str, list[MoleculeResult]]]:
        """The results of each data set and split."""
        for data in DATA:
            for split in SPLITS:
                found = [each for each in self.results if (each.data, each.split) == (data, split)]
                if found:
                    yield data, split, found


def run(data: str, split: str, seed: int, training: TrainingConfig | None = None) -> MoleculeResult:
    """Train the default model, or another recipe, on 80 %, validate on 10 % and test on 10 %."""
    started = time.process_time()
    recipe = TrainingConfig(seed=seed) if training is None else training
    path, about = resolve(data)
    assert about is not None
    found = compare_table(
        read_molecule_table(path),
        ModelConfig(),
        recipe,
        1,
        smiles_column=about.smiles_column,
        target_columns=list(about.target_columns),
        split=split,
    )
    return _result(found, data, split, seed, time.process_time() - started)


def _result(found: Comparison, data: str, split: str, seed: int, seconds: float) -> MoleculeResult:
    stack, *others = found.contestants
    return MoleculeResult(
        data,
        split,
        seed,
        found.metric,
        stack.metrics[found.metric][0],
        {
            each.name if each.kind == "member" else f"rival: {each.name}": {
                "value": each.metrics[found.metric][0],
                "difference": each.difference,
                "interval": each.interval,
            }
            for each in others
        },
        found.parts[0]["test"],
        seconds,
    )


def table(report: MoleculeReport) -> str:
    """The results as a table in Markdown: the stack and the best of the others, with the difference between them.

    The interval of the difference is that of one split, and left out where there are several seeds.
    """
    lines = [
        "| data set, split | metric | stack | best of the others | it minus the stack (95 %) | CPU s |",
        "|---|---|---:|---|---:|---:|",
    ]
    names = {**MEMBERS, **{f"rival: {name}": text for name, text in RIVALS.items()}}
    for data, split, results in report.groups():
        metric, count = results[0].metric, len(results)
        sign = -1 if metric == "roc_auc" else 1
        best = min(results[0].others, key=lambda name: sign * mean(each.others[name]["value"] for each in results))
        shown = [each.others[best] for each in results]
        apart = f"{mean(each['difference'] for each in shown):+.3f}"
        if count == 1:
            low, high = shown[0]["interval"]
            apart += f" ({low:+.3f} to {high:+.3f})"
        stack, other = mean(each.stack for each in results), mean(each["value"] for each in shown)
        cells = [
            f"{data}, {split} ({count} seed{'s' if count > 1 else ''})",
            metric.replace("_", " ").upper(),
            f"{stack:.3f}",
            f"{names.get(best, best)} {other:.3f}",
            apart,
            f"{mean(each.seconds for each in results):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
