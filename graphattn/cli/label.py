"""`graphattn label`: from a network with some labels to a label for each node, on new networks too, and why."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from graphattn.cli.errors import reported, say
from graphattn.cli.json_output import print_json
from graphattn.cli.label_options import (
    COLUMNS,
    DATA,
    RECIPE,
    RUN,
    Categorical,
    Destination,
    Directed,
    Edges,
    Encoding,
    Graph,
    GraphColumn,
    Graphs,
    IdColumn,
    Ignore,
    MaxRejects,
    Nodes,
    Numeric,
    Source,
    Task,
    Type,
    Weight,
    option,
)
from graphattn.cli.label_reading import check_target, name_of, read, saying, write_table

_TASKS = ("multiclass", "multilabel", "regression", "link", "graph")


class _TrainsByDefault(TyperGroup):
    """`label nodes.csv edges.csv` is `label train nodes.csv edges.csv`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["train", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_TrainsByDefault,
    help="Label the nodes of a network: train and label, predict on another network, explain a node.\n\n"
    "Example: graphattn label nodes.csv edges.csv --target role --out runs/club",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@app.command("train")
@reported
def train(
    nodes: Nodes = None,
    edges: Edges = None,
    graph: Graph = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            help="Column or attribute to learn.",
            show_default="that of the data set",
            rich_help_panel=DATA,
        ),
    ] = None,
    task: Task = None,
    graphs: Graphs = None,
    graph_column: GraphColumn = None,
    directed: Directed = None,
    encoding: Encoding = None,
    max_rejects: MaxRejects = None,
    id_column: IdColumn = None,
    source_column: Source = None,
    destination_column: Destination = None,
    weight_column: Weight = None,
    type_column: Type = None,
    split_column: Annotated[str | None, option("That says train, valid or test.", COLUMNS, "the one named so")] = None,
    categorical: Categorical = None,
    numeric: Numeric = None,
    ignore: Ignore = None,
    preset: Annotated[
        str | None,
        option(
            "search, fast, or a recipe of the literature by data set, such as cora.",
            RECIPE,
            "search; fast below 30 validation nodes",
        ),
    ] = None,
    budget: Annotated[str, option("Time of the search: 90s, 10m, 1h.", RECIPE, True)] = "10m",
    split: Annotated[
        str, option("auto, given, random or time; 60/20/20 of the labeled nodes.", RECIPE, "given, else random")
    ] = "auto",
    splits: Annotated[int, option("Measure on so many splits.", RECIPE, True)] = 1,
    inductive: Annotated[
        bool, typer.Option("--inductive", help="Train without the edges of test nodes.", rich_help_panel=RECIPE)
    ] = False,
    metric: Annotated[str | None, option("That methods are chosen by.", RECIPE, "accuracy, or r2")] = None,
    coverage: Annotated[float, option("Share of label sets that are to hold the truth.", RECIPE, True)] = 0.9,
    seed: Annotated[int, option("Of everything drawn at random.", RECIPE, True)] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Directory to write.", show_default="runs/<name of the data>", rich_help_panel=RUN
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same command stopped.", rich_help_panel=RUN)
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier run.", rich_help_panel=RUN)
    ] = False,
    device: Annotated[str, option("auto, cpu, cuda or mps.", RUN, True)] = "cpu",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was measured as JSON.", rich_help_panel=RUN)
    ] = False,
) -> None:
    """Learn the labels of some nodes, and label all of them.

    What the columns were taken for is shown first. The directory then holds labels.csv with every row and column as
    given and the answer beside, metrics.json, report.html, pictures and the model.

    Examples: graphattn label nodes.csv edges.csv --target role, or graphattn label --graph club.graphml --target role
    """
    from rich.console import Console

    from graphattn.cli.label_summary import columns_summary, label_summary
    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.network.run import check_directory, choose_preset, run_labeling

    name = name_of(nodes, graph)
    directory = Path("runs") / name.split(".")[0] if out is None else out
    check_directory(directory, resume=resume, overwrite=overwrite)
    reading = {
        "categorical": tuple(categorical or ()),
        "numeric": tuple(numeric or ()),
        "ignore": tuple(ignore or ()),
    }
    console = Console(stderr=True)
    options: dict[str, Any] = {
        "encoding": encoding, "max_rejects": max_rejects, "id_column": id_column, "source_column": source_column,
        "destination_column": destination_column, "weight_column": weight_column, "type_column": type_column,
        "split_column": split_column, "directed": directed, **reading,
    }  # fmt: skip
    if task not in (None, *_TASKS):
        raise SettingsError(f"--task is one of {', '.join(_TASKS)}, got {task!r}.")
    if task in ("link", "graph"):
        from graphattn.cli.label_items import label_items

        predictor, measured = label_items(
            console, task, nodes, edges, graph, graphs, graph_column, target, directory, options, name=name,
            preset=preset, budget=budget, metric=metric, coverage=coverage, seed=seed, resume=resume,
            overwrite=overwrite, device=device,
        )  # fmt: skip
        if as_json:
            print_json(measured)
        else:
            label_summary(Console(), predictor, measured, directory)
        return
    if graphs is not None or graph_column is not None:
        raise SettingsError("--graphs and --graph-column are for --task graph.")
    network = read(console, nodes, edges, graph, target=target, task=task, **options)
    check_target(network)
    columns_summary(console, network)
    why = ""
    if preset is None:
        preset, why = choose_preset(network)
        console.print(why, markup=False, highlight=False, soft_wrap=True)
    with saying(console) as progress:
        predictor, measured = run_labeling(
            network, directory, name=name, preset=preset, budget=budget, split=split, splits=splits,
            inductive=inductive, metric=metric, coverage=coverage, seed=seed, resume=resume, overwrite=overwrite,
            device=device, progress=progress, **reading,
        )  # fmt: skip
    if as_json:
        print_json(measured)
    else:
        label_summary(Console(), predictor, measured, directory)


