"""A model directory: JSON and safetensors, so that loading a model never runs code from it.

- `model.json`: what the model is; written last, so a directory that has it is whole.
- `network-1.safetensors` and so on: the weights of each network, with its learning curve as metadata.
- `members/`: what stands beside the networks in a stack, as safetensors and LightGBM's text.
- `metrics.json`: how good it is.
- `trust.safetensors`: what predictions are judged by: the training molecules, and the errors of intervals.
- `run.json`: what the training was asked to do, for `--resume`.
- `predictions.csv`, `rejects.csv`, `report.html`, `logs/`, `checkpoints/`: what a training leaves for its reader.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import save
from torch import Tensor

from graphattn.files import write_atomically, write_json
from graphattn.tasks.common.errors import ModelDirectoryError, SettingsError

MODEL, METRICS, RUN, TRUST = "model.json", "metrics.json", "run.json", "trust.safetensors"
CHECKPOINTS, LOGS, MEMBERS = "checkpoints", "logs", "members"
PREDICTIONS, REJECTS, REPORT = "predictions.csv", "rejects.csv", "report.html"
FORMAT_VERSION = 1

_WRITTEN_FILES = (MODEL, METRICS, RUN, TRUST, PREDICTIONS, REJECTS, REPORT)
_WRITTEN_DIRECTORIES = (CHECKPOINTS, LOGS, MEMBERS)


def network_name(number: int) -> str:
    """Return the name of network `number`, counted from 1."""
    return f"network-{number}"


def write_network(directory: Path, number: int, weights: Mapping[str, Tensor], history: Sequence[Any]) -> None:
    """Write the weights of a network, and its learning curve beside them."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    metadata = {"history": json.dumps(list(history))}
    path = directory / f"{network_name(number)}.safetensors"
    write_atomically(path, lambda temporary: temporary.write_bytes(save(tensors, metadata)))


def read_network(directory: Path, number: int) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """Read the weights and the learning curve of a network.

    Raises:
        ModelDirectoryError: the file is missing or damaged.
    """
    path = directory / f"{network_name(number)}.safetensors"
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no dict
            history = json.loads((file.metadata() or {}).get("history", "[]"))
    except FileNotFoundError:
        raise ModelDirectoryError(f"{path} is missing; train the model again or restore the directory.") from None
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelDirectoryError(f"{path} is damaged ({error}); train the model again or restore the file.") from None
    return weights, history


def write_model(
    directory: Path,
    kind: str,
    model: Mapping[str, Any],
    metrics: Mapping[str, Any],
    *,
    version: int = FORMAT_VERSION,
) -> None:
    """Write what makes the directory whole: the metrics, then `model.json`.

    Args:
        directory: where to.
        kind: what the model is, such as "graphattn molecule model"; `read_model` asks for it.
        model: the content of `model.json`.
        metrics: the content of `metrics.json`.
        version: of the format of that kind.
    """
    write_json(directory / METRICS, metrics)
    write_json(directory / MODEL, {"format": kind, "format_version": version, **model})


def read_model(directory: Path, kind: str, *, newest: int = FORMAT_VERSION) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read `model.json` and `metrics.json` of a model of that kind, of any format version up to the newest.

    Raises:
        ModelDirectoryError: there is no directory, or no whole model of this format in it.
    """
    if not directory.is_dir():
        what = "is a file, not a model directory" if directory.exists() else "does not exist"
        raise ModelDirectoryError(f"{directory} {what}; give the --out directory of graphattn train.")
    path = directory / MODEL
    if not path.exists():
        if (directory / RUN).exists():
            raise ModelDirectoryError(
                f"the training in {directory} has not finished; run its graphattn train command again with --resume."
            )
        raise ModelDirectoryError(f"{directory} is no model directory of graphattn: it holds no {MODEL}.")
    model = read_json(path)
    if model.get("format") != kind:
        raise ModelDirectoryError(f"{path} does not describe a model of graphattn.")
    if model.get("format_version") not in range(FORMAT_VERSION, newest + 1):
        readable = f"{FORMAT_VERSION} to {newest}" if newest > FORMAT_VERSION else f"{FORMAT_VERSION}"
        raise ModelDirectoryError(
            f"{path} has format version {model.get('format_version')}; this graphattn reads {readable}. "
            "Install the version of graphattn that wrote it."
        )
    return model, read_json(directory / METRICS)


def digests(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that the model's numbers are in, by its name within the directory."""
    files = [*directory.glob("network-*.safetensors"), *(directory / MEMBERS).glob("*"), directory / TRUST]
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.is_file()
    }


def check_digests(directory: Path, written: Mapping[str, str]) -> None:
    """Refuse files that are not what was written.

    Raises:
        ModelDirectoryError: naming the first of them.
    """
    there = digests(directory)
    for name, digest in written.items():
        if there.get(name) != digest:
            raise ModelDirectoryError(
                f"{directory / name} is damaged (it is not the file that was written); train the model again or "
                "restore the file."
            )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ModelDirectoryError: the file is missing, or is no JSON object.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelDirectoryError(f"{path} is missing; train the model again or restore the directory.") from None
    except (OSError, ValueError) as error:
        raise ModelDirectoryError(f"{path} is damaged ({error}); train the model again or restore the file.") from None
    if not isinstance(content, dict):
        raise ModelDirectoryError(f"{path} is damaged (no JSON object); train the model again or restore the file.")
    return content


def check_writable(directory: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse to write into a directory that holds something.

    Raises:
        ModelDirectoryError: there is something, and the caller wants neither to go on with it nor to replace it.
    """
    if directory.exists() and not directory.is_dir():
        raise ModelDirectoryError(f"{directory} is a file; a directory for the model is expected.")
    if resume and overwrite:
        raise ModelDirectoryError("--resume goes on with a training and --overwrite removes it: choose one.")
    if resume or overwrite or not directory.exists() or not any(directory.iterdir()):
        return
    if (directory / MODEL).exists():
        what, remedy = "holds a model already", "replace it with --overwrite"
    elif (directory / RUN).exists():
        what, remedy = "holds an unfinished training", "go on with --resume, or start anew with --overwrite"
    else:
        what, remedy = "is not empty", "write beside what is there with --overwrite"
    raise ModelDirectoryError(f"{directory} {what}; choose another directory, or {remedy}.")


def open_run(directory: Path, request: dict[str, Any], resume: bool) -> None:
    """Write what the training is asked to do; when resuming, compare it with what was asked before.

    Raises:
        SettingsError: it is not the same; the message names the first difference.
    """
    path = directory / RUN
    if resume and path.exists():
        before = read_json(path)
        for name in [*request, *before]:
            old, new = before.get(name), request.get(name)
            if old != new:
                change = "the data are not the same" if name == "data" else f"{name} was {old!r} and is now {new!r}"
                raise SettingsError(
                    f"the training in {directory} cannot be resumed: {change}; "
                    "give the command that started it, or start anew with --overwrite."
                )
    else:
        write_json(path, request)


def clear(directory: Path) -> None:
    """Remove what a training wrote, and nothing else; `model.json` first, so that no half model remains."""
    for name in _WRITTEN_FILES:
        (directory / name).unlink(missing_ok=True)
    for path in [*directory.glob("network-*.safetensors"), *directory.glob(".*.tmp")]:
        path.unlink(missing_ok=True)
    for name in _WRITTEN_DIRECTORIES:
        shutil.rmtree(directory / name, ignore_errors=True)
