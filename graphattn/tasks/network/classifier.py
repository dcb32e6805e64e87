"""From a network with some labels to a label for each node: the one face of all that lies below."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphattn.tasks.common.errors import InputError, SettingsError
from graphattn.tasks.network import storage
from graphattn.tasks.network.answer import Answer, Member, find_answer
from graphattn.tasks.network.calibration import ConformalSets, Familiarity
from graphattn.tasks.network.config import NodeModelConfig, preset
from graphattn.tasks.network.evidence import Evidence, gather
from graphattn.tasks.network.features import NodeFeatures, aligned
from graphattn.tasks.network.findings import class_counts, homophily, notes_on
from graphattn.tasks.network.metrics import METRICS, confusion
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.node_inputs import NodeInputs
from graphattn.tasks.network.rivals import RIVALS, Rival, fit_rivals, rival_of
from graphattn.tasks.network.search import Trial, search, seconds
from graphattn.tasks.network.splits import (
    SHARES,
    NodeSplit,
    given_split,
    labeled,
    random_split,
    time_split,
    without_edges_of,
)
from graphattn.tasks.network.training import FittedNetwork, fit_node_network, to_probabilities

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

SPLITS = ("auto", "random", "given", "time")


class _NodePredictor:
    """What `NodeClassifier` and `NodeRegressor` have in common.

    Attributes:
        network: what was read.
        split: the parts of its labeled nodes.
        answer: who answers, and what was measured; see `Answer`.
        networks: the trained networks, best first.
        rivals: the other methods, by name.
        trials: what the search has tried, best first; empty without one.
        notes: what the user should know, a sentence each.
        metric: what the methods were chosen by.
    """

    _tasks: tuple[str, ...]

    network: Network
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
    inductive: bool

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
        say = progress if progress is not None else _nothing
        self.network = network = as_network(data, edges, target=target, **reading)
        if network.task not in self._tasks:
            remedy = "NodeRegressor" if network.task == "regression" else "NodeClassifier"
            raise InputError(f"the target {network.target!r} is a {network.task} target; use {remedy}, or give task=.")
        if not 0 < coverage < 1:
            raise SettingsError(f"coverage must be between 0 and 1, got {coverage!r}.")
        self.metric = _metric(network.task, metric)
        self.inductive = inductive
        self.split = _split(network, split, split_number, shares, seed)
        self._reading = {name: value for name, value in reading.items() if name != "graph"}
        task, outputs = network.task, _num_outputs(network)
        y = network.y.numpy()
        train, valid, test = (part.numpy() for part in self.split)

        seen = without_edges_of(network, self.split.test) if inductive else network
        self.features = NodeFeatures.fit(seen, structural=structural)
        inputs = NodeInputs.of(seen, self.features)
        if inputs.x.shape[1] == 0:
            raise SettingsError("the nodes have no features; leave structural=None, which adds some.")
        evidence = gather(inputs, self.features.positions(seen))
        self._components = evidence.components
        self.rivals = {}
        for name, rival in fit_rivals(
            evidence, y, train, valid, task=task, num_outputs=outputs, seed=seed, names=tuple(rivals)
        ):
            self.rivals[name] = rival
            say(f"{name} is trained")

        options: dict[str, Any] = {
            "task": task,
            "num_outputs": outputs,
            "metric": self.metric,
            "seed": seed,
            "device": device,
        }
        kept = None if directory is None else Path(directory) / "checkpoints"
        self.trials = []
        if config is None and preset == "search":
            found = search(
                inputs, network.y, self.split, budget=seconds(budget), trials=trials,
                directory=_search_directory(kept, resume), progress=say, **options,
            )  # fmt: skip
            self.trials, self.networks = found.trials, found.networks
        else:
            recipe = _preset(preset) if config is None else config
            fitted = fit_node_network(inputs, network.y, self.split, recipe, directory=kept, resume=resume, **options)
            self.networks = [fitted]
            say(f"a network is trained: validation {fitted.best['valid_score']:.4f}")

        predictions = self._all_predictions(evidence, self._known(network), [net.logits for net in self.networks])
        if inductive:  # the test nodes are there now
            whole = NodeInputs.of(network, self.features)
            evidence = gather(whole, self.features.positions(network), components=self._components)
            later = self._all_predictions(evidence, self._known(network), [net(whole) for net in self.networks])
            predictions = {name: np.where(test[:, None], later[name], value) for name, value in predictions.items()}
        self.answer = find_answer(task, self.metric, predictions, y, valid, test)
        self.predictions = self.answer(task, predictions)
        self.conformal = ConformalSets.fit(task, self.predictions[valid], y[valid], coverage)
        self.familiarity = Familiarity.fit(evidence, train)
        self._distance = self.familiarity.distance(evidence)
        self.notes = [*network.notes, *notes_on(network), *_notes_on_split(self.split), self.answer.why]
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
        """
        if data is None:
            return self._table(self.network, self.predictions, self._distance)
        network = self._read_alike(data, edges, reading)
        predicted, distance = self._predict_network(network)
        return self._table(network, predicted, distance)

    def evaluate(self) -> dict[str, Any]:
        """Return what was measured, as plain values: the answer, every method, calibration, coverage, homophily."""
        network, answer = self.network, self.answer
        valid, test = self.split.valid.numpy(), self.split.test.numpy()
        measured = test if test.any() else valid
        out: dict[str, Any] = {
            "task": network.task,
            "target": network.target,
            "metric": self.metric,
            "nodes": len(network.ids),
            "edges": int(network.edge_index.shape[1]),
            "split": {name: int(part.sum()) for name, part in self.split._asdict().items()},
            "answer": answer.chosen,
            "why": answer.why,
            "valid": answer.valid,
            "test": answer.test,
            "members": [dataclasses.asdict(member) for member in answer.members],
            "calibration": answer.calibration,
            "coverage": self._coverage(measured),
            "unlike_training": int((self._distance > 1).sum()),
            "classes": class_counts(network),
            **homophily(network),
            "recipes": [net.config.to_json() for net in self.networks],
            "curves": [net.curve for net in self.networks],
            "trials": [dataclasses.asdict(trial) for trial in self.trials],
            "notes": self.notes,
        }
        if network.task == "multiclass" and measured.any():
            out["confusion"] = confusion(self.predictions[measured], network.y.numpy()[measured]).tolist()
        return out

    def save(self, directory: str | Path) -> None:
        """Write the model to a directory of JSON, safetensors and arrays; `load` reads it."""
        content, arrays = self.features.to_dict()
        tensors: dict[str, Any] = {f"features/{name}": np.asarray(value) for name, value in arrays.items()}
        model: dict[str, Any] = {
            "kind": type(self).__name__,
            "metric": self.metric,
            "inductive": self.inductive,
            "reading": {name: value for name, value in self._reading.items() if _is_plain(value)},
            "features": content,
            "answer": dataclasses.asdict(self.answer),
            "coverage": self.conformal.coverage,
            "limit": self.familiarity.limit if np.isfinite(self.familiarity.limit) else None,
            "notes": self.notes,
            "trials": [dataclasses.asdict(trial) for trial in self.trials],
            "networks": [],
            "rivals": {},
        }
        for number, net in enumerate(self.networks):
            tensors |= {f"network{number}/{name}": value for name, value in net.weights.items()}
            tensors[f"logits{number}"] = net.logits
            model["networks"].append(
                {
                    "config": net.config.to_json(),
                    "sizes": net.sizes,
                    "curve": net.curve,
                    "center": net.center,
                    "spread": net.spread,
                }
            )
        for name, rival in self.rivals.items():
            model["rivals"][name], arrays = rival.to_state()
            tensors |= {f"rival/{name}/{key}": np.ascontiguousarray(value) for key, value in arrays.items()}
        tensors |= {
            "alphas": self.conformal.alphas,
            "points": self.familiarity.points,
            "scale": self.familiarity.scale,
            "predictions": self.predictions,
            "distance": self._distance,
        } | {f"split/{name}": part for name, part in self.split._asdict().items()}
        if self._components is not None:
            tensors["components"] = self._components
        storage.write_model(Path(directory), model, tensors, self.network)

    @classmethod
    def load(cls, directory: str | Path) -> Any:
        """Read a model that `save` wrote; nothing in it is run.

        Raises:
            ModelDirectoryError: there is no whole model there.
        """
        model, tensors, network = storage.read_model(Path(directory))
        made = {kind.__name__: kind for kind in (NodeClassifier, NodeRegressor)}[model["kind"]]()
        if not isinstance(made, cls):
            raise InputError(f"{directory} holds a {model['kind']}, not a {cls.__name__}.")

        def under(prefix: str) -> dict[str, Tensor]:
            return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

        def arrays(prefix: str) -> dict[str, Array]:
            return {name: value.numpy() for name, value in under(prefix).items()}

        made.network, made.metric, made.inductive = network, model["metric"], model["inductive"]
        made._reading, made.notes = model["reading"], model["notes"]
        made.features = NodeFeatures.from_dict(model["features"], arrays("features/"))
        made.split = NodeSplit(**under("split/"))
        answer = model["answer"]
        made.answer = Answer(**answer | {"members": [Member(**member) for member in answer["members"]]})
        made.trials = [
            Trial(**trial | {"config": NodeModelConfig.from_json(trial["config"])}) for trial in model["trials"]
        ]
        made.networks = [
            FittedNetwork(
                NodeModelConfig.from_json(net["config"]),
                network.task,
                net["sizes"],
                under(f"network{number}/"),
                net["curve"],
                tensors[f"logits{number}"],
                net["center"],
                net["spread"],
            )
            for number, net in enumerate(model["networks"])
        ]
        made.rivals = {name: rival_of(state, arrays(f"rival/{name}/")) for name, state in model["rivals"].items()}
        made.conformal = ConformalSets(network.task, model["coverage"], tensors["alphas"].numpy())
        limit = float("inf") if model["limit"] is None else model["limit"]
        made.familiarity = Familiarity(tensors["points"].numpy(), tensors["scale"].numpy(), limit)
        made.predictions, made._distance = tensors["predictions"].numpy(), tensors["distance"].numpy()
        made._components = tensors["components"].numpy() if "components" in tensors else None
        return made

    def _predict_network(self, network: Network) -> tuple[Array, Array]:
        inputs = NodeInputs.of(network, self.features)
        evidence = gather(inputs, self.features.positions(network), components=self._components)
        predictions = self._all_predictions(evidence, self._known(network), [net(inputs) for net in self.networks])
        return self.answer(network.task, predictions), self.familiarity.distance(evidence)

    def _all_predictions(self, evidence: Evidence, known: NDArray[Any], outputs: Sequence[Tensor]) -> dict[str, Array]:
        task = self.network.task
        found = {
            _network_name(number, len(outputs)): to_probabilities(task, logits) for number, logits in enumerate(outputs)
        }
        return found | {name: rival.predict(evidence, known) for name, rival in self.rivals.items()}

    def _known(self, network: Network) -> NDArray[Any]:
        """The labels of the training part, for the nodes of a network that were in it."""
        own = self.network.y.clone()
        own[~self.split.train] = float("nan") if own.is_floating_point() else -1
        if network.ids == self.network.ids:
            return own.numpy()
        place = {name: number for number, name in enumerate(self.network.ids)}
        known = own.new_full((len(network.ids), *own.shape[1:]), float("nan") if own.is_floating_point() else -1)
        for here, name in enumerate(network.ids):
            if name in place:
                known[here] = own[place[name]]
        return known.numpy()

    def _read_alike(self, data: Any, edges: Any, reading: dict[str, Any]) -> Network:
        """Read another network with the columns of the first."""
        if isinstance(data, Network):
            network = data
        else:
            roles = {(column.table, column.role): column.name for column in self.network.columns}
            options: dict[str, Any] = {"directed": self.network.directed}
            if edges is not None:
                options |= {
                    option: roles[place]
                    for option, place in {
                        "id_column": ("nodes", "id"),
                        "source_column": ("edges", "source"),
                        "destination_column": ("edges", "destination"),
                        "weight_column": ("edges", "weight"),
                        "type_column": ("edges", "type"),
                    }.items()
                    if place in roles
                }
            network = as_network(data, edges, **(options | self._reading | {"split_column": None} | reading))
        network = aligned(network, self.network.feature_names)
        return dataclasses.replace(
            network, task=self.network.task, target=self.network.target, classes=self.network.classes
        )

    def _coverage(self, measured: NDArray[np.bool_]) -> dict[str, float]:
        """The coverage asked for, that measured, and the mean number of labels in a set or width of an interval."""
        predicted, y = self.predictions[measured], self.network.y.numpy()[measured]
        asked = {"asked": self.conformal.coverage}
        if len(y) == 0:
            return asked
        if self.network.task == "regression":
            low, high = self.conformal.intervals(predicted).T
            return asked | {"measured": float(((y >= low) & (y <= high)).mean()), "size": float((high - low).mean())}
        inside = self.conformal.sets(predicted)
        if self.network.task == "multilabel":
            known = ~np.isnan(y)
            hit = np.where(y > 0.5, inside[..., 1], inside[..., 0])[known]
            return asked | {"measured": float(hit.mean()), "size": float(inside.sum(-1)[known].mean())}
        hit = inside[np.arange(len(y)), y]
        return asked | {"measured": float(hit.mean()), "size": float(inside.sum(1).mean())}

    def _table(self, network: Network, predicted: Array, distance: Array) -> pd.DataFrame:
        import pandas as pd

        name, classes = self.network.target, self.network.classes
        new: dict[str, Any] = {}
        if network.task == "regression":
            low, high = self.conformal.intervals(predicted).T
            new |= {f"{name}_predicted": predicted[:, 0], f"{name}_low": low, f"{name}_high": high}
        else:
            inside = self.conformal.sets(predicted)
            if network.task == "multiclass":
                new[f"{name}_predicted"] = [classes[place] for place in predicted.argmax(axis=1)]
                new[f"{name}_confidence"] = predicted.max(axis=1)
                sets = inside
            else:
                new[f"{name}_predicted"] = [_join(classes, row > 0.5, ";") for row in predicted]
                new[f"{name}_confidence"] = np.maximum(predicted, 1 - predicted).mean(axis=1)
                sets = inside[..., 1]
            new |= {f"{name}_probability_{label}": predicted[:, place] for place, label in enumerate(classes)}
            new[f"{name}_set"] = [_join(classes, row, "|") for row in sets]
        new[f"{name}_unlike_training"] = distance > 1
        return pd.concat([network.nodes, pd.DataFrame(new, index=network.nodes.index)], axis=1)


