"""A report of pairs or of graphs: a single HTML page, of the same blocks as that of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from graphattn.files import write_text
from graphattn.tasks.common import html
from graphattn.tasks.common.formatting import fixed
from graphattn.tasks.common.versions import library_versions
from graphattn.tasks.network import figures
from graphattn.tasks.network.report_blocks import (
    columns_block,
    comparison,
    comparison_note,
    facts,
    method_label,
    tiles,
    training,
    trust,
)
from graphattn.tasks.network.splits import labeled

if TYPE_CHECKING:
    import pandas as pd

    from graphattn.tasks.network.base import Predictor

_ROWS = 12
_RANKED = {"mrr": "MRR", "hits_1": "Hits@1", "hits_10": "Hits@10"}


def write_items_report(
    path: Path, predictor: Predictor, measured: Mapping[str, Any], table: pd.DataFrame, name: str
) -> None:
    """Write the report of a predictor of pairs or graphs that was just fitted.

    Args:
        path: the page.
        predictor: that predictor.
        measured: what its `evaluate` returned.
        table: what its `predict` returned.
        name: of the data.
    """
    network, unit = predictor.network, predictor.unit
    template = Template((files("graphattn.tasks.network") / "report.html").read_text(encoding="utf-8"))
    what = "Links" if unit == "pairs" else f"{measured['task'].capitalize()} of graphs"
    page = template.substitute(
        style=html.style(),
        title=escape(predictor.items.target),
        subtitle=escape(f"{what} · {len(network.ids):,} nodes and {measured['edges']:,} edges of {name}"),
        tiles=tiles(measured),
        comparison=comparison(measured),
        comparison_note=escape(comparison_note(measured)),
        notes="".join(f"<li>{escape(note)}</li>" for note in measured["notes"] if note != measured["why"]),
        data=_data(predictor, measured, name),
        data_figures=html.card(figures.degree_plot(_degrees(predictor)), "How many neighbors nodes have."),
        columns=columns_block(network),
        trust=trust(predictor, measured),
        training=training(measured),
        nodes=_ranking(measured) + _likeliest(table) if unit == "pairs" else _mistaken(predictor),
        facts=facts(measured),
        footer=escape(", ".join(f"{package} {version}" for package, version in library_versions().items())),
    )
    write_text(path, page)


def _data(predictor: Predictor, measured: Mapping[str, Any], name: str) -> str:
    network, split = predictor.network, measured["split"]
    pairs = [("Data", name), ("Nodes", f"{len(network.ids):,}"), ("Edges", f"{measured['edges']:,}")]
    if predictor.unit == "graphs":
        known = int(labeled(predictor.items.y).sum())
        pairs.insert(1, ("Graphs", f"{len(predictor.items.ids):,}, of which {known:,} have a label"))
    said = f"{split['train']:,} {predictor.unit} to learn from, {split['valid']:,} validation, {split['test']:,} test"
    pairs.append(("Split", said + ("; half of each are linked" if predictor.unit == "pairs" else "")))
    pairs.append(
        ("Left out", f"{len(network.rejects):,} rows, listed in rejects.csv" if network.rejects else "nothing")
    )
    return html.definitions(pairs, kind="facts")


def _degrees(predictor: Predictor) -> Any:
    return np.bincount(predictor.network.edge_index.numpy().ravel(), minlength=len(predictor.network.ids))


def _ranking(measured: Mapping[str, Any]) -> str:
    """How high each method ranks linked pairs."""
    found = measured["ranking"]
    lines = ["<table>", html.row("th", ["method", *_RANKED.values()])]
    for name in sorted(found, key=lambda name: -found[name]["mrr"]):
        label = "the answer" if name == "answer" else method_label(name)
        lines.append(html.row("td", [escape(label), *(fixed(found[name][each]) for each in _RANKED)]))
    note = (
        "Each linked test pair among 100 pairs of the same node without a link: the mean of 1 / rank, and how many "
        "come first or among the first ten."
    )
    return f'<h2>Ranking</h2>\n<div class="card scroll">{"".join([*lines, "</table>"])}</div><p class="note">{note}</p>'


def _likeliest(table: pd.DataFrame) -> str:
    """The likeliest new links."""
    lines = ['<table class="left">', html.row("th", ["source", "target", "probability"])]
    for row in table[:_ROWS].itertuples():
        lines.append(html.row("td", [escape(str(row.source)), escape(str(row.target)), fixed(row.linked_probability)]))
    note = "Pairs with neighbors in common that are not linked; the probability is that among pairs of which half are."
    body = "".join([*lines, "</table>"])
    return f'<h2>Likeliest new links</h2>\n<div class="card scroll">{body}</div><p class="note">{note}</p>'


def _mistaken(predictor: Predictor) -> str:
    """The graphs that measure and were mistaken most surely."""
    items = predictor.items
    if items.task != "multiclass":
        return ""
    part = predictor.split.test if bool(predictor.split.test.any()) else predictor.split.valid
    y, said = items.y.numpy(), predictor.predictions
    wrong = [int(place) for place in np.flatnonzero(part.numpy()) if said[place].argmax() != y[place]]
    wrong.sort(key=lambda place: -float(said[place].max()))
    if not wrong:
        return ""
    lines = ['<table class="left">', html.row("th", ["graph", "labeled", "predicted", "confidence"])]
    for place in wrong[:_ROWS]:
        cells = [items.ids[place], items.classes[y[place]], items.classes[said[place].argmax()]]
        lines.append(html.row("td", [*map(escape, cells), fixed(float(said[place].max()))]))
    return f'<h2>Most mistaken graphs</h2>\n<div class="card scroll">{"".join([*lines, "</table>"])}</div>'
