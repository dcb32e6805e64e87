"""Results on the terminal: one table a graph, and the summary."""

from __future__ import annotations

from rich.table import Table

from graphattn.bench.contenders import ALL, GRAPHATTN, RIVALS
from graphattn.bench.goals import goals
from graphattn.bench.result import Report
from graphattn.bench.summary import KINDS, compare, rows
from graphattn.bench.text import mebibytes, multiples, ours, share_of_roofline

_LEGEND = (
    "Of graphattn: medians, with half the spread of the middle half of the repetitions. Of the others: multiples of "
    "graphattn's, forward / forward + backward / memory. Gather merely reads k[src] and v[src]. Roofline: the share of "
    "our forward time that moving its bytes takes at the bandwidth of a copy."
)


def heading(report: Report) -> str:
    """Where it is measured, in one line."""
    where = report.environment
    versions = ", ".join(
        f"{name} {where['versions'][name]}" for name in ("torch", "numba") if name in where["versions"]
    )
    return (
        f"{where['processor']}, {where['threads']} threads, {mebibytes(where['memory'])}; {versions}; {where['date']}"
    )


def of_graph(report: Report, name: str) -> Table:
    """All cases of one graph."""
    found = rows(result for result in report.results if result.case.graph == name)
    there = [who for who in ALL if who != GRAPHATTN.name and any(who in row for row in found)]
    facts = report.graphs[name]
    table = Table(
        title=f"{name}: {facts.about}; {facts}", title_justify="left", caption=_LEGEND, caption_justify="left"
    )
    for heading in ("score", "H × D", "forward", "fwd + bwd", "memory", "roofline", *there):
        table.add_column(heading, justify="left" if heading in ("score", "H × D") else "right")
    for row in found:
        mine = row[GRAPHATTN.name]
        case = mine.case
        cells = [*ours(mine), share_of_roofline(mine, report), *(multiples(row, who) for who in there)]
        table.add_row(case.score, f"{case.heads} × {case.width}", *cells)
    return table


def summary(report: Report) -> Table:
    """Each rival over all rows, and the best of each row."""
    table = Table(title="All rows: multiples of graphattn's, geometric mean (worst row)", title_justify="left")
    table.add_column("")
    for kind in KINDS.values():
        table.add_column(kind, justify="right")
    for name in (None, *RIVALS):
        cells = []
        for kind in KINDS:
            compared = compare(rows(report.results), kind, name)
            cells.append("–" if compared is None else f"{compared.mean:.1f} ({compared.worst:.1f})")
        table.add_row(name or "best rival of each row", *cells)
    return table


def aims(report: Report) -> Table:
    """What is to be reached and what is."""
    table = Table(title="Aims", title_justify="left")
    table.add_column("")
    table.add_column("aim", justify="right", no_wrap=True)
    table.add_column("measured")
    for goal in goals(report):
        table.add_row(goal.what, goal.aim, f"[{'green' if goal.reached else 'red'}]{goal.measured}[/]")
    return table
