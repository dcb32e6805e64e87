"""The grid graph: every cell of an image or a volume sees the cells of a kernel around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

import torch
from torch import Tensor

from graphattn.graph.axis_window import Border, Reach, as_border, as_positive
from graphattn.graph.checks import as_device
from graphattn.graph.compressed import Compressed, index_dtype
from graphattn.graph.neighborhood import Neighborhood
from graphattn.graph.plot import Picture
from graphattn.graph.rule import as_sizes
from graphattn.graph.torch_modes import has_values


class Grid(Neighborhood):
    """Grid graphs, packed; `sizes` holds their shapes. Built by `grid`."""

    def __init__(
        self,
        sizes: Sequence[tuple[int, ...]],
        kernel_size: tuple[int, ...],
        dilation: tuple[int, ...],
        border: Border = "truncate",
        *,
        device: torch.device | str | int = "cpu",
    ) -> None:
        self.sizes = tuple(sizes)
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.border = border
        reaches = [
            Reach(left=width // 2, right=(width - 1) // 2, dilation=step, border=border)
            for width, step in zip(kernel_size, dilation, strict=True)
        ]
        self._set_neighborhood(self.sizes, reaches, as_device(device))

    @property
    def options(self) -> dict[str, Any]:
        """What the rule depends on beside the shapes."""
        return {"kernel_size": self.kernel_size, "dilation": self.dilation, "border": self.border}

    def _picture(self) -> Picture:
        return super()._picture()._replace(is_grid=True)

    def _make_csr(self) -> Compressed:
        dtype = index_dtype(self.num_dst, self.num_edges)
        made = {shape: self._cells_seen(shape) for shape in set(self.sizes)}
        indices = [torch.empty(0, dtype=dtype, device=self.device)]
        count = [torch.zeros(1, dtype=torch.int64, device=self.device)]
        before = 0
        for shape, num_nodes in zip(self.sizes, self.dst_sizes, strict=True):
            seen, num_seen = made[shape]
            indices.append((seen + before).to(dtype))
            count.append(num_seen)
            before += num_nodes
        return Compressed(torch.cat(count).cumsum(0).to(dtype), torch.cat(indices), None)

    def _cells_seen(self, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """The cells that each cell of one grid sees, `[E]`, cell by cell; and how many each sees, `[cells]`."""
        num_axes = len(shape)
        cell = torch.zeros((), dtype=torch.int64, device=self.device)
        inside = torch.ones((), dtype=torch.bool, device=self.device)
        # Both become [*shape, *steps]: one entry for each cell and each step of the kernel along each axis.
        for axis, (reach, length) in enumerate(zip(self.reaches, shape, strict=True)):
            seen, valid = _axis_table(reach, length, self.device)
            view = [1] * (2 * num_axes)
            view[axis], view[num_axes + axis] = seen.shape
            cell = cell * length + seen.view(view)
            inside = inside & valid.view(view)
        if has_values(inside):
            cell = cell[inside]
        else:  # how many there are is known all the same
            place = inside.flatten().nonzero_static(size=self._num_pairs(shape)).squeeze(1)
            cell = cell.broadcast_to(inside.shape).flatten().index_select(0, place)
        return cell, inside.sum(dim=tuple(range(num_axes, 2 * num_axes))).flatten()


def _axis_table(reach: Reach, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The positions seen from each position of an axis, ascending, `[length, steps]`; and which are real."""
    position = torch.arange(length, device=device)
    start, count = reach.start_and_count(position, length)
    step = torch.arange(min(reach.width, length), device=device)
    seen = start.unsqueeze(1) + reach.dilation * step
    if reach.border == "periodic":
        seen = seen.remainder(length).sort(dim=1).values
    return seen, step < count.unsqueeze(1)


def grid(
    shape: SupportsIndex | Sequence[int] | Sequence[Sequence[int]],
    kernel_size: int | Sequence[int],
    *,
    dilation: int | Sequence[int] = 1,
    border: str = "truncate",
    device: torch.device | str | int = "cpu",
) -> Grid:
    """The grid graph: every cell sees the cells of a kernel around it, as in a convolution.

    N(i) = { i + dilation · t : -⌊k/2⌋ <= t <= ⌊(k - 1)/2⌋ along each axis },   k = kernel_size

    Cells are numbered in row-major order (the last axis runs fastest), as `tensor.flatten()` does. Odd kernels
    are centered; even ones reach one step further toward 0, as in NATTEN. With border "shift" this is
    neighborhood attention. A bias for each relative position is a table read at `offset_index` of the graph.

    Args:
        shape: the lengths of 1, 2 or 3 axes, such as `(height, width)`; or a list of such shapes, which means a
            batch. One integer is a shape of one axis.
        kernel_size: how many cells to see along each axis; one integer means the same for all.
        dilation: the length of a step along each axis; one integer means the same for all.
        border: what happens at the ends of each axis. "truncate" leaves out cells that are not there; "shift"
            moves the window inwards until it fits, so that each cell sees as many (NATTEN's rule; needs
            `kernel_size · dilation <= shape`); "periodic" goes on at the other end (needs `kernel_size`
            different cells on the way round).
        device: where its tensors will be.

    Raises:
        TypeError: a size is no integer.
        ValueError: not 1 to 3 axes, a size is out of range, or the kernel does not fit `border`.

    Example:
        >>> grid((2, 3), kernel_size=(1, 3)).edge_index
        tensor([[0, 1, 0, 1, 2, 1, 2, 3, 4, 3, 4, 5, 4, 5],
                [0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5]])
        >>> grid([(2, 3), (4, 4)], kernel_size=3)
        Grid(num_graphs=2, num_nodes=22, kernel_size=(3, 3), dilation=(1, 1), border='truncate', num_edges=128)

    Reference: Hassani et al. 2023, arXiv:2204.07143; dilation: Hassani and Shi 2022, arXiv:2209.15001.
    """
    if isinstance(shape, Sequence) and len(shape) > 0 and isinstance(shape[0], Sequence):
        shapes = [as_sizes("shape", each) for each in shape]
    else:
        shapes = [as_sizes("shape", shape)]  # type: ignore[arg-type]
    num_axes = len(shapes[0])
    if not 1 <= num_axes <= 3 or any(len(each) != num_axes for each in shapes):
        raise ValueError(f"shape must have 1, 2 or 3 axes, the same number for all of a batch, got {shape!r}")
    return Grid(
        shapes,
        _for_each_axis("kernel_size", kernel_size, num_axes),
        _for_each_axis("dilation", dilation, num_axes),
        as_border(border),
        device=device,
    )


def _for_each_axis(name: str, value: int | Iterable[int], num_axes: int) -> tuple[int, ...]:
    values = as_sizes(name, value)
    if not isinstance(value, Iterable):
        values = values * num_axes
    if len(values) != num_axes:
        raise ValueError(f"{name} must be one integer or one for each of {num_axes} axes, got {value!r}")
    return tuple(as_positive(name, each) for each in values)
