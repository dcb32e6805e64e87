"""A predictor as plain values and arrays, and back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphattn.tasks.common.errors import InputError
from graphattn.tasks.network import storage
from graphattn.tasks.network.answer import Answer, Member
from graphattn.tasks.network.calibration import ConformalSets, Familiarity
from graphattn.tasks.network.config import NodeModelConfig
from graphattn.tasks.network.features import NodeFeatures
from graphattn.tasks.network.rivals import rival_of
from graphattn.tasks.network.search import Trial
from graphattn.tasks.network.splits import NodeSplit
from graphattn.tasks.network.training import FittedNetwork

Array = NDArray[np.float64]
Predictor = TypeVar("Predictor")


def save_predictor(predictor: Any, directory: Path) -> None:
    """Write a predictor; `load_predictor` reads it."""
    content, arrays = predictor.features.to_dict()
    tensors: dict[str, Any] = {f"features/{name}": np.asarray(value) for name, value in arrays.items()}
    model: dict[str, Any] = {
        "kind": type(predictor).__name__,
        "metric": predictor.metric,
        "inductive": predictor.inductive,
        "reading": {name: value for name, value in predictor.reading.items() if _is_plain(value)},
        "features": content,
        "answer": dataclasses.asdict(predictor.answer),
        "coverage": predictor.conformal.coverage,
        "limit": predictor.familiarity.limit if np.isfinite(predictor.familiarity.limit) else None,
        "smoothing": predictor.smoothing,
        "ranking": dict(predictor.ranking),
        "notes": predictor.notes,
        "trials": [dataclasses.asdict(trial) for trial in predictor.trials],
        "networks": [],
        "rivals": {},
    }
    for number, net in enumerate(predictor.networks):
        tensors |= {f"network{number}/{name}": value for name, value in net.weights.items()}
        tensors[f"logits{number}"] = net.logits
        model["networks"].append(
            {
                "config": net.config.to_json(),
                "sizes": net.sizes,
                "curve": net.curve,
                "center": net.center,
                "spread": net.spread,
                "kind": net.kind,
            }
        )
    for name, rival in predictor.rivals.items():
        model["rivals"][name], arrays = rival.to_state()
        tensors |= {f"rival/{name}/{key}": np.ascontiguousarray(value) for key, value in arrays.items()}
    tensors |= {
        "alphas": predictor.conformal.alphas,
        "points": predictor.familiarity.points,
        "scale": predictor.familiarity.scale,
        "predictions": predictor.predictions,
        "distance": predictor.distance,
    } | {f"split/{name}": part for name, part in predictor.split._asdict().items()}
    if predictor.components is not None:
        tensors["components"] = predictor.components
    items = None if predictor.items is predictor.network else predictor.items
    storage.write_model(directory, model, tensors, predictor.network, items)


def load_predictor(directory: Path, kind: type[Predictor]) -> Predictor:
    """Read a model that `save` wrote; nothing in it is run.

    Raises:
        ModelDirectoryError: there is no whole model there.
    """
    model, tensors, network, items = storage.read_model(directory)
    if model["kind"] != kind.__name__:
        raise InputError(f"{directory} holds a {model['kind']}, not a {kind.__name__}.")
    made: Any = kind()

    def under(prefix: str) -> dict[str, Tensor]:
        return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

    def arrays(prefix: str) -> dict[str, Array]:
        return {name: value.numpy() for name, value in under(prefix).items()}

    made.network, made.items, made.metric, made.inductive = network, items, model["metric"], model["inductive"]
    made.smoothing, made.ranking = model.get("smoothing"), model.get("ranking", {})
    made.reading, made.notes = model["reading"], model["notes"]
    made.features = NodeFeatures.from_dict(model["features"], arrays("features/"))
    made.split = NodeSplit(**under("split/"))
    answer = model["answer"]
    made.answer = Answer(**answer | {"members": [Member(**member) for member in answer["members"]]})
    made.trials = [Trial(**trial | {"config": NodeModelConfig.from_json(trial["config"])}) for trial in model["trials"]]
    made.networks = [
        FittedNetwork(
            NodeModelConfig.from_json(net["config"]),
            items.task,
            net["sizes"],
            under(f"network{number}/"),
            net["curve"],
            tensors[f"logits{number}"],
            net["center"],
            net["spread"],
            net.get("kind", "nodes"),
        )
        for number, net in enumerate(model["networks"])
    ]
    made.rivals = {name: rival_of(state, arrays(f"rival/{name}/")) for name, state in model["rivals"].items()}
    made.conformal = ConformalSets(items.task, model["coverage"], tensors["alphas"].numpy())
    limit = float("inf") if model["limit"] is None else model["limit"]
    made.familiarity = Familiarity(tensors["points"].numpy(), tensors["scale"].numpy(), limit)
    made.predictions, made.distance = tensors["predictions"].numpy(), tensors["distance"].numpy()
    made.components = tensors["components"].numpy() if "components" in tensors else None
    return made


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, bool, int, float, list, tuple))
