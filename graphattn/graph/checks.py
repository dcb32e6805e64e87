"""Checks of the edges and sizes that a graph is made of."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, SupportsIndex, TypeGuard, cast

import torch
from torch import Tensor

from graphattn.graph.native import native_for
from graphattn.graph.torch_modes import has_values, is_mapped, values_of

if TYPE_CHECKING:
    from torch_geometric import EdgeIndex


def as_count(name: str, value: SupportsIndex) -> int:
    """Return `value` as a number of things.

    Raises:
        TypeError: not an integer.
        ValueError: negative.
    """
    if type(value) is int and value >= 0:  # almost always, and a protocol takes long to ask about
        return value
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    # An int stays what it is: under torch.compile it may be a size left open, which `index` would settle.
    count = cast(int, value) if isinstance(value, int | torch.SymInt) else operator.index(value)
    if count < 0:
        raise ValueError(f"{name} must not be negative, got {count}")
    return count


def as_device(device: torch.device | str | int) -> torch.device:
    """Return `device` as tensors on it name it: "cuda" becomes "cuda:0"."""
    return torch.empty(0, device=device).device


def check_form(edge_index: Tensor) -> None:
    """Check that `edge_index` is `[2, E]` integers.

    Raises:
        TypeError: not integers.
        ValueError: another shape.
    """
    if edge_index.is_floating_point() or edge_index.is_complex() or edge_index.dtype == torch.bool:
        raise TypeError(f"edge_index must hold integers, got {edge_index.dtype}")
    if edge_index.dim() != 2 or edge_index.size(0) != 2:
        raise ValueError(f"edge_index must have shape [2, E], got {list(edge_index.shape)}")


def is_pyg_edge_index(edge_index: Tensor) -> TypeGuard[EdgeIndex]:
    """Whether this is a `torch_geometric.EdgeIndex`; found out without importing PyG."""
    return type(edge_index) is not Tensor and hasattr(edge_index, "sparse_size") and hasattr(edge_index, "as_tensor")


def known_sizes(edge_index: EdgeIndex) -> tuple[int | None, int | None]:
    """The numbers of destinations and sources that a PyG `EdgeIndex` brings along, None where it does not know both."""
    num_src, num_dst = edge_index.sparse_size()
    return (None, None) if num_src is None or num_dst is None else (num_dst, num_src)


def check_nodes(edge_index: Tensor, num_dst: int | None, num_src: int | None) -> tuple[int, int]:
    """Return the two sizes, found where they are None, after checking that every node is inside them."""
    if not has_values(edge_index):
        if num_dst is not None and num_src is not None:
            return num_dst, num_src
        if not torch.compiler.is_compiling():
            raise ValueError("edge_index is on meta or fake, so its nodes cannot be counted: give num_nodes")
    lowest, highest = [0, 0], [-1, -1]
    if is_mapped(edge_index):
        if num_dst is None or num_src is None:
            raise ValueError("the sizes of a graph whose edges vmap maps over must be given: num_nodes, or both of two")
        if edge_index.numel() > 0:
            ends = [values_of(end).aminmax() for end in edge_index]
            lowest, highest = [int(end.min) for end in ends], [int(end.max) for end in ends]
    elif edge_index.numel() > 0:
        native = native_for(edge_index)
        found = torch.stack(edge_index.aminmax(dim=1)).tolist() if native is None else native.bounds(edge_index)
        lowest, highest = found
    if min(lowest) < 0:
        raise ValueError(f"edge_index holds node {min(lowest)}, but nodes are counted from 0")
    if num_dst is None and num_src is None:
        num_dst = num_src = max(highest) + 1
    num_src = highest[0] + 1 if num_src is None else num_src
    num_dst = highest[1] + 1 if num_dst is None else num_dst
    kinds = ("", "") if num_dst == num_src else ("source ", "destination ")
    for kind, node, size in zip(kinds, highest, (num_src, num_dst), strict=True):
        if node >= size:
            raise ValueError(f"edge_index holds {kind}node {node}, but the graph has {size} {kind}nodes")
    return num_dst, num_src
