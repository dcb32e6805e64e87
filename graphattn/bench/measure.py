"""Time of one call in its steady state, in this process, and what the system did for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, NamedTuple, TypeVar

import torch

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

Call = Callable[[], object]
T = TypeVar("T")
Turns = Generator[None, None, T]
"""A measurement that yields where others may have their turn, and returns a T."""

LEAST = 10  # repetitions
TURNS = 3  # in which they are made
STEADY, AGREEING = 1.05, 3  # warm when so many calls in a row take no more than this multiple of each other,
WARM_CALLS, WARM_SECONDS = 30, 10.0  # or after so many calls or seconds
MOST = 1000  # repetitions


@dataclass(frozen=True)
class Timing:
    """Seconds of one call, and what the system did meanwhile.

    Attributes:
        median: over the repetitions.
        low: the first quartile.
        high: the third quartile.
        repetitions: how many there were.
        slowest: the slowest of them.
        first: the first call of all, which compiles and loads.
        warm_up: how many calls, the first among them, came before the repetitions.
        minor_faults: page faults a call that took no reading from a disk, the mean over the repetitions.
        major_faults: those that did.
        system: seconds a call that all threads spent in the kernel of the system.

    What follows `repetitions` is None where the system does not tell or an earlier version measured.
    """

    median: float
    low: float
    high: float
    repetitions: int
    slowest: float | None = None
    first: float | None = None
    warm_up: int | None = None
    minor_faults: float | None = None
    major_faults: float | None = None
    system: float | None = None

    @property
    def spread(self) -> float:
        """Half the distance of the quartiles."""
        return (self.high - self.low) / 2

    @classmethod
    def load(cls, content: dict[str, Any] | None) -> Timing | None:
        """Read what a file holds. Files of before December 2026 have half the distance of the quartiles alone."""
        if content is None:
            return None
        if "spread" not in content:
            return cls(**content)
        middle, spread = content["median"], content["spread"]
        return cls(middle, middle - spread, middle + spread, content["repetitions"])


def in_turns(call: Call, seconds: float, device: str) -> Turns[Timing]:
    """Time a call: warm up, then repeat it `LEAST` times at least and for `seconds`, in `TURNS` turns.

    The first call of a turn does not count, as others have had the caches since.
    """
    warm = _warm_up(call, device)
    taken: list[float] = []
    used = _Usage(0, 0, 0.0)
    for turn in range(1, TURNS + 1):
        if turn > 1:
            _rest(device)
            yield
            _seconds(call, device)
        least, until = -(-LEAST * turn // TURNS), seconds * turn / TURNS
        before = _usage()
        while len(taken) < least or (sum(taken) < until and len(taken) < MOST):
            taken.append(_seconds(call, device))
        used = used.plus(before, _usage())
    _rest(device)
    low, middle, high = quantiles(taken, n=4, method="inclusive")
    minor, major, system = (each / len(taken) for each in used) if resource is not None else (None, None, None)
    return Timing(middle, low, high, len(taken), max(taken), warm[0], len(warm), minor, major, system)


def repeat(call: Call, seconds: float, device: str) -> Timing:
    """Time a call by `in_turns`, with nothing between the turns."""
    return finish(in_turns(call, seconds, device))


def finish(turns: Turns[T]) -> T:
    """What a measurement returns when no other has a turn."""
    while True:
        try:
            next(turns)
        except StopIteration as end:
            result: T = end.value
            return result


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


def wait(device: str) -> None:
    """Wait until all that was asked of the device is done."""
    if device == "cuda":
        torch.cuda.synchronize()


def _rest(device: str) -> None:
    """Before others have a turn: let them have the memory of the device that lies ready."""
    if device == "cuda":
        torch.cuda.empty_cache()


class _Usage(NamedTuple):
    """Page faults, and seconds in the kernel, of all threads of this process."""

    minor: float
    major: float
    system: float

    def plus(self, start: _Usage, end: _Usage) -> _Usage:
        return _Usage(*(sum_ + after - before for sum_, before, after in zip(self, start, end, strict=True)))


def _usage() -> _Usage:
    if resource is None:
        return _Usage(0, 0, 0.0)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return _Usage(used.ru_minflt, used.ru_majflt, used.ru_stime)


def _warm_up(call: Call, device: str) -> list[float]:
    """Seconds of each call until the time of one is steady, or until patience ends."""
    wait(device)
    taken: list[float] = []
    while True:
        taken.append(_seconds(call, device))
        latest = taken[-AGREEING:]
        if len(latest) == AGREEING and (
            max(latest) <= STEADY * min(latest) or len(taken) >= WARM_CALLS or sum(taken) >= WARM_SECONDS
        ):
            return taken


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
