"""The aims of the kernels and of whole layers, compared with the figures of a report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import geometric_mean

from graphattn.bench.case import Case
from graphattn.bench.contenders import GRAPHATTN
from graphattn.bench.layer_report import TRAINING, LayerReport
from graphattn.bench.result import Report, Result
from graphattn.bench.roofline import roofline_share
from graphattn.bench.scaling import exponent, lines
from graphattn.bench.summary import KINDS, Row, compare, rows

_SMALL = ("cora", "molecules")  # which stay in the caches
_LARGE = "random-800k"


@dataclass(frozen=True)
class Goal:
    """One aim: its description, the figure aimed at, the figure measured, and whether it is reached."""

    what: str
    aim: str
    measured: str
    reached: bool


def goals(report: Report) -> list[Goal]:
    """The aims for which the report has figures."""
    parts = (_beside_rivals, _in_cache, _roofline, _half_precision, _calls, _steady, _linear)
    return [goal for part in parts for goal in part(report)]


def layer_goals(report: LayerReport) -> list[Goal]:
    """The aims of whole layers for which the report has figures."""
    found = []
    faster = {case: value for case, value in report.multiples("both").items() if case.layer != TRAINING}
    if faster:
        mean, worst = geometric_mean(faster.values()), min(faster, key=lambda case: faster[case])
        found.append(Goal("layers beside PyG: geometric mean", "≥ 5 ×", f"{mean:.1f} ×", mean >= 5))
        measured = f"{faster[worst]:.1f} × ({worst})"
        found.append(Goal("layers beside PyG: worst row", "≥ 1.5 ×", measured, faster[worst] >= 1.5))
    for what, most, is_small in (("large graphs", 1.25, False), ("Cora", 1.6, True)):
        slower = {case: value for case, value in report.beside_floor().items() if (case.graph == "cora") == is_small}
        if slower:
            worst = max(slower, key=lambda case: slower[case])
            measured = f"{slower[worst]:.2f} × ({worst})"
            what = f"layers beside their linear maps alone, {what}: worst row"
            found.append(Goal(what, f"≤ {most:g} ×", measured, slower[worst] <= most))
    return found


def _beside_rivals(report: Report) -> list[Goal]:
    found = []
    for kind, least in (("forward", 9), ("both", 8)):
        compared = compare(rows(report.results), kind)
        if compared is None:
            continue
        what = f"{KINDS[kind]}, best rival of each row: geometric mean of {compared.rows} rows"
        found.append(Goal(what, f"≥ {least} ×", f"{compared.mean:.1f} ×", compared.mean >= least))
        measured = f"{compared.worst:.1f} × ({compared.where})"
        found.append(Goal(f"{KINDS[kind]}: worst row", "≥ 3 ×", measured, compared.worst >= 3))
        under = f"{compared.under_three} of {compared.rows}"
        found.append(Goal(f"{KINDS[kind]}: rows under 3 ×", "0", under, not compared.under_three))
    return found


def _in_cache(report: Report) -> list[Goal]:
    """Cora and the molecules; nanoseconds an edge where one core measured."""
    found = []
    small = [row for row in rows(report.results) if _case(row).graph in _SMALL]
    compared = compare(small, "both")
    if compared is not None:
        measured = f"{compared.worst:.1f} × ({compared.where}); geometric mean {compared.mean:.1f} ×"
        what = f"Cora and molecules, {KINDS['both']}, best rival of each row: worst row"
        found.append(Goal(what, "≥ 4 ×", measured, compared.worst >= 4))
    ours = [result for result in _ours(report) if result.case.graph in _SMALL and result.case.heads == 8]
    for kind, most in (("forward", 20), ("both", 50)):
        each = {
            result.case: 1e9 * seconds / report.graphs[result.case.graph].num_edges
            for result in ours
            if result.case.width in (8, 16) and (seconds := result.figure(kind)) is not None
        }
        if each and report.environment.get("threads") == 1:
            worst = max(each, key=lambda case: each[case])
            measured = f"{each[worst]:.0f} ns ({worst})"
            found.append(Goal(f"{KINDS[kind]}: one edge on one core", f"≤ {most} ns", measured, each[worst] <= most))
    return found


def _roofline(report: Report) -> list[Goal]:
    shares = {
        result.case: share
        for result in _ours(report)
        if result.case.graph == _LARGE and (share := roofline_share(result, report)) is not None
    }
    if not shares:
        return []
    worst = min(shares, key=lambda case: shares[case])
    measured = f"{shares[worst]:.0%} ({worst})"
    return [Goal("large random graphs, share of the copy roofline: worst row", "≥ 60%", measured, shares[worst] >= 0.6)]


def _half_precision(report: Report) -> list[Goal]:
    found = []
    forward = {result.case: result.figure("forward") for result in _ours(report)}
    for case, half in forward.items():
        whole = forward.get(replace(case, dtype="float32"))
        if case.graph == _LARGE and case.dtype in ("bfloat16", "float16") and whole and half:
            what = f"forward in half precision beside float32: {case}"
            found.append(Goal(what, "≥ 1.4 × faster", f"{whole / half:.2f} ×", whole / half >= 1.4))
    return found


def _calls(report: Report) -> list[Goal]:
    found = []
    for name, what, most in (
        ("overhead, ", "one call on a graph of 30 nodes without gradients, slowest score", 20),
        ("overhead both, ", "forward + backward on a graph of 30 nodes, slowest score", 75),
    ):
        calls = {each.removeprefix(name): time for each, time in report.probes.items() if each.startswith(name)}
        if calls:
            slowest = max(calls, key=lambda score: calls[score])
            microseconds = 1e6 * calls[slowest]
            measured = f"{microseconds:.0f} µs ({slowest})"
            found.append(Goal(what, f"≤ {most} µs", measured, microseconds <= most))
    if "alternation" in report.probes:
        ratio = report.probes["alternation"]
        what = "taking turns with torch.mm, in multiples of the two alone"
        found.append(Goal(what, "≤ 1.15 ×", f"{ratio:.2f} ×", ratio <= 1.15))
    return found


def _steady(report: Report) -> list[Goal]:
    slowest = {
        f"{result.case}, {KINDS[kind]}": timing.slowest / timing.median
        for result in _ours(report)
        for kind, timing in (("forward", result.forward), ("both", result.both))
        if timing is not None and timing.slowest is not None and timing.median > 0
    }
    if not slowest:
        return []
    worst = max(slowest, key=lambda where: slowest[where])
    measured = f"{slowest[worst]:.2f} × ({worst})"
    return [
        Goal("slowest call in the steady state, in multiples of the median", "≤ 1.1 ×", measured, slowest[worst] <= 1.1)
    ]


def _ours(report: Report) -> list[Result]:
    return [result for result in report.results if result.contender == GRAPHATTN.name]


def _case(row: Row) -> Case:
    return next(iter(row.values())).case


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
