"""What the predictors of nodes, pairs and graphs have in common: learning, answering, measuring, saving."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphattn.tasks.common.duration import seconds
from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.network.answer import Answer, find_answer
from graphattn.tasks.network.calibration import ConformalSets, Familiarity
from graphattn.tasks.network.choices import notes_on_split
from graphattn.tasks.network.config import NodeModelConfig, preset
from graphattn.tasks.network.evidence import Evidence
from graphattn.tasks.network.features import NodeFeatures
from graphattn.tasks.network.findings import notes_on
from graphattn.tasks.network.measured import measure_all
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.node_inputs import Inputs
from graphattn.tasks.network.rivals import Rival
from graphattn.tasks.network.saved import load_predictor, save_predictor
from graphattn.tasks.network.search import Trial, search
from graphattn.tasks.network.smoothing import choose_share, smooth
from graphattn.tasks.network.splits import NodeSplit
from graphattn.tasks.network.training import FittedNetwork, fit_node_network, to_probabilities

Array = NDArray[np.float64]

SMOOTHED = "smoothed_network"


@dataclass(frozen=True)
class Learning:
    """How to learn; see `NodeClassifier.fit`."""

    preset: str = "search"
    config: NodeModelConfig | None = None
    budget: str | float = "10m"
    trials: int = 200
    seed: int = 0
    coverage: float = 0.9
    device: str = "cpu"
    directory: str | Path | None = None
    resume: bool = False
    progress: Callable[[str], object] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.coverage < 1:
            raise SettingsError(f"coverage must be between 0 and 1, got {self.coverage!r}.")

    def say(self, sentence: str) -> None:
        """Tell the user what is done."""
        if self.progress is not None:
            self.progress(sentence)


class Predictor:
    """What is common to predictors of the nodes of a network, of pairs of them, and of whole graphs.

    Attributes:
        network: what was read.
        items: what is labeled, as a network without edges whose nodes are the items; of nodes, the network itself.
        split: the parts of the labeled items.
        answer: who answers, and what was measured; see `Answer`.
        networks: the trained networks, best first.
        rivals: the other methods, by name.
        trials: what the search has tried, best first; empty without one.
        notes: what the user should know, a sentence each.
        metric: what the methods were chosen by.
        predictions: of all items, probabilities `[N, C]` or values `[N, 1]`.
        distance: of all items to those of the training, `[N]`; above 1 they are unlike them.
        conformal: sets of labels with a coverage.
        familiarity: tells items that are unlike those of the training.
        features: what the network is made into.
        components: principal components of the features, where these are many.
        reading: the options with which the network was read.
        inductive: whether the edges of the test nodes were left out of the training.
        ranking: of pairs, how each method ranks linked ones; empty for nodes and graphs.
        unit: what is labeled: "nodes", "pairs" or "graphs".
        smoothing: the share of the neighbors in the smoothed network's answer; None without one.
    """

    network: Network
    items: Network
    features: NodeFeatures
    split: NodeSplit
    answer: Answer
    networks: list[FittedNetwork]
    rivals: dict[str, Rival]
    trials: list[Trial]
    conformal: ConformalSets
    familiarity: Familiarity
    notes: list[str]
    metric: str
    predictions: Array
    distance: Array
    components: Array | None
    reading: dict[str, Any]
    unit: str = "nodes"
    inductive: bool = False
    smoothing: float | None = None
    ranking: Mapping[str, dict[str, float]] = MappingProxyType({})

    def evaluate(self) -> dict[str, Any]:
        """Return what was measured, as plain values: the answer, every method, calibration, coverage, homophily."""
        return measure_all(self)

    def save(self, directory: str | Path) -> None:
        """Write the model to a directory of JSON, safetensors and arrays; `load` reads it."""
        save_predictor(self, Path(directory))

    @classmethod
    def load(cls, directory: str | Path) -> Any:
        """Read a model that `save` wrote; nothing in it is run.

        Raises:
            ModelDirectoryError: there is no whole model there.
            InputError: it is one of another kind.
        """
        return load_predictor(Path(directory), cls)

    def _learn(self, inputs: Inputs, rivals: Iterable[tuple[str, Rival]], how: Learning) -> None:
        """Fit the rivals and train the networks."""
        self.rivals = {}
        for name, rival in rivals:
            self.rivals[name] = rival
            how.say(f"{name} is trained")
        options: dict[str, Any] = {
            "task": self.items.task,
            "num_outputs": num_outputs(self.items),
            "metric": self.metric,
            "seed": how.seed,
            "device": how.device,
        }
        kept = None if how.directory is None else Path(how.directory) / "checkpoints"
        if how.config is None and how.preset == "search":
            found = search(
                inputs, self.items.y, self.split, budget=seconds(how.budget), trials=how.trials,
                directory=_search_directory(kept, how.resume), progress=how.say, **options,
            )  # fmt: skip
            self.trials, self.networks = found.trials, found.networks
            return
        recipe = preset(how.preset) if how.config is None else how.config
        fitted = fit_node_network(
            inputs, self.items.y, self.split, recipe, directory=kept, resume=how.resume, **options
        )
        self.trials, self.networks = [], [fitted]
        how.say(f"a network is trained: validation {fitted.best['valid_score']:.4f}")

    def _conclude(self, predictions: dict[str, Array], evidence: Evidence, how: Learning) -> None:
        """Choose who answers, and find how sure the answer is."""
        task, y = self.items.task, self.items.y.numpy()
        train, valid, test = (part.numpy() for part in self.split)
        self.answer = find_answer(task, self.metric, predictions, y, valid, test, self.unit)
        self.predictions = self.answer(task, predictions)
        self.conformal = ConformalSets.fit(task, self.predictions[valid], y[valid], how.coverage)
        self.familiarity = Familiarity.fit(evidence, train)
        self.distance = self.familiarity.distance(evidence)
        self.notes = [
            *self.network.notes,
            *notes_on(self.items),
            *notes_on_split(self.split, self.unit),
            self.answer.why,
        ]

    def _choose_smoothing(self, evidence: Evidence) -> None:
        """Find how far to smooth the best network's answer, for classes and with validation nodes."""
        if self.items.task != "multiclass" or not self.split.valid.any():
            return
        predicted = to_probabilities("multiclass", self.networks[0].logits)
        y, valid = self.items.y.numpy(), self.split.valid.numpy()
        self.smoothing = choose_share(evidence.both, predicted, self._known(self.items), y, valid, self.metric)

    def _all_predictions(self, evidence: Evidence, known: NDArray[Any], outputs: Sequence[Tensor]) -> dict[str, Array]:
        task = self.items.task
        found = {
            network_name(number, len(outputs)): to_probabilities(task, logits) for number, logits in enumerate(outputs)
        }
        if self.smoothing is not None:
            best = found[network_name(0, len(outputs))]
            found[SMOOTHED] = smooth(evidence.both, best, known, self.smoothing)
        return found | {name: rival.predict(evidence, known) for name, rival in self.rivals.items()}

    def _known(self, items: Network) -> NDArray[Any]:
        """The labels of the training part, for the items that were in it."""
        own = self.items.y.clone()
        own[~self.split.train] = float("nan") if own.is_floating_point() else -1
        if items.ids == self.items.ids:
            return own.numpy()
        place = {name: number for number, name in enumerate(self.items.ids)}
        known = own.new_full((len(items.ids), *own.shape[1:]), float("nan") if own.is_floating_point() else -1)
        for here, name in enumerate(items.ids):
            if name in place:
                known[here] = own[place[name]]
        return known.numpy()


def num_outputs(items: Network) -> int:
    """Return the number of classes or labels, or 1."""
    return 1 if items.task == "regression" else len(items.classes)


def network_name(number: int, count: int) -> str:
    """Return what one of `count` networks is called."""
    return "network" if count == 1 else f"network_{number + 1}"


def _search_directory(directory: Path | None, resume: bool) -> Path | None:
    if directory is not None and not resume:
        (directory / "search.log").unlink(missing_ok=True)
    return directory
