"""A whole run for pairs or for graphs in one directory, as `run` has it for nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphattn.tasks.network.graphs.predictor import GraphPredictor
from graphattn.tasks.network.graphs.read import ManyGraphs
from graphattn.tasks.network.links.predictor import LinkPredictor
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.rejects import write_rejects
from graphattn.tasks.network.report_items import write_items_report
from graphattn.tasks.network.run import LABELS, LINKS, REJECTS, REPORT, check_directory, clear, finish, write_labels


def run_links(network: Network, directory: Path, **settings: Any) -> tuple[LinkPredictor, dict[str, Any]]:
    """Learn which nodes are linked, and write all there is to know to a directory; see `run.run_labeling`.

    `links.csv` has the likeliest new links.
    """
    return _run(LinkPredictor(), network, network, directory, LINKS, 2, **settings)


def run_graphs(many: ManyGraphs, directory: Path, **settings: Any) -> tuple[GraphPredictor, dict[str, Any]]:
    """Learn the labels of graphs, and write all there is to know to a directory; see `run.run_labeling`."""
    given = len(many.items.nodes.columns)
    return _run(GraphPredictor(), many, many.network, directory, LABELS, given, **settings)


def _run(
    predictor: Any,
    data: Any,
    network: Network,
    directory: Path,
    labels: str,
    given: int,
    *,
    name: str,
    resume: bool = False,
    overwrite: bool = False,
    progress: Callable[[str], object] | None = None,
    **settings: Any,
) -> tuple[Any, dict[str, Any]]:
    check_directory(directory, resume=resume, overwrite=overwrite)
    if overwrite:
        clear(directory)
    predictor.fit(data, directory=directory, resume=resume, progress=progress, **settings)
    measured = predictor.evaluate()
    if progress is not None:
        progress("writing labels and the report")
    table = predictor.predict()
    write_labels(directory / labels, table, given)
    if network.rejects:
        write_rejects(directory / REJECTS, network.rejects)
    write_items_report(directory / REPORT, predictor, measured, table, name)
    finish(directory, predictor, measured)
    return predictor, measured
