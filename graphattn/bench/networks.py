"""How good labels of published networks are: the whole of `NodeClassifier`, on the published splits."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from graphattn.datasets import network_cards
from graphattn.tasks.network import NodeClassifier, read_network
from graphattn.tasks.network.config import preset
from graphattn.tasks.network.metrics import measure

MOST_RUNS = 10
"""splits, or seeds where one split is published, of a data set"""


@dataclass(frozen=True)
class NetworkCase:
    """A data set, the recipe of the attention network, what is to be reached, and networks to label besides."""

    data: str
    recipe: str
    aim: float | None = None
    others: tuple[str, ...] = ()


CASES = {
    case.data: case
    for case in [
        NetworkCase("cora", "cora", 0.835),
        NetworkCase("citeseer", "citeseer", 0.725),
        NetworkCase("minesweeper", "minesweeper", 0.97),
        NetworkCase("tolokers", "tolokers", 0.84),
        NetworkCase("squirrel_filtered", "squirrel-filtered", 0.41),
        NetworkCase("chameleon_filtered", "chameleon-filtered", 0.44),
        NetworkCase("facebook_pages", "facebook-pages", 0.945),
        NetworkCase("twitch_de", "fast", None, ("twitch_engb", "twitch_es", "twitch_fr", "twitch_ptbr", "twitch_ru")),
    ]
}


@dataclass(frozen=True)
class NetworkResult:
    """What one run found: of each method, and of the answer, the data set's usual metric.

    Attributes:
        data: the data set.
        number: of the split, or the seed where only one split is published.
        recipe: of the attention network.
        metric: what was measured, and what methods were chosen by.
        answer: which method answers.
        valid: of each method by name, "answer" among them, on validation nodes.
        test: the same on test nodes.
        others: the same on all nodes of other networks, by their names.
        seconds: time of the processors.
    """

    data: str
    number: int
    recipe: str
    metric: str
    answer: str
    valid: dict[str, float]
    test: dict[str, float]
    others: dict[str, dict[str, float]]
    seconds: float


@dataclass
class NetworkReport:
    """The results of one or several runs, and the environment of the last."""

    environment: dict[str, Any]
    results: list[NetworkResult] = field(default_factory=list)
    speed: list[dict[str, Any]] = field(default_factory=list)

    def of(self, data: str) -> list[NetworkResult]:
        """The results of a data set."""
        return [result for result in self.results if result.data == data]

    def has(self, data: str, number: int) -> bool:
        """Whether a run was measured."""
        return any(result.number == number for result in self.of(data))

    def summary(self, data: str, method: str) -> tuple[float, float, int] | None:
        """Mean, standard deviation and number of the test figures of a method; None without any."""
        values = [result.test[method] for result in self.of(data) if method in result.test]
        if not values:
            return None
        return mean(values), stdev(values) if len(values) > 1 else 0.0, len(values)

    def to_json(self) -> str:
        """As JSON text, one line for each result."""
        parts = [f'"environment": {json.dumps(self.environment, indent=1)}']
        for name, rows in (("results", [asdict(result) for result in self.results]), ("speed", self.speed)):
            lines = ",\n".join(json.dumps(row) for row in rows)
            parts.append(f'"{name}": [\n{lines}\n]')
        return "{\n" + ",\n".join(parts) + "\n}\n"

    @classmethod
    def load(cls, path: Path) -> NetworkReport:
        """Read what `to_json` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(content["environment"], [NetworkResult(**each) for each in content["results"]], content["speed"])


def runs(data: str, most: int = MOST_RUNS) -> Iterator[int]:
    """The numbers of the runs of a data set."""
    yield from range(min(most, MOST_RUNS))


def run(case: NetworkCase, number: int) -> NetworkResult:
    """Fit on one split of a data set, and measure.

    Where a data set comes with several splits, `number` is that of the split and the seed is 0; else it is the seed.
    """
    start = time.process_time()
    card = network_cards()[case.data]
    network = read_network(graph=case.data)
    several = next(iter(card.splits.values()), 1) > 1
    predictor = NodeClassifier().fit(
        network,
        config=preset(case.recipe),
        metric=card.metric,
        split_number=number if several else 0,
        seed=0 if several else number,
    )
    answer = predictor.answer
    valid = {member.name: member.valid[card.metric] for member in answer.members} | {
        "answer": answer.valid[card.metric]
    }
    test = {member.name: member.test[card.metric] for member in answer.members} | {"answer": answer.test[card.metric]}
    others = {name: _on_other(predictor, name, card.metric) for name in case.others}
    seconds = time.process_time() - start
    return NetworkResult(
        case.data, number, case.recipe, card.metric, answer.chosen, valid, test, others, round(seconds, 1)
    )


def _on_other(predictor: NodeClassifier, name: str, metric: str) -> dict[str, float]:
    """The metric of each method on all labeled nodes of another network."""
    network = read_network(graph=name)
    y = network.y.numpy()
    known = np.flatnonzero(y >= 0)
    found = predictor.members(network)
    found["answer"] = predictor.answer("multiclass", found)
    return {method: measure("multiclass", metric, each[known], y[known]) for method, each in found.items()}
