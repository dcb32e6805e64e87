"""Results on the terminal: one table a graph, and the summary."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from graphattn.bench.contenders import ALL, GRAPHATTN, RIVALS
from graphattn.bench.goals import Goal
from graphattn.bench.result import Report
from graphattn.bench.summary import compare, kinds, multiple, rows
from graphattn.bench.text import cell, faults, first_call, number, quartiles, share_of_roofline, system

LEGEND = (
    "Of graphattn: medians, ± half the distance of the quartiles; first: the first call of all; faults: page faults of "
    "a call in the steady state; sys: its time in the kernel of the system. Of the others: multiples of the median. "
    "both: forward and backward. scratch: peak of memory meanwhile beyond inputs, outputs and gradients; memory: with "
    "them. gather: merely fetching the keys and values of all edges. roofline: the share of our forward time that "
    "moving its bytes takes at the bandwidth of a copy."
)
_HEADINGS = {
    "plain torch": "plain\ntorch",
    "torch-scatter": "torch-\nscatter",
    "torch.compile": "torch.\ncompile",
    "FlexAttention": "Flex-\nAttention",
    "PyG, compiled": "PyG,\ncompiled",
}


def heading(report: Report) -> str:
    """The environment, in one line."""
    where = report.environment
    versions = ", ".join(
        f"{name} {where['versions'][name]}" for name in ("torch", "numba") if name in where["versions"]
    )
    memory = f"{where['memory'] / 2**30:.0f} GiB"
    return f"{where['processor']}, {where['threads']} threads, {memory}; {versions}; {where['date']}"


def of_graph(report: Report, name: str) -> Table:
    """All cases of one graph, a line for each kind of figure."""
    found = rows(result for result in report.results if result.case.graph == name)
    there = [who for who in ALL if who != GRAPHATTN.name and any(who in row for row in found)]
    facts = report.graphs[name]
    table = Table(title=f"{name}: {facts.about}\n{facts}", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in (
        "",
        "",
        GRAPHATTN.name,
        "quartiles",
        "first",
        "faults",
        "sys",
        *(_HEADINGS.get(who, who) for who in there),
        "roof-\nline",
    ):
        table.add_column(column, justify="right" if column else "left")
    shown = list(kinds(result for row in found for result in row.values()))
    for row in found:
        mine = row[GRAPHATTN.name]
        case = mine.case
        labels = [case.score, f"{case.heads} × {case.width}", "" if case.dtype == "float32" else case.dtype, ""]
        for place, kind in enumerate(shown):
            timing = {"forward": mine.forward, "both": mine.both}.get(kind)
            beside = [quartiles(timing), first_call(timing), faults(timing), system(timing)]
            values = (multiple(row, who, kind) for who in there)
            cells = ["–" if value is None else number(value) for value in values]
            share = share_of_roofline(mine, report) if kind == "forward" else ""
            label, is_last = labels[place], place == len(shown) - 1
            table.add_row(label, kind, cell(mine, kind), *beside, *cells, share, end_section=is_last)
    return table


def notes(report: Report, name: str) -> list[str]:
    """Why figures of a graph are missing."""
    of_graph = [result for result in report.results if result.case.graph == name]
    return [f"{result.case}: {result.contender}: {result.note}" for result in of_graph if result.note]


def summary(report: Report) -> Table:
    """Each rival over all rows, and the best of each row."""
    title = "All rows, in multiples of graphattn's: geometric mean (worst row)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("")
    shown = kinds(report.results)
    for what in shown.values():
        table.add_column(what, justify="right")
    for name in (None, *RIVALS):
        cells = []
        for kind in shown:
            compared = compare(rows(report.results), kind, name)
            cells.append("–" if compared is None else f"{number(compared.mean)} ({number(compared.worst)})")
        table.add_row(name or "best rival of each row", *cells)
    return table


def aims(goals: list[Goal]) -> Table:
    """The aims and whether they are reached."""
    table = Table(title="Aims", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("")
    table.add_column("aim", justify="right", no_wrap=True)
    table.add_column("measured")
    for goal in goals:
        table.add_row(goal.what, goal.aim, f"[{'green' if goal.reached else 'red'}]{goal.measured}[/]")
    return table
