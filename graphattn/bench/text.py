"""Figures formatted for the terminal and the documentation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphattn.bench.measure import Timing
from graphattn.bench.result import Report, Result
from graphattn.bench.roofline import roofline_share
from graphattn.bench.summary import Row, multiple


def number(value: float) -> str:
    """Three digits where there is a fraction, otherwise all before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def milliseconds(timing: Timing | None) -> str:
    """A median and its spread, such as "4.20 ms ±3%"."""
    if timing is None:
        return "–"
    return f"{number(1e3 * timing.median)} ms ±{100 * timing.spread / timing.median:.0f}%"


def mebibytes(size: float | None) -> str:
    """Bytes, such as "141 MiB"."""
    return "–" if size is None else f"{number(size / 2**20)} MiB"


def times(multiple: float | None) -> str:
    """A multiple, such as "2.57 ×"."""
    return "–" if multiple is None else f"{multiple:.2f} ×"


def quartiles(timing: Timing | None) -> str:
    """Such as "4.10 … 4.35 ms"."""
    return "–" if timing is None else f"{number(1e3 * timing.low)} … {number(1e3 * timing.high)} ms"


def first_call(timing: Timing | None) -> str:
    """The time of the first call, such as "810 ms"."""
    return "–" if timing is None or timing.first is None else f"{number(1e3 * timing.first)} ms"


def faults(timing: Timing | None) -> str:
    """Page faults of a call, such as "3,500"; those that read from a disk come after a plus sign."""
    if timing is None or timing.minor_faults is None:
        return "–"
    return f"{timing.minor_faults:,.0f}" + (f" + {timing.major_faults:,.0f}" if timing.major_faults else "")


def system(timing: Timing | None) -> str:
    """Time of a call in the kernel of the system, all threads together, such as "0.42 ms"."""
    return "–" if timing is None or timing.system is None else f"{number(1e3 * timing.system)} ms"


def cell(result: Any, kind: str) -> str:
    """A figure of one of `KINDS`."""
    if kind in ("forward", "both"):
        return milliseconds(result.forward if kind == "forward" else result.both)
    return mebibytes(result.figure(kind))


def multiples(row: Row, name: str, kinds: Iterable[str]) -> str:
    """What a contender takes in multiples of ours, such as "4.10 / 3.20 / 1.05", or why there is nothing."""
    if name not in row:
        return ""
    found = [multiple(row, name, kind) for kind in kinds]
    if all(value is None for value in found):
        return row[name].note or "–"
    return " / ".join("–" if value is None else number(value) for value in found)


def share_of_roofline(result: Result, report: Report) -> str:
    """The share of a forward time that its bytes take at the measured bandwidth."""
    share = roofline_share(result, report)
    return "–" if share is None else f"{100 * share:.0f}%"
