"""`graphattn label --task link` and `--task graph`: pairs of nodes, and whole graphs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphattn.cli.label_reading import check_target, read, saying, write_table

if TYPE_CHECKING:
    from rich.console import Console


def label_items(
    console: Console,
    task: str,
    nodes: str | None,
    edges: str | None,
    graph: str | None,
    graphs: str | None,
    graph_column: str | None,
    target: str | None,
    directory: Path,
    reading: dict[str, Any],
    *,
    preset: str | None,
    **settings: Any,
) -> tuple[Any, dict[str, Any]]:
    """Read, learn and write a run; return the predictor and what was measured."""
    from graphattn.cli.label_summary import columns_summary
    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.network.graphs.read import read_graphs
    from graphattn.tasks.network.links.split import held_out
    from graphattn.tasks.network.run import preset_for
    from graphattn.tasks.network.run_items import run_graphs, run_links
    from graphattn.tasks.network.splits import SHARES, labeled

    kept = {name: reading[name] for name in ("categorical", "numeric", "ignore")}
    if task == "link":
        if target is not None or graphs is not None or graph_column is not None:
            raise SettingsError("--task link learns which nodes are linked; it takes no --target and no graphs.")
        network = read(console, nodes, edges, graph, **reading)
        columns_summary(console, network)
        chosen, why = preset_for(2 * held_out(network), "pairs")
    else:
        inner = target if graphs is None else None
        network = read(console, nodes, edges, graph, target=inner, **_without(reading, graph_column))
        if graphs is None:
            check_target(network)
        columns_summary(console, network)
        many = read_graphs(network, target=target, graphs=graphs, graph_column=graph_column)
        if not many.items.target:
            raise SettingsError("--target is needed: the column of the labels in the table of graphs.")
        chosen, why = preset_for(int(SHARES[1] * int(labeled(many.items.y).sum())), "graphs")
    if preset is None:
        console.print(why, markup=False, highlight=False, soft_wrap=True)
    with saying(console) as progress:
        settings |= {"preset": preset or chosen, "progress": progress, **kept}
        if settings["metric"] is None and task == "link":
            settings["metric"] = "roc_auc"
        if task == "link":
            return run_links(network, directory, **settings)
        return run_graphs(many, directory, graph_column=graph_column, **settings)


def predict_items(
    predictor: Any,
    nodes: str | None,
    edges: str | None,
    graph: str | None,
    pairs: str | None,
    graphs: str | None,
    reading: dict[str, Any],
    out: Path | None,
) -> None:
    """Write what a run says of pairs of nodes, or of new graphs."""
    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.network.links.table import read_pairs
    from graphattn.tasks.network.reading import read_alike

    data = graph if edges is None else nodes
    if predictor.unit == "pairs":
        if graphs is not None:
            raise SettingsError("this run says whether nodes are linked; it takes --pairs, and no graphs.")
        network = predictor.network
        if data is not None:
            network = read_alike(network, data, edges, predictor.reading | reading)
        if pairs is None:
            write_table(predictor.predict(data=network), 2, (), out)
            return
        frame, _, rejects = read_pairs(pairs, network, **reading)
        write_table(predictor.predict(frame, network), len(frame.columns), rejects, out)
        return
    if pairs is not None:
        raise SettingsError("this run labels whole graphs; it takes tables of nodes and edges, and no --pairs.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        table = predictor.predict(data, edges, graphs=graphs, **({} if data is None else reading))
    made = sum(name.startswith(f"{predictor.items.target}_") for name in table.columns)
    write_table(table, len(table.columns) - made, (), out)


def _without(reading: dict[str, Any], graph_column: str | None) -> dict[str, Any]:
    """Reading options with the column of graphs left out of the features."""
    return reading if graph_column is None else reading | {"ignore": (*reading["ignore"], graph_column)}
