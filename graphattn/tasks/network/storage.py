"""A model directory: JSON, safetensors and arrays, so that loading a model never runs code from it.

- `model.json`: what the model is; written last, so a directory that has it is whole.
- `model.safetensors`: the weights of the networks, and the arrays of all else.
- `network.npz`, `nodes.csv`: the network that it was trained on, whose nodes it labels.
- `items.npz`, `items.csv`: the pairs or graphs that it labels, where it does not label nodes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import Tensor

from graphattn.files import write_atomically, write_json
from graphattn.tasks.common.errors import ModelDirectoryError
from graphattn.tasks.network.network import ColumnRole, Network
from graphattn.version import __version__

MODEL, WEIGHTS, NETWORK, NODES = "model.json", "model.safetensors", "network.npz", "nodes.csv"
ITEMS, ROWS = "items.npz", "items.csv"
FORMAT = "graphattn network model"
FORMAT_VERSION = 1

_TENSORS = ("edge_index", "edge_weight", "edge_type", "edge_attr", "y")


def write_model(
    directory: Path,
    model: Mapping[str, Any],
    tensors: Mapping[str, Tensor | NDArray[Any]],
    network: Network,
    items: Network | None = None,
) -> None:
    """Write a model; `model` is made of plain values, `items` is what it labels where these are not the nodes."""
    (directory / MODEL).unlink(missing_ok=True)
    _write_network(directory / NETWORK, directory / NODES, network)
    for path in (directory / ITEMS, directory / ROWS):
        path.unlink(missing_ok=True)
    if items is not None:
        _write_network(directory / ITEMS, directory / ROWS, items)
    kept = {name: torch.as_tensor(tensor).detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(directory / WEIGHTS, lambda temporary: temporary.write_bytes(save(kept)))
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "graphattn": __version__, "torch": torch.__version__}
    write_json(directory / MODEL, head | dict(model))


def read_model(directory: Path) -> tuple[dict[str, Any], dict[str, Tensor], Network, Network]:
    """Read what `write_model` wrote; the items are the network itself where there are no others.

    Raises:
        ModelDirectoryError: there is no directory, no whole model of this format in it, or a file is damaged.
    """
    if not (directory / MODEL).is_file():
        raise ModelDirectoryError(f"{directory} is no model directory of graphattn label: it holds no {MODEL}.")
    model = _checked(directory / MODEL, lambda path: json.loads(path.read_bytes()))
    if not isinstance(model, dict) or model.get("format") != FORMAT:
        raise ModelDirectoryError(f"{directory / MODEL} does not describe a network model of graphattn.")
    if model.get("format_version") != FORMAT_VERSION:
        raise ModelDirectoryError(
            f"{directory / MODEL} has format version {model.get('format_version')}; this graphattn reads "
            f"{FORMAT_VERSION}. Install the version of graphattn that wrote it."
        )
    tensors = _checked(directory / WEIGHTS, load_file)
    network = _read_network(directory / NETWORK, directory / NODES)
    others = (directory / ITEMS).exists()
    return model, tensors, network, _read_network(directory / ITEMS, directory / ROWS) if others else network


def _write_network(arrays_path: Path, rows_path: Path, network: Network) -> None:
    arrays = {name: getattr(network, name).numpy() for name in _TENSORS if getattr(network, name) is not None}
    if network.x.layout is torch.sparse_csr:
        arrays |= {
            "x_pointers": network.x.crow_indices().numpy(),
            "x_columns": network.x.col_indices().numpy(),
            "x_values": network.x.values().numpy(),
        }
    else:
        arrays["x"] = network.x.numpy()
    arrays |= {f"mask_{part}": mask.numpy() for part, mask in (network.masks or {}).items()}
    text = {
        "ids": network.ids,
        "edge_types": network.edge_types,
        "feature_names": network.feature_names,
        "classes": network.classes,
        "columns": network.columns,
        "notes": network.notes,
        "directed": network.directed,
        "target": network.target,
        "task": network.task,
        "shape": tuple(network.x.shape),
    }
    arrays["text"] = np.frombuffer(json.dumps(text).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomically(arrays_path, lambda temporary: temporary.write_bytes(buffer.getvalue()))
    write_atomically(rows_path, lambda temporary: network.nodes.to_csv(temporary, index=False))


def _read_network(arrays_path: Path, rows_path: Path) -> Network:
    import pandas as pd

    def arrays_of(path: Path) -> dict[str, NDArray[Any]]:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}

    arrays = _checked(arrays_path, arrays_of)
    nodes = _checked(rows_path, lambda path: pd.read_csv(path, dtype=str, keep_default_na=False))
    text = json.loads(arrays["text"].tobytes())
    if "x" in arrays:
        x = torch.from_numpy(arrays["x"])
    else:
        pointers, columns, values = (torch.from_numpy(arrays[name]) for name in ("x_pointers", "x_columns", "x_values"))
        x = torch.sparse_csr_tensor(pointers, columns, values, text["shape"], check_invariants=True)
    tensors = {name: torch.from_numpy(arrays[name]) if name in arrays else None for name in _TENSORS}
    masks = {name[5:]: torch.from_numpy(array) for name, array in arrays.items() if name.startswith("mask_")}
    return Network(
        nodes=nodes,
        ids=tuple(text["ids"]),
        edge_types=tuple(text["edge_types"]),
        directed=text["directed"],
        x=x,
        feature_names=tuple(text["feature_names"]),
        target=text["target"],
        task=text["task"],
        classes=tuple(text["classes"]),
        masks=masks or None,
        columns=tuple(ColumnRole(*column) for column in text["columns"]),
        notes=tuple(text["notes"]),
        rejects=(),
        **tensors,  # type: ignore[arg-type]
    )


def _checked(path: Path, read: Any) -> Any:
    try:
        return read(path)
    except FileNotFoundError:
        raise ModelDirectoryError(f"{path} is missing; train the model again or restore the directory.") from None
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise ModelDirectoryError(f"{path} is damaged ({error}); train the model again or restore the file.") from None
