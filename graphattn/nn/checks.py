"""Argument checks shared by several layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from graphattn.graph import Graph
from graphattn.nn.plain import is_plain, is_untouched
from graphattn.ops.precision import under_autocast


def check_dropout(dropout: float) -> None:
    """Raise ValueError unless `dropout` is a probability in [0, 1)."""
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is a probability in [0, 1), got {dropout}")


def check_edge_attr(edge_attr: Tensor, graph: Graph) -> None:
    """Raise ValueError unless `edge_attr` has one row per edge."""
    if edge_attr.ndim == 0 or edge_attr.shape[0] != graph.num_edges:
        raise ValueError(
            f"edge_attr is [E, edge_dim] with E edges: expected [{graph.num_edges}, any], got {list(edge_attr.shape)}"
        )


def as_pair(x: Tensor | Sequence[Tensor | None]) -> tuple[Tensor, Tensor | None]:
    """Node features as a pair (sources, destinations); a single tensor serves as both.

    Raises:
        TypeError: `x` is neither a tensor nor a pair of tensors.
    """
    if isinstance(x, Tensor):
        return x, x
    if not isinstance(x, tuple | list) or len(x) != 2 or not isinstance(x[0], Tensor):
        raise TypeError(f"x is a tensor [N, F] or a pair (sources, destinations), got {_kind(x)}")
    if not isinstance(x[1], Tensor | None):
        raise TypeError(f"x[1] is a tensor [M, F] or None, got {_kind(x[1])}")
    return x[0], x[1]


def check_features(name: str, x: Tensor, linear: Any, *, sparse: bool = False) -> None:
    """Raise unless `x` is `[rows, F]` with the width, dtype and device that `linear` expects.

    If `linear` was modified (see `is_plain`), for example because its parameters are offloaded until it is called, its
    width, dtype and device are not checked here. If it is None, only the layout, shape and dtype of `x` are. With
    `sparse`, `x` may be in compressed sparse row form.

    Raises:
        ValueError: wrong number of dimensions, wrong width, or wrong device.
        TypeError: a layout that is not taken, not floating-point, or a dtype other than that of the weights (outside
            autocast).
    """
    if x.layout is not torch.strided and not (sparse and x.layout is torch.sparse_csr):
        taken, remedy = ("dense or torch.sparse_csr", "x.to_sparse_csr()") if sparse else ("dense", "x.to_dense()")
        raise TypeError(f"{name} must be {taken}, got {x.layout}: convert it with {remedy}")
    width = getattr(linear, "in_channels", getattr(linear, "in_features", -1))
    if linear is not None and not is_untouched(linear):
        width = -1  # the modification may change the width
    expected = f"[rows, {width}]" if width > 0 else "[rows, features]"
    if x.ndim != 2 or (width > 0 and x.shape[1] != width):
        raise ValueError(f"{name} must have shape {expected}, got {list(x.shape)}")
    if not x.is_floating_point():
        raise TypeError(f"{name} must hold floating-point numbers, got {x.dtype}")
    if x.dtype.itemsize == 1:
        raise TypeError(
            f"{name} is {x.dtype}, in which PyTorch adds and multiplies nothing: "
            "cast it to torch.float16, bfloat16 or float32 first"
        )
    weight = getattr(linear, "weight", None) if is_plain(linear) else None
    if not isinstance(weight, Tensor) or isinstance(weight, torch.nn.parameter.UninitializedParameter):
        return
    if x.device != weight.device:
        raise ValueError(f"{name} is on {x.device}, but the layer is on {weight.device}")
    if x.dtype != weight.dtype and weight.is_floating_point() and not under_autocast(x):
        raise TypeError(f"{name} is {x.dtype}, but the layer's weights are {weight.dtype}")


def _kind(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} of {', '.join(type(item).__name__ for item in value)}"
    return type(value).__name__
