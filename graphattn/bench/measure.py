"""Time and peak extra memory of one call, in this process."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import torch

Call = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median over the repetitions, and half the spread of their middle half."""

    median: float
    spread: float
    repetitions: int


def repeat(call: Call, seconds: float, device: str, *, least: int = 3, most: int = 1000) -> Timing:
    """Time a call that has run before, until `seconds` have passed and `least` repetitions are done."""
    wait(device)
    taken: list[float] = []
    while len(taken) < least or (sum(taken) < seconds and len(taken) < most):
        taken.append(_seconds(call, device))
    low, middle, high = quantiles(taken, n=4, method="inclusive")
    return Timing(middle, (high - low) / 2, len(taken))


def _seconds(call: Call, device: str) -> float:
    """Seconds of one call; on a GPU by its own clock, from the start of the first kernel to the end of the last."""
    if device == "cuda":
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        call()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1000
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def per_call(call: Call, device: str, *, batches: int = 20, calls: int = 50) -> float:
    """Seconds of one of many calls in a row, the median over batches: for calls as short as a tick of the clock."""
    call()
    taken = []
    for _ in range(batches):
        wait(device)
        start = time.perf_counter()
        for _ in range(calls):
            call()
        wait(device)
        taken.append((time.perf_counter() - start) / calls)
    return median(taken)


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


def wait(device: str) -> None:
    """Wait until all that was asked of the device is done."""
    if device == "cuda":
        torch.cuda.synchronize()


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