@app.command("predict")
@reported
def predict(
    run: Annotated[Path, typer.Argument(help="Directory that graphattn label wrote.", show_default=False)],
    nodes: Nodes = None,
    edges: Edges = None,
    graph: Graph = None,
    encoding: Encoding = None,
    max_rejects: MaxRejects = None,
    pairs: Annotated[
        str | None, option("Table with two columns of ids, for a run of --task link.", DATA, "likely new links")
    ] = None,
    graphs: Graphs = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV file to write.", show_default="standard output")
    ] = None,
) -> None:
    """Label a new or grown network with the model of a run.

    Its columns are taken for what those of the training were. Nodes with the ids of training nodes are those. Rows come
    back in their order; what cannot be used is listed in <out>_rejects.csv.

    Example: graphattn label predict runs/club new_nodes.csv new_edges.csv --out new_labels.csv
    """
    from rich.console import Console

    from graphattn.tasks.common.errors import InputError, SettingsError
    from graphattn.tasks.network.reading import read_alike
    from graphattn.tasks.network.run import load_run

    if out is not None and out.is_dir():
        raise SettingsError(f"--out {out} is a directory; a CSV file to write is expected.")
    predictor = load_run(run)
    if nodes is not None and edges is None:
        raise InputError(f"{nodes} is a table of nodes; give the table of edges after it, or --graph.")
    if predictor.unit != "nodes":
        from graphattn.cli.label_items import predict_items

        predict_items(
            predictor, nodes, edges, graph, pairs, graphs, {"encoding": encoding, "max_rejects": max_rejects}, out
        )
        return
    if pairs is not None or graphs is not None:
        raise SettingsError(f"{run} labels nodes; --pairs and --graphs are for runs of --task link and --task graph.")
    network = predictor.network
    if edges is not None or graph is not None:
        reading = predictor.reading | {"encoding": encoding, "max_rejects": max_rejects}
        with Console(stderr=True).status("reading"):
            network = read_alike(network, graph if edges is None else nodes, edges, reading)
    given, rejects = len(network.nodes.columns), network.rejects
    if network is predictor.network:
        table = predictor.predict()
    else:
        table = predictor.predict(dataclasses.replace(network, rejects=()))  # they are told below
    write_table(table, given, rejects, out)


@app.command("explain")
@reported
def explain(
    run: Annotated[Path, typer.Argument(help="Directory that graphattn label wrote.", show_default=False)],
    node: Annotated[str, typer.Option("--node", "-n", help="Id of the node.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Picture to write: .png, .svg, .pdf or .html.", show_default=False),
    ] = None,
    edges: Annotated[int, typer.Option(help="Edges that the test by deletion takes away.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the random edges that it compares with.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show whom a node listened to, test whether that mattered, and draw it.

    Example: graphattn label explain runs/club --node 8 --out node8.png
    """
    from rich.console import Console

    from graphattn.cli.label_summary import explanation_summary
    from graphattn.tasks.common.errors import SettingsError
    from graphattn.tasks.network.picture import SUFFIXES, write_picture
    from graphattn.tasks.network.report import picture_of
    from graphattn.tasks.network.run import load_run

    if out is not None and out.suffix.lower() not in SUFFIXES:
        raise SettingsError(f"a picture's name must end in {', '.join(SUFFIXES)}, got {out.name!r}.")
    if edges < 1:
        raise SettingsError(f"--edges must be 1 or more, got {edges}.")
    predictor = load_run(run)
    if predictor.unit != "nodes":
        raise SettingsError(f"{run} labels {predictor.unit}; nodes alone can be explained.")
    found = predictor.explain(node, edges=edges, seed=seed)
    if as_json:
        print_json(found.to_json())
    else:
        explanation_summary(Console(), predictor, found)
    if out is not None:
        write_picture(out, picture_of(predictor, found))
        say(f"picture written to {out}")
