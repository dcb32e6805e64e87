"""A Parquet file, which has types and no lines."""

from __future__ import annotations

from pathlib import Path

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.formats.data_frame import frame_rows
from graphattn.tasks.network.rows import Rows


def read_parquet(path: Path) -> Rows:
    """Read a Parquet file with pyarrow.

    Raises:
        TableError: pyarrow is not installed, or the file is not whole.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise TableError(
            f"{path}: Parquet is read by pyarrow, which is not installed; install graphattn[tables], or save it as CSV."
        ) from None
    try:
        frame = pq.read_table(path).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path} is no whole Parquet file: {str(error).splitlines()[0]}.") from None
    return frame_rows(frame, str(path))
