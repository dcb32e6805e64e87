"""A Parquet file, which has types and no lines."""

from __future__ import annotations

from pathlib import Path

from graphattn.tasks.common.parquet import read_parquet_frame
from graphattn.tasks.network.formats.data_frame import frame_rows
from graphattn.tasks.network.rows import Rows


def read_parquet(path: Path) -> Rows:
    """Read a Parquet file; see `read_parquet_frame`."""
    return frame_rows(read_parquet_frame(path), str(path))
