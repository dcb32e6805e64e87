"""The aims of the kernels, compared with the figures of a report."""

from __future__ import annotations

from dataclasses import dataclass

from graphattn.bench.contenders import GATHER, PYG
from graphattn.bench.result import Report
from graphattn.bench.scaling import exponent, lines
from graphattn.bench.summary import KINDS, compare, multiple, rows


@dataclass(frozen=True)
class Goal:
    """One aim: its description, the figure aimed at, the figure measured, and whether it is reached."""

    what: str
    aim: str
    measured: str
    reached: bool


def goals(report: Report) -> list[Goal]:
    """The aims for which the report has figures."""
    return [*_beside_rivals(report), *_beside_gathering(report), *_small(report), *_linear(report)]


def _beside_rivals(report: Report) -> list[Goal]:
    found = []
    for kind, least in (("forward", 15), ("both", 10), ("memory", 10)):
        compared = compare(rows(report.results), kind)
        if compared is None:
            continue
        what = f"{KINDS[kind]}, best rival of each row: geometric mean of {compared.rows} rows"
        found.append(Goal(what, f"≥ {least} ×", f"{compared.mean:.1f} ×", compared.mean >= least))
        if kind != "memory":
            what, measured = f"{KINDS[kind]}: worst row", f"{compared.worst:.1f} × ({compared.where})"
            found.append(Goal(what, "≥ 3 ×", measured, compared.worst >= 3))
            under = f"{compared.under_three} of {compared.rows}"
            found.append(Goal(f"{KINDS[kind]}: rows under 3 ×", "0", under, not compared.under_three))
    return found


def _beside_gathering(report: Report) -> list[Goal]:
    found = []
    for row in rows(report.results):
        case = next(iter(row.values())).case
        gather = multiple(row, GATHER.name, "forward")
        if case.graph == "random-800k" and gather is not None:
            what = f"forward beside gathering alone: {case}"
            found.append(Goal(what, "≤ 0.33 ×", f"{1 / gather:.2f} ×", 1 / gather <= 1 / 3))
    return found


def _small(report: Report) -> list[Goal]:
    found = []
    calls = {
        name.removeprefix("overhead, "): time for name, time in report.probes.items() if name.startswith("overhead, ")
    }
    if calls:
        slowest = max(calls, key=lambda score: calls[score])
        microseconds = 1e6 * calls[slowest]
        measured = f"{microseconds:.0f} µs ({slowest})"
        found.append(Goal("one call on a graph of 30 nodes, slowest score", "≤ 60 µs", measured, microseconds <= 60))
    batch = [row for row in rows(report.results) if next(iter(row.values())).case.graph == "molecules"]
    compared = compare(batch, "both", PYG.name)
    if compared is not None:
        measured = f"{compared.worst:.1f} × ({compared.where}); geometric mean {compared.mean:.1f} ×"
        found.append(
            Goal("64 molecules, forward + backward beside PyG: worst row", "≥ 3 ×", measured, compared.worst >= 3)
        )
    if "alternation" in report.probes:
        ratio = report.probes["alternation"]
        what = "taking turns with torch.mm, in multiples of the two alone"
        found.append(Goal(what, "≤ 1.1 ×", f"{ratio:.2f} ×", ratio <= 1.1))
    return found


def _linear(report: Report) -> list[Goal]:
    found = []
    for kind in ("forward", "both"):
        for (axis, order), (sizes, times) in lines(report.scaling, kind).items():
            if len(sizes) < 2:
                continue
            slope = exponent(sizes, times)
            of = f"edges, {order} sources" if axis == "edges" else f"heads × width, more {axis}"
            what = f"{KINDS[kind]}: exponent of time over {of}, {sizes[0]:,} to {sizes[-1]:,}"
            found.append(Goal(what, "0.95 … 1.05", f"{slope:.2f}", 0.95 <= slope <= 1.05))
    return found
