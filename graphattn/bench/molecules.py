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

AIMS = {
    ("esol", "random"): 0.46, ("esol", "scaffold"): 0.75, ("freesolv", "random"): 0.63, ("freesolv", "scaffold"): 2.5,
    ("lipophilicity", "random"): 0.53, ("lipophilicity", "scaffold"): 0.58, ("bace", "random"): 0.89,
    ("bace", "scaffold"): 0.92, ("bbbp", "random"): 0.93, ("bbbp", "scaffold"): 0.865,
}  # fmt: skip
"""the RMSE, or the ROC-AUC of bace and bbbp, to be reached on each data set and split"""
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
    """The results as a table in Markdown: the stack, the aim, and the best of the others with the difference."""
    lines = [
        "| data set, split | metric | stack | aim | best of the others | it minus the stack (95 %) | CPU s |",
        "|---|---|---:|---:|---|---:|---:|",
    ]
    names = {**MEMBERS, **{f"rival: {name}": text for name, text in RIVALS.items()}}
    for data, split, results in report.groups():
        metric, count = results[0].metric, len(results)
        sign = -1 if metric == "roc_auc" else 1
        best = min(results[0].others, key=lambda name: sign * mean(each.others[name]["value"] for each in results))
        shown = [each.others[best] for each in results]
        low, high = (mean(each["interval"][end] for each in shown) for end in (0, 1))
        aim = AIMS.get((data, split))
        seeds = f"{count} seeds" if count > 1 else "1 seed"
        lines.append(
            f"| {data}, {split} ({seeds}) | {metric.replace('_', ' ').upper()} | "
            f"{mean(e.stack for e in results):.3f} | {'' if aim is None else f'{aim:g}'} | "
            f"{names.get(best, best)} {mean(e['value'] for e in shown):.3f} | "
            f"{mean(e['difference'] for e in shown):+.3f} ({low:+.3f} to {high:+.3f}) | "
            f"{mean(e.seconds for e in results):.0f} |"
        )
    return "\n".join(lines) + "\n"
