"""A graph of PyTorch Geometric."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.formats.npz import array_source
from graphattn.tasks.network.source import Source


def from_pyg(data: Any) -> Source:
    """Take `x`, `edge_index`, `edge_attr`, `edge_weight`, `edge_type`, `y` and the masks of a `Data`.

    Raises:
        TableError: it has no edges, or several kinds of nodes.
    """
    edge_index = getattr(data, "edge_index", None)
    if not isinstance(edge_index, Tensor):
        raise TableError(f"the {type(data).__name__} has no edge_index.")
    edge_index = edge_index.detach().cpu()
    further: dict[str, np.ndarray[Any, Any]] = {}
    for name, column in (("edge_weight", "weight"), ("edge_type", "type")):
        value = getattr(data, name, None)
        if value is not None:
            further[column] = value.detach().cpu().reshape(-1).numpy()
    attr = getattr(data, "edge_attr", None)
    if attr is not None:
        attr = attr.detach().cpu().reshape(edge_index.shape[1], -1)
        further |= {f"attr{at}": attr[:, at].numpy() for at in range(attr.shape[1])}
    y = getattr(data, "y", None)
    masks: dict[str, Any] = {
        part: getattr(data, f"{key}_mask", None)
        for part, key in (("train", "train"), ("valid", "val"), ("test", "test"))
    }
    whole = all(mask is not None for mask in masks.values())
    return array_source(
        f"the {type(data).__name__}",
        edge_index.numpy(),
        int(data.num_nodes),
        _features(getattr(data, "x", None)),
        None if y is None else y.detach().cpu().numpy(),
        "y",
        {part: mask.detach().cpu().bool() for part, mask in masks.items()} if whole else None,
        further,
        directed=bool(data.is_directed()),
    )


def _features(x: Any) -> Tensor | None:
    if x is None:
        return None
    if hasattr(x, "to_torch_sparse_csr_tensor"):  # torch_sparse.SparseTensor
        x = x.to_torch_sparse_csr_tensor()
    x = x.detach().cpu().to(torch.float32)
    if x.layout == torch.sparse_coo:
        x = x.coalesce().to_sparse_csr()
    return x.reshape(len(x), -1) if x.layout == torch.strided else x
