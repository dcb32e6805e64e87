"""The options of `graphattn label` that its commands share."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import typer

DATA, COLUMNS, RECIPE, RUN = "Data", "Columns", "Recipe", "Run"


def option(text: str, panel: str, shown: str | bool = False) -> Any:
    """An option of a panel of the help."""
    return typer.Option(help=text, show_default=shown, rich_help_panel=panel)


Nodes: TypeAlias = Annotated[
    str | None,
    typer.Argument(help="Table with a row for each node: CSV, TSV or Parquet, .gz too.", show_default=False),
]
Edges: TypeAlias = Annotated[
    str | None,
    typer.Argument(help="Table with a row for each edge, likewise, or an edge list.", show_default=False),
]
Graph: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--graph",
        "-g",
        help="In place of tables: GraphML, GEXF, JSON (node-link), edge list, npz, or a data set such as cora.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Encoding: TypeAlias = Annotated[str | None, option("Of text files.", DATA, "utf-8")]
IdColumn: TypeAlias = Annotated[str | None, option("Of the nodes' ids.", COLUMNS, "told by the edges")]
Source: TypeAlias = Annotated[str | None, option("Where edges start.", COLUMNS, "told by names and values")]
Destination: TypeAlias = Annotated[str | None, option("Where edges end.", COLUMNS, "likewise")]
Weight: TypeAlias = Annotated[str | None, option("Of the edges' weights.", COLUMNS, "the one named so")]
Type: TypeAlias = Annotated[str | None, option("Of the edges' types.", COLUMNS, "the one named so")]
Categorical: TypeAlias = Annotated[
    list[str] | None, option("Column to take for categories; repeat it for several.", COLUMNS)
]
Numeric: TypeAlias = Annotated[list[str] | None, option("Column to take for numbers; repeatable.", COLUMNS)]
Ignore: TypeAlias = Annotated[list[str] | None, option("Column to leave out; repeatable.", COLUMNS)]
Directed: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--directed/--undirected",
        help="Whether edges have a direction.",
        show_default="what the file says, else undirected",
        rich_help_panel=DATA,
    ),
]
MaxRejects: TypeAlias = Annotated[int | None, option("Stop where more rows are left out.", DATA, "any number")]


Task: TypeAlias = Annotated[
    str | None,
    option(
        "multiclass, multilabel or regression of nodes; link: are two linked; graph: of whole graphs.",
        DATA,
        "told by the labels",
    ),
]
Graphs: TypeAlias = Annotated[str | None, option("Table with a row for each graph, for --task graph.", DATA)]
GraphColumn: TypeAlias = Annotated[
    str | None, option("Of the nodes: which graph each is of, for --task graph.", COLUMNS, "the one named so")
]