class NodeClassifier(_NodePredictor):
    """Give each node of a network one of several classes, or several labels, and say how sure that is.

    Trains networks with attention beside simpler methods, calibrates each on the validation nodes, and answers with the
    best of them or with their blend.

    Example:
        >>> import networkx as nx
        >>> from graphattn.tasks.network import NodeClassifier
        >>> club = NodeClassifier().fit(nx.karate_club_graph(), target="club", preset="fast")  # doctest: +SKIP
        >>> club.predict()[["club", "club_predicted", "club_confidence"]]  # doctest: +SKIP
    """

    _tasks = ("multiclass", "multilabel")


class NodeRegressor(_NodePredictor):
    """Give each node of a network a number, and an interval in which the true one lies with a chosen probability."""

    _tasks = ("regression",)

    def fit(self, data: Any, edges: Any = None, **options: Any) -> Any:
        """Learn numbers; see `NodeClassifier.fit`, whose options these are."""
        return super().fit(data, edges, **({"task": "regression"} | options))


def as_network(data: Any, edges: Any = None, **reading: Any) -> Network:
    """Read a network from whatever holds it; see `read_network`.

    Args:
        data: a `Network`, which is returned as it is; a table of nodes, with `edges`; or a graph.
        edges: a table of edges.
        **reading: options of `read_network`.
    """
    if isinstance(data, Network):
        return data
    from graphattn.tasks.network.read import read_network

    return read_network(graph=data, **reading) if edges is None else read_network(data, edges, **reading)


