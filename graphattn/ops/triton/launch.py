"""Starting a kernel on the device and the current stream of its tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def launch(kernel: Any, grid: tuple[int, ...], tensors: Tensor, warps: int, **arguments: Any) -> None:
    """Run `kernel` on `grid` with these arguments; a tensor that holds nothing is one that is not there.

    Args:
        kernel: compiled by Triton.
        grid: how many programs along each axis; none if one of them is zero.
        tensors: any tensor of the device that shall run it.
        warps: of each program.
        arguments: by the names of the kernel's parameters.
    """
    if 0 in grid:
        return
    device = tensors.device
    if device.type == "cuda" and device.index != torch.cuda.current_device():
        with torch.cuda.device(device):
            kernel[grid](**arguments, num_warps=warps)
    else:
        kernel[grid](**arguments, num_warps=warps)
