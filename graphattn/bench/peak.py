"""Peak memory of one call, in this process, and what of it every contender needs."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from graphattn.bench.measure import Call, wait

_PAGE = 4096


@dataclass(frozen=True)
class Memory:
    """Bytes of memory at the peak of a call.

    Attributes:
        extra: above what was there before the call; outputs and gradients are in it.
        results: of outputs and gradients, which every contender has. None where an earlier version measured.
        inputs: of what the call reads and is differentiated by, graph aside. None likewise.
    """

    extra: int
    results: int | None = None
    inputs: int | None = None

    @property
    def scratch(self) -> int | None:
        """Beyond inputs, outputs and gradients; a page at least, so that multiples of it exist."""
        return None if self.results is None else max(_PAGE, self.extra - self.results)

    @property
    def total(self) -> int:
        """With inputs, outputs and gradients; without the inputs where they are not known."""
        return self.extra + (self.inputs or 0)

    @classmethod
    def load(cls, content: dict[str, int | None] | int | None) -> Memory | None:
        """Read what a file holds. Files of before December 2026 have the extra bytes alone."""
        if isinstance(content, dict):
            return cls(**content)  # type: ignore[arg-type]
        return None if content is None else cls(content)


def peak(call: Call, inputs: Iterable[Tensor], results: Iterable[Tensor], device: str) -> Memory | None:
    """The peak of a call that reads `inputs` and makes tensors of the sizes of `results`; see `peak_extra`."""
    extra = peak_extra(call, device)
    return None if extra is None else Memory(extra, num_bytes(results), num_bytes(inputs))


def num_bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of the elements of dense tensors together."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def peak_extra(call: Call, device: str) -> int | None:
    """Bytes by which memory peaks during a call above what is there before it; None where the system does not tell.

    On a CPU it is resident memory. From here on, this process gives freed memory back at once, so that nothing is
    hidden because it lay ready. Run the call once beforehand, so that code and threads that it loads are not counted.
    """
    gc.collect()
    if device == "cuda":
        wait(device)
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        wait(device)
        return torch.cuda.max_memory_allocated() - before
    try:
        _give_memory_back()
        Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to the present size
    except (OSError, AttributeError):
        return None
    before = _status("VmRSS")
    call()
    return max(0, _status("VmHWM") - before)


def _give_memory_back() -> None:
    """Make glibc take every large block from the system and return it when it is freed, now and from here on."""
    libc = ctypes.CDLL(None)
    mmap_threshold, trim_threshold = -3, -1  # as numbered in malloc.h
    libc.mallopt(mmap_threshold, 65536)
    libc.mallopt(trim_threshold, 0)
    libc.malloc_trim(0)


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")
