"""Compiled code for lists of edges on CPUs, registered by `graphattn.ops.numba` where Numba is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.graph.compressed import Compressed


class Native(NamedTuple):
    """Functions on lists of edges, `[2, E]` int64, that need one pass where PyTorch needs several."""

    bounds: Callable[[Tensor], tuple[list[int], list[int]]]
    """The lowest source and destination, and the highest, of at least one edge."""
    renew_loops: Callable[[Tensor, int], tuple[Tensor, Tensor]]
    """The edges without self-loops and then one at each of the first nodes; the ids of those that stay."""
    by_destination: Callable[[Tensor, int, int, torch.dtype], Compressed]
    """`Graph.csr`, with numbers of destinations and sources. A node outside is a ValueError."""
    by_source: Callable[[Compressed, int], Compressed]
    """`Graph.csc` of `Graph.csr` and the number of sources. A node outside is a ValueError."""


_native: Native | None = None


def use(native: Native) -> None:
    """Register the compiled functions."""
    global _native
    _native = native


def native_for(tensor: Tensor) -> Native | None:
    """The compiled functions if they can read this tensor's memory, else None."""
    if (
        _native is None
        or type(tensor) is not Tensor
        or torch.compiler.is_compiling()
        or tensor.device.type != "cpu"
        or torch._C._len_torch_dispatch_stack()
        or torch._C._functorch.peek_interpreter_stack() is not None  # in which new tensors are wrapped too
    ):
        return None
    return _native
