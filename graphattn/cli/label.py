"""`graphattn label`: from a network with some labels to a label for each node, on new networks too, and why."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from typer.core import TyperGroup

from graphattn.cli.errors import reported, say
from graphattn.cli.json_output import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from graphattn.tasks.network.network import Network

_DATA, _COLUMNS, _RECIPE, _RUN = "Data", "Columns", "Recipe", "Run"


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


def _option(text: str, panel: str, shown: str | bool = False) -> Any:
    return typer.Option(help=text, show_default=shown, rich_help_panel=panel)


_Nodes: TypeAlias = Annotated[
    str | None,
    typer.Argument(help="Table with a row for each node: CSV, TSV or Parquet, .gz too.", show_default=False),
]
_Edges: TypeAlias = Annotated[
    str | None,
    typer.Argument(help="Table with a row for each edge, likewise, or an edge list.", show_default=False),
]
_Graph: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--graph",
        "-g",
        help="In place of tables: GraphML, GEXF, JSON (node-link), edge list, npz, or a data set such as cora.",
        show_default=False,
        rich_help_panel=_DATA,
    ),
]
_Encoding: TypeAlias = Annotated[str | None, _option("Of text files.", _DATA, "utf-8")]
_IdColumn: TypeAlias = Annotated[str | None, _option("Of the nodes' ids.", _COLUMNS, "told by the edges")]
_Source: TypeAlias = Annotated[str | None, _option("Where edges start.", _COLUMNS, "told by names and values")]
_Destination: TypeAlias = Annotated[str | None, _option("Where edges end.", _COLUMNS, "likewise")]
_Weight: TypeAlias = Annotated[str | None, _option("Of the edges' weights.", _COLUMNS, "the one named so")]
_Type: TypeAlias = Annotated[str | None, _option("Of the edges' types.", _COLUMNS, "the one named so")]
_Categorical: TypeAlias = Annotated[
    list[str] | None, _option("Column to take for categories; repeat it for several.", _COLUMNS)
]
_Numeric: TypeAlias = Annotated[list[str] | None, _option("Column to take for numbers; repeatable.", _COLUMNS)]
_Ignore: TypeAlias = Annotated[list[str] | None, _option("Column to leave out; repeatable.", _COLUMNS)]
_Directed: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--directed/--undirected",
        help="Whether edges have a direction.",
        show_default="what the file says, else undirected",
        rich_help_panel=_DATA,
    ),
]
_MaxRejects: TypeAlias = Annotated[int | None, _option("Stop where more rows are left out.", _DATA, "any number")]


@app.command("train")
@reported
def train(
    nodes: _Nodes = None,
    edges: _Edges = None,
    graph: _Graph = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            help="Column or attribute to learn.",
            show_default="that of the data set",
            rich_help_panel=_DATA,
        ),
    ] = None,
    task: Annotated[str | None, _option("multiclass, multilabel or regression.", _DATA, "told by the labels")] = None,
    directed: _Directed = None,
    encoding: _Encoding = None,
    max_rejects: _MaxRejects = None,
    id_column: _IdColumn = None,
    source_column: _Source = None,
    destination_column: _Destination = None,
    weight_column: _Weight = None,
    type_column: _Type = None,
    split_column: Annotated[
        str | None, _option("That says train, valid or test.", _COLUMNS, "the one named so")
    ] = None,
    categorical: _Categorical = None,
    numeric: _Numeric = None,
    ignore: _Ignore = None,
    preset: Annotated[
        str | None,
        _option(
            "search, fast, or a recipe of the literature by data set, such as cora.",
            _RECIPE,
            "search; fast below 30 validation nodes",
        ),
    ] = None,
    budget: Annotated[str, _option("Time of the search: 90s, 10m, 1h.", _RECIPE, True)] = "10m",
    split: Annotated[
        str, _option("auto, given, random or time; 60/20/20 of the labeled nodes.", _RECIPE, "given, else random")
    ] = "auto",
    splits: Annotated[int, _option("Measure on so many splits.", _RECIPE, True)] = 1,
    inductive: Annotated[
        bool, typer.Option("--inductive", help="Train without the edges of test nodes.", rich_help_panel=_RECIPE)
    ] = False,
    metric: Annotated[str | None, _option("That methods are chosen by.", _RECIPE, "accuracy, or r2")] = None,
    coverage: Annotated[float, _option("Share of label sets that are to hold the truth.", _RECIPE, True)] = 0.9,
    seed: Annotated[int, _option("Of everything drawn at random.", _RECIPE, True)] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Directory to write.", show_default="runs/<name of the data>", rich_help_panel=_RUN
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same command stopped.", rich_help_panel=_RUN)
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier run.", rich_help_panel=_RUN)
    ] = False,
    device: Annotated[str, _option("auto, cpu, cuda or mps.", _RUN, True)] = "cpu",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was measured as JSON.", rich_help_panel=_RUN)
    ] = False,
) -> None:
    """Learn the labels of some nodes, and label all of them.

    What the columns were taken for is shown first. The directory then holds labels.csv with every row and column as
    given and the answer beside, metrics.json, report.html, pictures and the model.

    Examples: graphattn label nodes.csv edges.csv --target role, or graphattn label --graph club.graphml --target role
    """
    from rich.console import Console

    from graphattn.cli.label_summary import columns_summary, label_summary
    from graphattn.tasks.network.run import check_directory, choose_preset, run_labeling

    name = _name(nodes, graph)
    directory = Path("runs") / name.split(".")[0] if out is None else out
    check_directory(directory, resume=resume, overwrite=overwrite)
    reading = {
        "categorical": tuple(categorical or ()),
        "numeric": tuple(numeric or ()),
        "ignore": tuple(ignore or ()),
    }
    console = Console(stderr=True)
    network = _read(
        console, nodes, edges, graph, target=target, task=task, encoding=encoding, max_rejects=max_rejects,
        id_column=id_column, source_column=source_column, destination_column=destination_column,
        weight_column=weight_column, type_column=type_column, split_column=split_column, directed=directed, **reading,
    )  # fmt: skip
    _check_target(network)
    columns_summary(console, network)
    why = ""
    if preset is None:
        preset, why = choose_preset(network)
        console.print(why, markup=False, highlight=False, soft_wrap=True)
    with _saying(console) as progress:
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
    nodes: _Nodes = None,
    edges: _Edges = None,
    graph: _Graph = None,
    encoding: _Encoding = None,
    max_rejects: _MaxRejects = None,
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
    from graphattn.tasks.network.rejects import write_rejects
    from graphattn.tasks.network.run import labels_text, load_run, write_labels

    if out is not None and out.is_dir():
        raise SettingsError(f"--out {out} is a directory; a CSV file to write is expected.")
    predictor = load_run(run)
    if nodes is not None and edges is None:
        raise InputError(f"{nodes} is a table of nodes; give the table of edges after it, or --graph.")
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
    if out is None:
        sys.stdout.write(labels_text(table, given))
    else:
        write_labels(out, table, given)
        say(f"{len(table):,} row{'s' if len(table) != 1 else ''} written to {out}")
    if rejects:
        path = None if out is None else out.with_name(f"{out.stem}_rejects.csv")
        if path is not None:
            write_rejects(path, rejects)
        first = rejects[0]
        see = "" if path is None else f", see {path}"
        say(
            f"{len(rejects):,} row{'s were' if len(rejects) != 1 else ' was'} left out{see}; {first.file}, line "
            f"{first.line}, column {first.column!r}: {first.reason}"
        )


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
    found = predictor.explain(node, edges=edges, seed=seed)
    if as_json:
        print_json(found.to_json())
    else:
        explanation_summary(Console(), predictor, found)
    if out is not None:
        write_picture(out, picture_of(predictor, found))
        say(f"picture written to {out}")


def _name(nodes: str | None, graph: str | None) -> str:
    given = graph if graph is not None else nodes
    return Path(given).name if given else "network"


def _read(console: Console, nodes: str | None, edges: str | None, graph: str | None, **options: Any) -> Network:
    from graphattn.tasks.common.errors import InputError
    from graphattn.tasks.common.progress import counting
    from graphattn.tasks.network.read import read_network

    if nodes is None and graph is None:
        raise InputError("no network: give a table of nodes and one of edges, or --graph.")
    if graph is None and edges is None:
        raise InputError(f"{nodes} is a table of nodes; give the table of edges after it, or --graph for a graph.")
    with counting(console, "reading", 1) as count:
        return read_network(
            nodes, edges, graph=graph, progress=lambda done, size: count(done / max(size, 1)), **options
        )


def _check_target(network: Network) -> None:
    from graphattn.tasks.common.errors import InputError

    if not network.target:
        names = [column.name for column in network.columns if column.table == "nodes" and column.role != "id"]
        there = f"; the columns are {', '.join(map(repr, names[:12]))}" if names else ""
        raise InputError(f"--target is needed: the column of the labels{there}.")


@contextmanager
def _saying(console: Console) -> Iterator[Callable[[str], object]]:
    """Show what is being done: the latest sentence on a terminal, a line each elsewhere."""
    if not console.is_terminal:
        yield lambda sentence: console.print(sentence, markup=False, highlight=False, soft_wrap=True)
        return
    from rich.markup import escape

    with console.status("training") as status:
        yield lambda sentence: status.update(escape(sentence))
