"""Figures formatted for the terminal and the documentation."""

from __future__ import annotations

from graphattn.bench.measure import Timing
from graphattn.bench.result import Report, Result
from graphattn.bench.roofline import forward_bytes
from graphattn.bench.summary import KINDS, Row, multiple


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


def ours(result: Result) -> list[str]:
    """Three cells: time of forward, of forward and backward, and memory."""
    if result.forward is None:
        return [result.note or "–", "–", "–"]
    return [milliseconds(result.forward), milliseconds(result.both), mebibytes(result.memory)]


def multiples(row: Row, name: str) -> str:
    """What a contender takes in multiples of ours: forward / forward + backward / memory, or why there is nothing."""
    if name not in row:
        return ""
    found = [multiple(row, name, kind) for kind in KINDS]
    if all(value is None for value in found):
        return row[name].note or "–"
    return " / ".join("–" if value is None else number(value) for value in found)


def share_of_roofline(result: Result, report: Report) -> str:
    """The share of a forward time that its bytes take at the measured bandwidth."""
    if result.forward is None or "bandwidth" not in report.probes:
        return "–"
    bound = forward_bytes(result.case, report.graphs[result.case.graph]) / report.probes["bandwidth"]
    return f"{100 * bound / result.forward.median:.0f}%"
