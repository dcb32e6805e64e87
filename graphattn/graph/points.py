"""Helpers of graphs of points in space: `knn`, `radius` and `lsh`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from graphattn.graph.batch import batch as side_by_side
from graphattn.graph.graph import Graph


def check_points(name: str, points: Tensor, batch: Tensor | None) -> list[int]:
    """Check clouds of points, and return the number of points of each.

    Args:
        name: how the caller calls `points`, for messages.
        points: `[N, d]`, floating point.
        batch: the cloud of each point, `[N]` integers from 0, never decreasing (PyG's `batch`); one cloud when None.

    Raises:
        TypeError: `points` is no tensor of floating-point numbers, or `batch` none of integers.
        ValueError: wrong shapes, numbers that are not finite, or clouds out of order.
    """
    if not isinstance(points, Tensor) or not points.is_floating_point():
        got = points.dtype if isinstance(points, Tensor) else type(points).__name__
        raise TypeError(f"{name} must be a tensor of floating-point numbers, got {got}")
    if points.dim() != 2 or points.size(1) == 0:
        raise ValueError(f"{name} must have shape [N, d] with d at least 1, got {list(points.shape)}")
    if not bool(points.isfinite().all()):
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return [points.size(0)] if batch is None else _sizes(batch, points)


def graph_of_points(name: str, points: Tensor, batch: Tensor | None, connect: Callable[[Tensor], Graph]) -> Graph:
    """The graph of one cloud of points, or the `Batch` of those of several, on the device of the points.

    Arguments and errors are those of `check_points`; `connect` makes the graph of one cloud.
    """
    sizes = check_points(name, points, batch)
    clouds = [connect(cloud) for cloud in points.detach().split(sizes)]
    return clouds[0] if batch is None else side_by_side(clouds)


def _sizes(batch: Tensor, points: Tensor) -> list[int]:
    """The number of points of each cloud."""
    if not isinstance(batch, Tensor) or batch.is_floating_point() or batch.dtype == torch.bool:
        got = batch.dtype if isinstance(batch, Tensor) else type(batch).__name__
        raise TypeError(f"batch must be a tensor of integers, got {got}")
    if batch.shape != points.shape[:1]:
        raise ValueError(
            f"batch must have shape [{points.size(0)}], one number for each point, got {list(batch.shape)}"
        )
    if batch.numel() and (int(batch[0]) < 0 or bool((batch.diff() < 0).any())):
        raise ValueError("batch must count from 0 and never decrease: the points of a cloud come one after another")
    return batch.bincount(minlength=1).tolist()
