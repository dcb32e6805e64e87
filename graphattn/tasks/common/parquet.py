"""A Parquet file as a data frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphattn.tasks.common.errors import TableError

if TYPE_CHECKING:
    import pandas as pd


def read_parquet_frame(path: Path) -> pd.DataFrame:
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
        return pq.read_table(path).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path} is no whole Parquet file: {str(error).splitlines()[0]}.") from None
