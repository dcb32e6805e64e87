"""The fast readers of tables of text: pyarrow where it is installed, pandas otherwise."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from graphattn.tasks.network.formats.chunks import ROWS, coded_frame

if TYPE_CHECKING:
    import pandas as pd


_BLOCK = 1 << 25  # bytes; each block keeps its own list of the cells that it has


class UnfitError(Exception):
    """The file is not what was thought; another way of reading it may do."""


class Plan(NamedTuple):
    """How a file is to be read."""

    header: list[str]
    separator: str
    encoding: str | None
    coded: bool
    """keep each different cell of a column of text once"""
    decimals: list[str]
    """columns that seem to hold decimals"""
    wholes: list[str]
    """columns that seem to hold whole numbers"""

    def attempts(self, *, plain: bool) -> Iterator[dict[str, str]]:
        """Types of the columns, the smallest first; whole numbers are text unless they are written plainly."""
        decimals = dict.fromkeys(self.decimals, "float64")
        for whole in ("int32", "int64") if plain else ():
            yield decimals | dict.fromkeys(self.wholes, whole)
        yield decimals
        if decimals:
            yield {}


def read_fast(file: IO[bytes], plan: Plan, types: dict[str, str]) -> pd.DataFrame:
    """Read a table; a column that `types` does not name is text.

    Raises:
        UnfitError: a cell is not of its type, a row is not as long as the header, or the bytes are no text.
    """
    try:
        import pyarrow.csv  # noqa: F401
    except ImportError:
        frame = _by_pandas(file, plan, types)
    else:
        frame = _by_arrow(file, plan, types)
    return frame.set_axis(plan.header, axis=1)


def _by_arrow(file: IO[bytes], plan: Plan, types: dict[str, str]) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import csv

    text = pa.dictionary(pa.int32(), pa.string()) if plan.coded else pa.string()
    known: dict[str, Any] = {"int32": pa.int32(), "int64": pa.int64(), "float64": pa.float64()}
    try:
        table = csv.read_csv(
            file,
            read_options=csv.ReadOptions(
                encoding=plan.encoding or "utf8", column_names=plan.header, skip_rows=1, block_size=_BLOCK
            ),
            parse_options=csv.ParseOptions(delimiter=plan.separator),
            convert_options=csv.ConvertOptions(
                column_types={name: known[types[name]] if name in types else text for name in plan.header},
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowException, OSError, EOFError, zlib.error, LookupError, UnicodeError):
        raise UnfitError from None
    if any(types.get(name, "").startswith("int") and table[name].null_count for name in plan.header):
        raise UnfitError
    frame = (table.unify_dictionaries() if plan.coded else table).to_pandas(self_destruct=True, split_blocks=True)
    del table
    pa.default_memory_pool().release_unused()
    return frame


def _by_pandas(file: IO[bytes], plan: Plan, types: dict[str, str]) -> pd.DataFrame:
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            found = pd.read_csv(
                file,
                sep=plan.separator,
                header=0,
                names=plan.header,
                index_col=False,
                dtype={name: types.get(name, str) for name in plan.header},
                chunksize=ROWS if plan.coded else None,
                keep_default_na=False,
                na_values={name: [""] for name in plan.decimals if name in types},
                encoding=plan.encoding or "utf-8-sig",
            )
            return coded_frame(found) if plan.coded else found
    except (ValueError, TypeError, pd.errors.ParserWarning, OSError, EOFError, zlib.error, LookupError):
        raise UnfitError from None
