"""Tables on the terminal for `graphattn label`: what columns were taken for, who answers, and whom a node heard."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graphattn.cli.pairs import print_pairs
from graphattn.cli.program import program
from graphattn.tasks.common.formatting import fixed
from graphattn.tasks.network.findings import labels_of
from graphattn.tasks.network.metrics import METRICS
from graphattn.tasks.network.report_blocks import (
    METRIC_LABELS,
    answer_sentence,
    column_rows,
    members_by_metric,
    method_label,
)
from graphattn.tasks.network.run import LABELS, LINKS, MODEL, PICTURES, REJECTS, REPORT
from graphattn.tasks.network.run import METRICS as METRICS_FILE

if TYPE_CHECKING:
    from graphattn.tasks.network.explain import Explanation
    from graphattn.tasks.network.network import Network


def columns_summary(console: Console, network: Network) -> None:
    """Print what was read, what its columns were taken for, and what was odd."""
    kind = "directed" if network.directed else "undirected"
    classes = f" of {len(network.classes)} classes" if network.classes else ""
    learned = f"; {network.task} of {network.target!r}{classes}" if network.target else ""
    console.print(
        f"{len(network.ids):,} nodes, {network.edge_index.shape[1]:,} {kind} edges, {len(network.feature_names):,} "
        f"features{learned}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    table = Table(header_style="bold")
    for name in ("table", "column", "taken for", "because"):
        table.add_column(name)
    for row in column_rows(network.columns):
        table.add_row(*map(escape, row))
    console.print(table)
    for note in network.notes:
        console.print(f"Note: {note}", markup=False, highlight=False, soft_wrap=True)
    if network.rejects:
        first = network.rejects[0]
        console.print(
            f"{len(network.rejects):,} rows are left out, the first {first.file}, line {first.line}: {first.reason}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def label_summary(console: Console, predictor: Any, measured: dict[str, Any], directory: Path) -> None:
    """Print all methods beside one another, who answers and why, where everything is, and what to type next."""
    console.print(methods_table(measured))
    known = {*predictor.network.notes, measured["why"]}
    lines = [answer_sentence(measured), *(note for note in measured["notes"] if note not in known)]
    if (measured.get("splits") or {}).get("count"):
        found = measured["splits"]
        label = METRIC_LABELS[found["metric"]]
        lines.append(
            f"Over {found['count']} splits the test {label} is {fixed(found['mean'])} ± {fixed(found['deviation'])}."
        )
    if not _missing(measured["edge_homophily"]):
        lines.append(f"{measured['edge_homophily']:.0%} of the edges join equal labels.")
    if measured["ranking"]:
        found = measured["ranking"]["answer"]
        lines.append(
            f"Among 100 pairs without a link, a linked pair ranks with MRR {fixed(found['mrr'])}; "
            f"{found['hits_10']:.0%} "
            "are among the first ten."
        )
    calibration = measured["calibration"]
    if not _missing(calibration["after"]):
        lines.append(
            f"Confidence is off by {fixed(calibration['after'])} in the mean (expected calibration error; "
            f"{fixed(calibration['before'])} before the temperatures)."
        )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print()
    places = [
        ("likely links", LINKS) if measured["unit"] == "pairs" else ("labels", LABELS),
        ("measured", METRICS_FILE),
        ("report", REPORT),
        *([("pictures", PICTURES)] if measured["unit"] == "nodes" else []),
        ("model", MODEL),
    ]
    if predictor.network.rejects:
        places.append(("rejected rows", REJECTS))
    print_pairs(console, [(what, str(directory / name)) for what, name in places])
    console.print()
    heading, words = _next(predictor, measured["unit"], str(directory))
    console.print(heading, highlight=False)
    command = shlex.join([program(), "label", *words])
    console.print(f"  {command}", style="bold", markup=False, highlight=False, soft_wrap=True)


def _next(predictor: Any, unit: str, directory: str) -> tuple[str, list[str]]:
    """What to type next."""
    if unit == "pairs":
        return "Next, pairs of your own:", ["predict", directory, "--pairs", "pairs.csv", "--out", "links.csv"]
    if unit == "graphs":
        return "Next, graphs of your own:", ["predict", directory, "nodes.csv", "edges.csv", "--out", "labels.csv"]
    node = predictor.network.ids[0]
    return "Next, why a node got its label:", ["explain", directory, "--node", node, "--out", "node.png"]


def methods_table(measured: dict[str, Any]) -> Table:
    """Return the metrics of every method, the best on the validation nodes first; the one that answers is marked."""
    part = "test" if measured["split"]["test"] else "valid"
    metric, names, unit = measured["metric"], METRICS[measured["task"]], measured["unit"]
    table = Table(header_style="bold")
    table.add_column("  method", no_wrap=True)
    table.add_column(f"valid {METRIC_LABELS[metric]}", justify="right")
    for name in names:
        table.add_column(f"{part} {METRIC_LABELS[name]}", justify="right")
    table.caption = f"{measured['split']['valid']:,} validation {unit}, {measured['split']['test']:,} test {unit}"
    table.caption_justify = "left"
    for member in members_by_metric(measured["members"], "valid", metric):
        chosen = member["name"] == measured["answer"]
        label = ("→ " if chosen else "  ") + method_label(member["name"])
        cells = [label, fixed(member["valid"][metric]), *(fixed(member[part][name]) for name in names)]
        table.add_row(*cells, style="bold" if chosen else None)
    return table


def explanation_summary(console: Console, predictor: Any, found: Explanation) -> None:
    """Print whom a node listened to, and what the test by deletion found."""
    pairs = [("node", found.node), ("predicted", found.predicted)]
    if found.confidence is not None:
        pairs[-1] = ("predicted", f"{found.predicted}, {found.confidence:.0%} sure")
    pairs.append(("labeled", "–" if found.actual is None else found.actual))
    if not predictor.answer.chosen.startswith("network"):
        label = method_label(predictor.answer.chosen)
        pairs.append(("note", f"the {label} answers in labels.csv; this is the best attention network"))
    print_pairs(console, pairs)
    table = Table(header_style="bold")
    table.add_column("listened to")
    table.add_column("share", justify="right")
    table.add_column("labeled")
    labels = dict(zip(predictor.network.ids, labels_of(predictor.network), strict=True))
    for name, share in found.neighbors:
        itself = " (itself)" if name == found.node else ""
        table.add_row(escape(name) + itself, f"{share:.1%}", escape(labels[name] or "–"))
    console.print(table)
    console.print(found.sentence(), markup=False, highlight=False, soft_wrap=True)


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)
