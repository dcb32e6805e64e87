"""The first sheet of an Excel workbook, as text cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphattn.tasks.common.errors import TableError


def read_excel_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each row of the first sheet; `[]` for an empty row. Formulas give their values.

    Raises:
        TableError: openpyxl is not installed, or the file is no workbook.
    """
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise TableError(
            f"{path}: Excel workbooks are read by openpyxl, which is not installed; install graphattn[tables], or "
            "export the sheet as CSV."
        ) from None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            texts = [_text(cell) for cell in cells]
            yield number, texts if any(texts) else []
        book.close()
    except Exception as error:  # whatever a damaged archive or its XML makes of the library
        raise TableError(f"{path} is no whole Excel workbook ({type(error).__name__}: {error}).") from None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value).strip()
