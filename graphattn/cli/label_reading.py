"""What the commands of `graphattn label` share: reading, saying what is done, printing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphattn.cli.errors import say

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from graphattn.tasks.network.network import Network
    from graphattn.tasks.network.reject import Reject


def name_of(nodes: str | None, graph: str | None) -> str:
    """What the data are called."""
    given = graph if graph is not None else nodes
    return Path(given).name if given else "network"


def read(console: Console, nodes: str | None, edges: str | None, graph: str | None, **options: Any) -> Network:
    """Read a network, with a bar."""
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


def check_target(network: Network) -> None:
    """Refuse a network without a target."""
    from graphattn.tasks.common.errors import InputError

    if not network.target:
        names = [column.name for column in network.columns if column.table == "nodes" and column.role != "id"]
        there = f"; the columns are {', '.join(map(repr, names[:12]))}" if names else ""
        raise InputError(f"--target is needed: the column of the labels{there}.")


@contextmanager
def saying(console: Console) -> Iterator[Callable[[str], object]]:
    """Show what is being done: the latest sentence on a terminal, a line each elsewhere."""
    if not console.is_terminal:
        yield lambda sentence: console.print(sentence, markup=False, highlight=False, soft_wrap=True)
        return
    from rich.markup import escape

    with console.status("training") as status:
        yield lambda sentence: status.update(escape(sentence))


def write_table(table: pd.DataFrame, given: int, rejects: Sequence[Reject], out: Path | None) -> None:
    """Write rows with what was found to a file or to standard output, and say what was left out."""
    from graphattn.tasks.network.rejects import write_rejects
    from graphattn.tasks.network.run import labels_text, write_labels

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
