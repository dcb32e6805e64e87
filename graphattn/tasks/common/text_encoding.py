"""Bytes of a text file to text, with an answer for those that are not UTF-8."""

import codecs
import csv
import io
import re

from graphattn.tasks.common.errors import TableError

_BYTE_ORDER_MARKS = {  # UTF-32 first: its little-endian mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SEPARATORS = ",\t;|"  # the earlier wins where a header holds two equally often
_NOT_TEXT = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; export the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; export the sheet as CSV",
    b"PAR1": "a Parquet file; export it as CSV",
}


def decode(data: bytes, name: str, encoding: str | None = None) -> str:
    """Decode the bytes of a table.

    Args:
        data: the whole file.
        name: the file's name, for messages.
        encoding: a Python codec name; None means UTF-8, with or without a byte-order mark.

    Raises:
        TableError: the bytes are not text in that encoding; the message names line, column and byte, and the
            encoding that the file seems to have.
    """
    for magic, kind in _NOT_TEXT.items():
        if data.startswith(magic):
            raise TableError(f"{name} is not text: it is {kind}.")
    if encoding is None:
        _refuse_wide_characters(data, name)
    try:
        return data.decode(encoding or "utf-8-sig")
    except LookupError:
        raise TableError(f"Unknown encoding {encoding!r}: give a name such as utf-8, cp1252 or utf-16.") from None
    except UnicodeDecodeError as error:
        raise TableError(_describe(data, name, error, encoding)) from None
    except UnicodeError as error:  # utf-16 without a byte-order mark and the like
        raise TableError(f"{name} is not {encoding}: {error}.") from None


def separator_of(header: str) -> str:
    """Return the separator that a header line holds most often outside quotes."""
    return max(_SEPARATORS, key=re.sub(r'"[^"]*"', "", header).count)


def _refuse_wide_characters(data: bytes, name: str) -> None:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            raise TableError(
                f"{name}, line 1: the file is {encoding.upper()}, not UTF-8; "
                f"say so with --encoding {encoding}, or save it as UTF-8."
            )
    zero = data.find(b"\0")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        guess = "utf-16-be" if zero % 2 == 0 else "utf-16-le"
        advice = f"it looks like {guess.upper()}: say so with --encoding {guess}, or save it" if zero < 2 else "save it"
        raise TableError(f"{name}, line {line}: byte {zero + 1} is zero, so this is not UTF-8 text; {advice} as UTF-8.")


def _describe(data: bytes, name: str, error: UnicodeDecodeError, encoding: str | None) -> str:
    start = data.rfind(b"\n", 0, error.start) + 1
    line = data.count(b"\n", 0, start) + 1
    where = f"{name}, line {line}{_column(data, start, error.start)}"
    problem = f"{where}: byte 0x{data[error.start]:02X} is not valid {(encoding or 'utf-8').upper()}"
    end = data.find(b"\n", start)
    bad_line = data[start : end if end >= 0 else len(data)]
    for guess in ("cp1252", "latin-1"):
        try:
            text = bad_line.decode(guess)
        except UnicodeDecodeError:
            continue
        at = error.start - start  # one byte is one character in both
        around = text[max(at - 12, 0) : at + 12].strip()
        return f"{problem}; if {around!r} is right there, give --encoding {guess}, or save the file as UTF-8."
    return f"{problem}; save the file as UTF-8."


def _column(data: bytes, line_start: int, at: int) -> str:
    """Name the column that the byte at `at` is in, as far as the header tells."""
    header_line = data.split(b"\n", 1)[0].decode("latin-1").strip("\r")
    separator = separator_of(header_line)
    before = next(csv.reader(io.StringIO(data[line_start : at + 1].decode("latin-1")), delimiter=separator), [])
    header = next(csv.reader([header_line], delimiter=separator), [])
    if line_start == 0 or not 0 < len(before) <= len(header):
        return ""
    return f", column {header[len(before) - 1].strip()!r}"
