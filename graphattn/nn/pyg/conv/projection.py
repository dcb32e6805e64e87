"""Linear maps of edge features without materializing them for every edge at full width."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch_geometric.nn.dense.linear import Linear

from graphattn.nn.plain import is_plain, know

know(Linear)


def edge_features(edge_attr: Tensor, linear: Any, dtype: torch.dtype) -> Tensor:
    """Check edge features `[E, edge_dim]` and convert them to the dtype of the operator.

    Raises:
        ValueError: the shape is not `[E, edge_dim]`, with the input width of `linear`.
        TypeError: they are complex.
    """
    width = getattr(linear, "in_channels", -1)
    if edge_attr.ndim != 2 or (width > 0 and edge_attr.shape[1] != width):
        wanted = f"[{edge_attr.shape[0]}, {width}]" if width > 0 else "[E, edge_dim]"
        raise ValueError(f"edge_attr must have shape {wanted}, got {list(edge_attr.shape)}")
    if edge_attr.is_complex():
        raise TypeError(f"edge_attr must hold real numbers, got {edge_attr.dtype}")
    return edge_attr.to(dtype)


def edge_columns(edge_attr: Tensor) -> Tensor:
    """View scalar edge features `[E]` as `[E, 1]`."""
    return edge_attr.unsqueeze(-1) if edge_attr.ndim == 1 else edge_attr


def edge_scores(edge_attr: Tensor, linear: Any, att: Tensor) -> Tensor:
    """⟨att_h, (W e)_h⟩ of each edge and head, `[E, H]`, computed as ⟨Wᵀ att_h, e⟩ if W is readable."""
    _, H, C = att.shape
    weight = readable_weight(linear, edge_attr)
    if weight is None:
        return (linear(edge_attr).view(-1, H, C) * att).sum(-1).to(edge_attr.dtype)
    folded = torch.einsum("hcd,hc->dh", weight.view(H, C, -1), att[0])
    return edge_attr @ folded.to(edge_attr.dtype)


def edge_terms(edge_attr: Tensor, linear: Any, heads: int, *, values: bool) -> dict[str, Any]:
    """Arguments of `graphattn.attention` that add W e to the keys and, if `values`, to the values.

    If W is readable, features and projection are passed separately, so that the kernels do not materialize
    `[E, H, C]`.
    """
    weight = readable_weight(linear, edge_attr)
    if weight is None:
        mapped = linear(edge_attr).view(edge_attr.shape[0], heads, -1).to(edge_attr.dtype)
        return {"edge_key": mapped, "edge_value": mapped if values else None}
    projection = as_projection(weight, heads, edge_attr.dtype)
    return {"edge_attr": edge_attr, "edge_proj": projection if values else (projection, None)}


def as_projection(weight: Tensor, heads: int, dtype: torch.dtype) -> Tensor:
    """The weight `[H·C, edge_dim]` of a linear layer in the layout of the operator, `[edge_dim, H, C]`."""
    return weight.view(heads, -1, weight.shape[1]).permute(2, 0, 1).to(dtype)


def initialize(linear: Any, x: Tensor) -> None:
    """Give a lazy linear layer the weight that rows like x need, as its first call would."""
    if type(linear) is Linear and type(linear.weight) is UninitializedParameter:
        linear.initialize_parameters(linear, (x,))


def readable_weight(linear: Any, x: Tensor, *, bias: bool = False) -> Tensor | None:
    """The weight of an unmodified linear layer, which is initialized first if it is lazy.

    None if the layer was modified (see `is_plain`) or has a bias (unless `bias`, when the caller adds it); the layer
    must then be called.
    """
    initialize(linear, x)
    if not is_plain(linear, Linear, nn.Linear) or (linear.bias is not None and not bias):
        return None
    return linear.weight
