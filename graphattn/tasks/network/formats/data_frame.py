"""A pandas data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphattn.tasks.network.rows import Rows

if TYPE_CHECKING:
    import pandas as pd


def frame_rows(frame: pd.DataFrame, name: str) -> Rows:
    """Take a frame as it is; an index that is more than 0, 1, 2, … becomes the first column."""
    import pandas as pd

    index = frame.index
    if isinstance(index, pd.MultiIndex):
        frame = frame.reset_index()
    elif index.name is not None or not (
        pd.api.types.is_integer_dtype(index.dtype) and index.equals(pd.RangeIndex(len(index)))
    ):
        frame = frame.reset_index(names=str(index.name) if index.name is not None else "index")
    frame = frame.reset_index(drop=True)
    frame.columns = [str(column).strip() for column in frame.columns]
    return Rows(name, frame)
