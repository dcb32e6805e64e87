"""Ids: of the nodes, and of the nodes that edges name."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.rejects import Rejects
from graphattn.tasks.network.rows import Rows
from graphattn.tasks.network.values import Coded, as_text, coded

_POINT_ZERO = re.compile(r"(?<=\d)\.0+$")
_LEADING_ZEROS = re.compile(r"^([+-]?)0+(?=\d)")


def node_ids(rows: Rows, column: str, rejects: Rejects) -> tuple[NDArray[np.int64], list[str]]:
    """The rows that are nodes, and their ids; a row without an id, or with one that came before, is rejected.

    Raises:
        TableError: no row has an id, or most repeat one, so that the column holds none.
    """
    import pandas as pd

    names = coded(rows.frame[column]).cells()
    index = pd.Index(names, dtype=object)
    gone = index == ""
    again = index.duplicated() & ~gone
    if gone.all():
        raise TableError(f"{rows.name}, column {column!r}: no row has an id.")
    if 2 * int(again.sum()) > len(names):
        row = int(np.argmax(again))
        raise TableError(
            f"{rows.where(row, column)}: {names[row]!r} stands on {rows.unit} "
            f"{rows.line(names.index(names[row]))} already, as most of its values do, so this column holds no ids; "
            "name the one that does with --id-column."
        )
    first: dict[str, int] = {}
    if again.any():
        for row, name in enumerate(names):
            first.setdefault(name, row)
    for row in np.flatnonzero(gone | again).tolist():
        raw = rows.frame[column].iloc[row]
        rejects.add(rows, row, column, _raw_text(raw), _why_no_id(rows, column, names[row], row, first))
    kept = np.flatnonzero(~(gone | again))
    return kept, [names[row] for row in kept]


def _why_no_id(rows: Rows, column: str, name: str, row: int, first: dict[str, int]) -> str:
    if not name:
        return "the id is missing"
    one, other = rows.frame[column].iloc[first[name]], rows.frame[column].iloc[row]
    place = f"{rows.unit} {rows.line(first[name])}"
    if type(one) is not type(other):
        return f"the id {other!r} is {one!r} of {place} but for its type; ids are compared as text"
    if one != other and isinstance(other, str):
        return f"the id {other!r} is {one!r} of {place} but for spaces"
    return f"the id {name!r} stands on {place} already"


class Places:
    """Finds the nodes that edges name.

    Args:
        ids: of the nodes, each once.
        name: of the table that they are from, for messages.
    """

    def __init__(self, ids: list[str], name: str) -> None:
        import pandas as pd

        self.index = pd.Index(ids, dtype=object)
        self.name = name
        self._loose: dict[str, list[str]] | None = None

    def find(self, column: Coded) -> tuple[NDArray[np.int64], dict[str, str]]:
        """Places of the cells, −1 where no node has that id; and which ids were taken for another's writing.

        7.0 is taken for 7, and 7 for 7.0: programs that read whole numbers with a gap among them write them so.
        """
        places = self.index.get_indexer(column.names).astype(np.int64)
        taken = {}
        if (places < 0).any():
            plain = self._plain()
            for at in np.flatnonzero(places < 0):
                name = column.names[at]
                found = plain.get(_POINT_ZERO.sub("", name)) if name else None
                if found is not None:
                    places[at] = self.index.get_loc(found)
                    taken[name] = found
        return np.append(places, -1)[column.codes], taken

    def why_unknown(self, name: str) -> str:
        """Say that no node has this id, and which one may be meant."""
        if not name:
            return "the id of the node is missing"
        if self._loose is None:
            self._loose = {}
            for known in self.index:
                self._loose.setdefault(_loosened(known), []).append(known)
        near = self._loose.get(_loosened(name), [])
        text = f"no node of {self.name} has the id {name!r}"
        if not near:
            return text
        how = "upper and lower case" if near[0].casefold() == name.casefold() else "spaces or leading zeros"
        return f"{text}; {near[0]!r} differs in {how} only"

    def _plain(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for known in self.index:
            if _POINT_ZERO.search(known):
                found.setdefault(_POINT_ZERO.sub("", known), known)
        for known in self.index:
            if not _POINT_ZERO.search(known) and known[-1:].isdigit():
                found[known] = known
        return found


def _loosened(name: str) -> str:
    return _LEADING_ZEROS.sub(r"\1", re.sub(r"\s+", "", name)).casefold()


def _raw_text(value: Any) -> str:
    return value if isinstance(value, str) else as_text(value)
