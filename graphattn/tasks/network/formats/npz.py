"""A NumPy archive of arrays: features, labels, edges, perhaps splits."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphattn.datasets.network_data import to_torch
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.opening import read_bytes
from graphattn.tasks.network.inputs import compact
from graphattn.tasks.network.rows import Rows
from graphattn.tasks.network.source import Source

_X = ("x", "node_features", "features", "feat", "attr")
_Y = ("y", "node_labels", "labels", "label")
_EDGES = ("edge_index", "edges")
_PARTS = {"train": ("train",), "valid": ("valid", "val"), "test": ("test",)}


def read_npz(path: Path) -> Source:
    """Read arrays by the names that are usual: `x`, `y` and `edge_index`, or those of the heterophilous data sets
    (`node_features`, `node_labels`, `edges`, `train_masks`), or of Shchur et al. 2018 (`adj_indptr`, `attr_data`, …).

    Raises:
        TableError: it is no whole archive, holds Python objects, or has no edges.
    """
    try:
        with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, AttributeError) as error:
        raise TableError(f"{path} is no whole npz file of plain arrays: {str(error).splitlines()[0]}.") from None
    edges = _edges(path, arrays)
    x = _features(arrays)
    found = next((name for name in _Y if name in arrays), None)
    y = None if found is None else arrays[found]
    count = len(x) if x is not None else len(y) if y is not None else int(edges.max(initial=-1)) + 1
    if y is not None and len(y) != count:
        raise TableError(f"{path}: {found!r} has {len(y):,} rows where the features have {count:,}.")
    return array_source(str(path), edges, count, x, y, found or "y", _masks(arrays, count))


def array_source(
    name: str,
    edges: np.ndarray[Any, Any],
    count: int,
    x: Tensor | None,
    y: np.ndarray[Any, Any] | None,
    target: str,
    masks: dict[str, Tensor] | None,
    further: dict[str, np.ndarray[Any, Any]] | None = None,
    directed: bool | None = None,
) -> Source:
    """Tables of `count` nodes, called 0, 1, 2, …, and of edges `[2, E]`."""
    import pandas as pd

    frame = pd.DataFrame({"id": range(count)})
    if y is not None:
        frame[target] = _labels(y)
    table = pd.DataFrame({"source": edges[0], "target": edges[1], **(further or {})})
    return Source(
        Rows(f"{name} (nodes)", frame),
        Rows(f"{name} (edges)", table),
        directed=directed,
        id_column="id",
        source_column="source",
        destination_column="target",
        target=target if y is not None else None,
        x=None if x is None else compact(x),
        feature_names=() if x is None else tuple(f"x{at}" for at in range(x.shape[1])),
        masks=masks,
    )


def _labels(y: np.ndarray[Any, Any]) -> Any:
    """A column of labels: −1 is none; rows of 0 and 1 are lists of the labels that hold."""
    import pandas as pd

    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2:
        return [None if np.isnan(row.astype(float)).any() else np.flatnonzero(row).tolist() for row in y]
    if np.issubdtype(y.dtype, np.integer):
        return pd.Series(y).astype("Int64").mask(pd.Series(y) == -1)
    return y


def _edges(path: Path, arrays: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    found = next((name for name in _EDGES if name in arrays), None)
    if found is not None:
        edges = arrays[found]
        if edges.ndim != 2 or 2 not in edges.shape or not np.issubdtype(edges.dtype, np.integer):
            raise TableError(f"{path}: {found!r} must be whole numbers of shape [2, E] or [E, 2], got {edges.shape}.")
        return edges.T if edges.shape[0] != 2 or (found == "edges" and edges.shape[1] == 2) else edges
    if "adj_indptr" in arrays and "adj_indices" in arrays:
        indptr = arrays["adj_indptr"]
        return np.stack([np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)), arrays["adj_indices"]]).astype(
            np.int64
        )
    raise TableError(
        f"{path}: there is no array of edges, such as 'edge_index'; it has {', '.join(arrays) or 'nothing'}."
    )


def _features(arrays: dict[str, np.ndarray[Any, Any]]) -> Tensor | None:
    from scipy import sparse

    for name in _X:
        if f"{name}_indptr" in arrays:
            parts = tuple(arrays[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
            return to_torch(sparse.csr_matrix(parts, shape=tuple(arrays[f"{name}_shape"])))
        if name in arrays:
            return torch.from_numpy(np.ascontiguousarray(arrays[name], dtype=np.float32))
    return None


def _masks(arrays: dict[str, np.ndarray[Any, Any]], count: int) -> dict[str, Tensor] | None:
    masks = {}
    for part, names in _PARTS.items():
        for name in names:
            for key in (f"{name}_mask", f"{name}_masks"):
                if key in arrays:
                    mask = arrays[key].astype(bool)
                    masks[part] = torch.from_numpy(np.ascontiguousarray(mask if len(mask) == count else mask.T))
    return masks if len(masks) == len(_PARTS) else None
