"""Memory for large results in huge pages, where the system has them for the asking (Linux).

Each page of fresh memory costs a fault when it is first written, half a microsecond and more for 4 KiB: for a graph of
few edges a node, as long as the attention itself. With pages of 2 MiB there are 512 times fewer.
"""

from __future__ import annotations

import ctypes
import mmap
from functools import cache
from typing import Any

from torch import Tensor

_LEAST = 2**22  # bytes; less is mostly memory that the process has used before


@cache
def _advise() -> Any:
    """The system's madvise, or None."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    try:
        advise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return None
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return advise


def ask_for_huge_pages(tensor: Tensor) -> Tensor:
    """Ask that the memory of a tensor that is about to be written be mapped in huge pages; it is only advice."""
    size = tensor.nbytes
    if size < _LEAST or _advise() is None:
        return tensor
    first = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
    _advise()(first, tensor.data_ptr() + size - first, mmap.MADV_HUGEPAGE)
    return tensor
