"""Columns of text as codes: each different cell is kept once, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ROWS = 500_000
"""rows that are held as text at a time"""


def coded_frame(chunks: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join the parts of a table; columns of text become categories, in the order in which they come."""
    import pandas as pd

    columns: dict[str, list[pd.Series | pd.Categorical]] = {}
    for chunk in chunks:
        for name in chunk.columns:
            column = chunk[name]
            if not pd.api.types.is_numeric_dtype(column.dtype):
                codes, names = pd.factorize(column)
                column = pd.Categorical.from_codes(codes, names)
            columns.setdefault(name, []).append(column)
    joined = {}
    for name in list(columns):
        parts = columns.pop(name)
        if isinstance(parts[0], pd.Categorical):
            joined[name] = pd.api.types.union_categoricals(parts)
        else:
            joined[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(joined, copy=False)
