"""From a network with some labels to a label for each node: the one face of all that lies below."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.common.errors import InputError, SettingsError
from graphattn.tasks.network.base import Learning, Predictor, network_name, num_outputs
from graphattn.tasks.network.choices import choose_metric, choose_split
from graphattn.tasks.network.config import NodeModelConfig
from graphattn.tasks.network.evidence import gather
from graphattn.tasks.network.explain import Explanation, explain_node
from graphattn.tasks.network.features import NodeFeatures
from graphattn.tasks.network.findings import labels_of
from graphattn.tasks.network.fit_rivals import RIVALS, fit_rivals
from graphattn.tasks.network.labels_table import labels_table
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.node_inputs import NodeInputs
from graphattn.tasks.network.reading import as_network, read_alike
from graphattn.tasks.network.splits import SHARES, without_edges_of

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


class NodePredictor(Predictor):
    """What `NodeClassifier` and `NodeRegressor` have in common; see `Predictor`."""

    _tasks: tuple[str, ...]

    def fit(
        self,
        data: Any,
        edges: Any = None,
        *,
        target: str | None = None,
        preset: str = "search",
        config: NodeModelConfig | None = None,
        budget: str | float = "10m",
        trials: int = 200,
        seed: int = 0,
        split: str = "auto",
        split_number: int = 0,
        shares: Sequence[float] = SHARES,
        inductive: bool = False,
        structural: bool | None = None,
        metric: str | None = None,
        coverage: float = 0.9,
        rivals: Sequence[str] = RIVALS,
        device: str = "cpu",
        directory: str | Path | None = None,
        resume: bool = False,
        progress: Callable[[str], object] | None = None,
        **reading: Any,
    ) -> Any:
        """Learn the labels of a network.

        Args:
            data: a networkx graph, a PyG `Data`, a table of nodes (path or data frame, with `edges`), the path of a
                graph, the name of a data set, or a `Network`.
            edges: a table of edges, beside a table of nodes.
            target: the column or attribute of the labels.
            preset: "search" for the best recipe within the budget, "fast" for one good recipe, or that of a data set
                of the literature, such as "cora"; see `config.PRESETS`.
            config: a recipe of your own, in place of a preset.
            budget: the time of the search, such as "10m".
            trials: the most recipes that the search tries.
            seed: of everything drawn at random.
            split: "given" with the data, "random", by "time", or "auto": given where there is one, else random.
            split_number: which of several splits that were given, from 0.
            shares: of training, validation and test part, for "random" and "time".
            inductive: train on the network without the edges of the test nodes.
            structural: add degree, PageRank and the like to the features; where there are no others when None.
            metric: what methods are chosen by; see `metrics.METRICS`.
            coverage: share of nodes whose set of labels (or interval) is to hold the true one.
            rivals: the other methods to try.
            device: to train networks on: "cpu", "cuda", "mps" or "auto".
            directory: for checkpoints, which `resume` goes on from.
            resume: go on where a training with this directory was stopped.
            progress: called with a sentence now and then.
            **reading: options of `read_network`.

        Returns:
            self.

        Raises:
            InputError: the data cannot be used, or a setting is out of range; the message is a sentence for the user.
        """
        how = Learning(preset, config, budget, trials, seed, coverage, device, directory, resume, progress)
        self.network = self.items = network = as_network(data, edges, target=target, **reading)
        if network.task not in self._tasks:
            remedy = "NodeRegressor" if network.task == "regression" else "NodeClassifier"
            raise InputError(f"the target {network.target!r} is a {network.task} target; use {remedy}, or give task=.")
        self.metric = choose_metric(network.task, metric)
        self.inductive = inductive
        self.split = choose_split(network, split, split_number, shares, seed)
        self.reading = {name: value for name, value in reading.items() if name != "graph"}
        train, valid, test = (part.numpy() for part in self.split)

        seen = without_edges_of(network, self.split.test) if inductive else network
        self.features = NodeFeatures.fit(seen, structural=structural)
        inputs = NodeInputs.of(seen, self.features)
        if inputs.x.shape[1] == 0:
            raise SettingsError("the nodes have no features; leave structural=None, which adds some.")
        evidence = gather(inputs, self.features.positions(seen))
        self.components = evidence.components
        fitted = fit_rivals(
            evidence, network.y.numpy(), train, valid, task=network.task, num_outputs=num_outputs(network), seed=seed,
            names=tuple(rivals),
        )  # fmt: skip
        self._learn(inputs, fitted, how)
        self._choose_smoothing(evidence)

        predictions = self._all_predictions(evidence, self._known(network), [net.logits for net in self.networks])
        if inductive:  # the test nodes are there now
            whole = NodeInputs.of(network, self.features)
            evidence = gather(whole, self.features.positions(network), components=self.components)
            later = self._all_predictions(evidence, self._known(network), [net(whole) for net in self.networks])
            predictions = {name: np.where(test[:, None], later[name], value) for name, value in predictions.items()}
        self._conclude(predictions, evidence, how)
        return self

    def predict(self, data: Any = None, edges: Any = None, **reading: Any) -> pd.DataFrame:
        """Return the user's rows in their order, with a label for each.

        Beside every column of the user's there are `<target>_predicted`, `<target>_confidence` (the probability of what
        is predicted), `<target>_probability_<class>` for each class, `<target>_set` (the labels among which the true
        one is with the coverage asked for, with | between them) and `<target>_unlike_training`. For numbers:
        `<target>_predicted`, `<target>_low`, `<target>_high` and `<target>_unlike_training`.

        Args:
            data: a new or grown network, as in `fit`; the network of the training when None. Nodes with the ids of
                training nodes are taken for those.
            edges: as in `fit`.
            **reading: options of `read_network`; those of `fit`, and what columns were taken for then, otherwise.

        Warns:
            UserWarning: rows were left out. (To see which, read with `reading.read_alike` and give its network.)
        """
        if data is None:
            return labels_table(self.network, self.predictions, self.conformal, self.distance)
        network = read_alike(self.network, data, edges, self.reading | reading)
        if network.rejects:
            first = network.rejects[0].reason
            warnings.warn(f"{len(network.rejects)} rows were left out, the first because: {first}", stacklevel=2)
        predicted, distance = self._predict_network(network)
        return labels_table(network, predicted, self.conformal, distance)

    def members(self, network: Network) -> dict[str, Array]:
        """Return what each method says of a network's nodes, by its name, before temperatures."""
        inputs = NodeInputs.of(network, self.features)
        evidence = gather(inputs, self.features.positions(network), components=self.components)
        return self._all_predictions(evidence, self._known(network), [net(inputs) for net in self.networks])

    def explain(self, node: Any, *, edges: int = 3, seed: int = 0) -> Explanation:
        """Say whom the best network listened to when it labeled a node of the training network, and test that.

        Args:
            node: the user's id.
            edges: how many of the most attended edges the test by deletion takes away.
            seed: of the random edges that it compares with.

        Raises:
            InputError: there is no such node.
        """
        network, name = self.network, str(node)
        if name not in network.ids:
            close = difflib.get_close_matches(name, network.ids, n=1)
            similar = f"; did you mean {close[0]!r}?" if close else "."
            raise InputError(f"the network has no node {name!r}{similar}")
        place = network.ids.index(name)
        inputs = NodeInputs.of(network, self.features)
        actual, own = labels_of(network)[place], network_name(0, len(self.networks))
        return explain_node(
            self.networks[0], inputs, place, ids=network.ids, classes=network.classes, actual=actual, edges=edges,
            seed=seed, temperature=next(each.temperature for each in self.answer.members if each.name == own),
        )  # fmt: skip

    def _predict_network(self, network: Network) -> tuple[Array, Array]:
        inputs = NodeInputs.of(network, self.features)
        evidence = gather(inputs, self.features.positions(network), components=self.components)
        predictions = self._all_predictions(evidence, self._known(network), [net(inputs) for net in self.networks])
        return self.answer(network.task, predictions), self.familiarity.distance(evidence)
