"""`graphattn scale plan`: what a graph of some size would need on so many processes."""

from __future__ import annotations

from typing import Annotated

import typer

from graphattn.cli.errors import reported

app = typer.Typer(help="Graphs for many processes.", no_args_is_help=True, add_completion=False)


@app.callback()
def _scale() -> None:
    """Graphs for many processes."""


@app.command()
@reported
def plan(
    nodes: Annotated[float, typer.Option(help="Nodes of the graph, such as 1e9.", min=1)],
    edges: Annotated[float, typer.Option(help="Its edges.", min=0)],
    partitions: Annotated[int, typer.Option(help="Processes it is spread over.", min=1)],
    cut: Annotated[
        float | None,
        typer.Option(help="Share of edges between processes; that of a random partition by default.", min=0, max=1),
    ] = None,
    heads: Annotated[int, typer.Option(help="Heads of attention.", min=1)] = 8,
    width: Annotated[int, typer.Option(help="Width of keys and of values in a head.", min=1)] = 16,
    bytes_per_number: Annotated[int, typer.Option("--bytes", help="4 for float32, 2 for bfloat16.", min=1)] = 4,
    edge_time: Annotated[
        float, typer.Option(help="Seconds for an edge, forward and backward; measured on one core by default.")
    ] = 0.9e-6,
    bandwidth: Annotated[float, typer.Option(help="Bytes a second that a process sends.")] = 12.5e9,
) -> None:
    """Print what one training step of one layer sends, keeps and takes on each process.

    Arithmetic from measured constants, for graphs that are not there yet: nothing is run.
    """
    from rich.console import Console
    from rich.table import Table

    from graphattn.distributed.plan import Plan

    made = Plan(nodes, edges, partitions, cut, heads, width, bytes_per_number, edge_time, bandwidth)
    table = Table(title=f"{nodes:,.0f} nodes and {edges:,.0f} edges over {partitions:,} processes, for each process")
    for name in ("exchange", "sent", "in memory", "attention", "network"):
        table.add_column(name, justify="left" if name == "exchange" else "right")
    for each in made.exchanges():
        times = f"{each.compute:,.2f} s", f"{each.network:,.2f} s"
        table.add_row(each.name, _size(each.sent), _size(each.kept), *times)
    console = Console()
    console.print(table)
    console.print(
        f"Of others it attends to {made.halo:,.0f} nodes, {made.halo / (nodes / partitions):,.2f} for each of its own."
    )


def _size(count: float) -> str:
    """Bytes in a unit that people read.

    >>> _size(3e9), _size(12)
    ('2.8 GiB', '12 B')
    """
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":
            break
        count /= 1024
    return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
