"""Numbers as people write them: with a decimal point or a decimal comma, with thousands separators, as bounds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

_SIGN, _EXPONENT = r"[+-]?", r"([eE][+-]?\d+)?"
_POINT_GROUPS = re.compile(_SIGN + r"[1-9]\d{0,2}(\.\d{3})+")  # 1.234.567, and 1.234 if need be
_COMMA_GROUPS = re.compile(_SIGN + r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?" + _EXPONENT)
_DECIMAL_COMMA = re.compile(_SIGN + r"(\d+,\d*|,\d+|[1-9]\d{0,2}(\.\d{3})+(,\d*)?)" + _EXPONENT)
_BOUND = re.compile(r"\s*([<>≤≥~≈]=?|=[<>])\s*")

_LARGEST = 1e30
"""what can be squared, summed and scaled in the networks' 32 bits"""

POINT, GROUPED, COMMA, UNCLEAR = "point", "grouped", "comma", "unclear"
"""1234.5 · 1,234.5 · 1234,5 or 1.234,5 · commas that may be either"""


def convention_of(cells: Iterable[str]) -> str:
    """Tell how the numbers of a column are written, from all its cells.

    A comma groups thousands where some cell says so (1,234.5 or 1,234,567), and is a decimal comma where some cell can
    be nothing else (0,5 or -2,73) and none has a decimal point. Where cells contradict each other, the point decides
    and the cells with a comma are no numbers.
    """
    written = [_plain(cell) for cell in cells]
    commas = [cell for cell in written if "," in cell]
    if not any(_COMMA_GROUPS.fullmatch(cell) or _DECIMAL_COMMA.fullmatch(cell) for cell in commas):
        return POINT
    groups = any(_COMMA_GROUPS.fullmatch(cell) and (cell.count(",") > 1 or "." in cell) for cell in commas)
    decimal = any(_DECIMAL_COMMA.fullmatch(cell) and not _COMMA_GROUPS.fullmatch(cell) for cell in commas)
    point = any("." in cell and _is_float(cell) and not _POINT_GROUPS.fullmatch(cell) for cell in written)
    if groups and not decimal:
        return GROUPED
    if decimal and not groups and not point:
        return COMMA
    return POINT if groups or decimal or point else UNCLEAR


def looks_numeric(cell: str) -> bool:
    """Tell whether a cell means a number, in whatever way it is written; bounds count."""
    text = _BOUND.sub("", _plain(cell), count=1) if _BOUND.match(cell) else _plain(cell)
    return _is_float(text) or bool(_COMMA_GROUPS.fullmatch(text) or _DECIMAL_COMMA.fullmatch(text))


def parse_number(cell: str, convention: str = POINT) -> float:
    """Return the number that a cell holds.

    Raises:
        ValueError: it holds none, or one that cannot be used; the message says why, for the person who wrote it.
    """
    text = _plain(cell)
    if convention == GROUPED and _COMMA_GROUPS.fullmatch(text):
        text = text.replace(",", "")
    elif convention == COMMA and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    if not _is_float(text):
        raise ValueError(f"{cell!r} is not a number{_hint(text)}")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{cell!r} is not finite")
    if abs(value) > _LARGEST:
        raise ValueError(f"{cell!r} is too large: {_LARGEST:g} is the most; give its logarithm or another unit")
    return value + 0.0  # no −0


def is_bound(cell: str) -> bool:
    """Tell whether a cell holds a bound (>5) or an estimate (~5) rather than a measured value."""
    return bool(_BOUND.match(cell)) and looks_numeric(cell)


def _plain(cell: str) -> str:
    return cell.strip().replace("\N{MINUS SIGN}", "-")


def _is_float(text: str) -> bool:
    if "_" in text:  # float("1_000") is 1000 in Python, a typing slip in a table
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _hint(text: str) -> str:
    if is_bound(text):
        return ": it is a bound or an estimate, not a measured value"
    if _COMMA_GROUPS.fullmatch(text) or _DECIMAL_COMMA.fullmatch(text):
        return "; write a decimal point, not a comma, and no thousands separators"
    number = re.match(_SIGN + r"\d+([.,]\d+)?" + _EXPONENT + r"(?=\s*[%a-zA-Zµμ°/]+)", text)
    return f"; write {number.group()} alone, without its unit" if number else ""
