"""Starting a kernel on the device and the current stream of its tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def launch(kernel: Any, grid: tuple[int, ...], tensors: Tensor, warps: int, **arguments: Any) -> None:
    """Run `kernel` on `grid` with those of the arguments that it takes.

    Args:
        kernel: compiled by Triton.
        grid: how many programs along each axis; none if one of them is zero.
        tensors: any tensor of the device that shall run it.
        warps: of each program.
        arguments: by the names of the kernel's parameters.
    """
    if 0 in grid:
        return
    taken = {name: arguments[name] for name in kernel.arg_names}
    device = tensors.device
    if device.type == "cuda" and device.index != torch.cuda.current_device():
        with torch.cuda.device(device):
            kernel[grid](**taken, num_warps=warps)
    else:
        kernel[grid](**taken, num_warps=warps)