def _split(network: Network, kind: str, number: int, shares: Sequence[float], seed: int) -> NodeSplit:
    if kind not in SPLITS:
        raise SettingsError(f"split must be one of {', '.join(SPLITS)}, got {kind!r}.")
    known = labeled(network.y)
    if int(known.sum()) < 2:
        raise InputError(f"{int(known.sum())} nodes have a label {network.target!r}; at least 2 are needed to learn.")
    if kind == "given" or (kind == "auto" and network.masks is not None):
        return given_split(network, number)
    if kind == "time":
        column = next((each.name for each in network.columns if each.table == "nodes" and each.role == "time"), None)
        if column is None:
            raise SettingsError("no column of the nodes holds times; use another split.")
        return time_split(network.y, network.nodes[column].to_numpy(), shares=shares)
    return random_split(network.y, shares=shares, seed=seed + number)


def _metric(task: str, metric: str | None) -> str:
    if metric is None:
        return METRICS[task][0]
    if metric not in METRICS[task]:
        raise SettingsError(f"metric must be one of {', '.join(METRICS[task])} for this target, got {metric!r}.")
    return metric


def _notes_on_split(split: NodeSplit) -> list[str]:
    notes = []
    if int(split.valid.sum()) < 30:
        notes.append(
            f"Only {int(split.valid.sum())} labeled nodes chose the method and its confidence: take both as rough."
        )
    if not split.test.any():
        notes.append("No labeled nodes were held out as a test, so that errors are measured on nodes that chose.")
    else:
        notes.append(
            "The validation nodes chose the method and set its confidence; what is measured on test nodes is free of "
            "that choice."
        )
    return notes


def _num_outputs(network: Network) -> int:
    return 1 if network.task == "regression" else len(network.classes)


def _network_name(number: int, count: int) -> str:
    return "network" if count == 1 else f"network_{number + 1}"


def _search_directory(directory: Path | None, resume: bool) -> Path | None:
    if directory is not None and not resume:
        (directory / "search.log").unlink(missing_ok=True)
    return directory


def _join(classes: Sequence[str], chosen: NDArray[np.bool_], between: str) -> str:
    return between.join(name for name, is_in in zip(classes, chosen, strict=True) if is_in)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, bool, int, float, list, tuple))


def _nothing(sentence: str) -> None:
    """Say nothing."""


_preset = preset
"""under another name in `fit`, which has an argument `preset`"""
