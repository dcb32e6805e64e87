"""The precision in which every backend adds up."""

from __future__ import annotations

import torch
from torch import Tensor


def under_autocast(tensor: Tensor) -> bool:
    """Whether autocast is enabled for the device of a tensor; "meta" has none."""
    return not tensor.is_meta and torch.is_autocast_enabled(tensor.device.type)


def wide_dtype(dtype: torch.dtype) -> torch.dtype:
    """float32 for float16 and bfloat16, and every other dtype as it is: the dtype in which everything is added up."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def wide(tensor: Tensor) -> Tensor:
    """A tensor in `wide_dtype` of its dtype."""
    return tensor.to(wide_dtype(tensor.dtype))
