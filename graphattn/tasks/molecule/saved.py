"""A predictor in a model directory; see `tasks.common.model_directory` for what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from graphattn.chem import Split
from graphattn.tasks.common import model_directory
from graphattn.tasks.common.errors import InputError, ModelDirectoryError
from graphattn.tasks.common.labels import ZERO_ONE
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig, from_json, to_json
from graphattn.tasks.molecule.featurizer import Featurizer
from graphattn.tasks.molecule.records import Fitted
from graphattn.tasks.molecule.scaling import DescriptorScaler, TargetScaler
from graphattn.tasks.molecule.stack.stack import Stack
from graphattn.tasks.molecule.trust import Trust

FORMAT = "graphattn molecule model"
FORMAT_VERSION = 2
"""since there is a stack; 1 is the networks' mean"""


def write_networks(directory: Path, fitted: Fitted) -> None:
    """Write the networks with their learning curves, and the members beside them.

    A training with a directory has done so by the time it ends.
    """
    for number, (weights, history) in enumerate(zip(fitted.weights, fitted.histories, strict=True), start=1):
        model_directory.write_network(directory, number, weights, history)
    write_members(directory, fitted)


def write_members(directory: Path, fitted: Fitted) -> None:
    """Write what stands beside the networks in the stack."""
    if fitted.stack is not None:
        fitted.stack.write(directory / model_directory.MEMBERS)


def write_description(directory: Path, model: ModelConfig, training: TrainingConfig, fitted: Fitted) -> None:
    """Write all but the networks: what makes the directory whole."""
    content = {
        "task": fitted.task,
        "smiles_column": fitted.smiles_column,
        "target_columns": fitted.target_columns,
        "classes": fitted.classes,
        "networks": len(fitted.weights),
        "members": None if fitted.stack is None else fitted.stack.to_json(),
        "model": to_json(model),
        "training": to_json(training),
        "features": fitted.featurizer.to_json(),
        "descriptor_scaler": None if fitted.descriptor_scaler is None else fitted.descriptor_scaler.to_json(),
        "target_scaler": fitted.target_scaler.to_json(),
        "trust": fitted.trust is not None,
        "data": fitted.data,
        "versions": fitted.versions,
        "split": {part: indices.tolist() for part, indices in fitted.split._asdict().items()},
    }
    if fitted.trust is not None:
        fitted.trust.save(directory)
    content["files"] = model_directory.digests(directory)
    model_directory.write_model(directory, FORMAT, content, fitted.metrics, version=FORMAT_VERSION)


def read(directory: Path) -> tuple[ModelConfig, TrainingConfig, Fitted]:
    """Read what `write_networks` and `write_description` wrote; nothing in the directory is run.

    Raises:
        ModelDirectoryError: the directory does not hold a whole model; the message says what is wrong.
    """
    content, metrics = model_directory.read_model(directory, FORMAT, newest=FORMAT_VERSION)
    with whole(directory):
        settings = {"attention": "atoms", **content["model"]}  # of models of before there was another
        model, training = from_json(ModelConfig, settings), from_json(TrainingConfig, content["training"])
        scaler = content["descriptor_scaler"]
        networks = [model_directory.read_network(directory, number + 1) for number in range(content["networks"])]
        fitted = Fitted(
            task=content["task"],
            smiles_column=content["smiles_column"],
            target_columns=content["target_columns"],
            classes=_classes(content),
            featurizer=Featurizer.from_json(content["features"]),
            descriptor_scaler=None if scaler is None else DescriptorScaler.from_json(scaler),
            target_scaler=TargetScaler.from_json(content["target_scaler"]),
            weights=[weights for weights, _ in networks],
            histories=[history for _, history in networks],
            split=Split(*(np.array(content["split"][part], dtype=np.int64) for part in Split._fields)),
            metrics=metrics,
            data=content["data"],
            stack=_stack(directory, content),
            versions=content["versions"],
            trust=Trust.load(directory) if content.get("trust") else None,
        )
    model_directory.check_digests(directory, content.get("files", {}))  # older models have none
    return model, training, fitted


@contextmanager
def whole(directory: Path) -> Iterator[None]:
    """Turn what goes wrong with the content of `model.json` into a `ModelDirectoryError`."""
    try:
        yield
    except ModelDirectoryError:
        raise
    except (InputError, KeyError, TypeError, ValueError, RuntimeError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise ModelDirectoryError(
            f"{directory / model_directory.MODEL} is damaged ({what}); train the model again or restore the file."
        ) from error


def _stack(directory: Path, content: dict[str, Any]) -> Stack | None:
    """Return the stack; models of the first format have none."""
    weights = content.get("members")
    if weights is None:
        return None
    place = directory / model_directory.MEMBERS
    return Stack.read(place, weights, content["task"], len(content["target_columns"]))


def _classes(content: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the labels of the classes; models written before there were any know 0 and 1 only."""
    if content["task"] == "regression":
        return []
    pairs = content.get("classes") or [ZERO_ONE] * len(content["target_columns"])
    return [(str(first), str(second)) for first, second in pairs]
