"""A row of a network that was left out."""

from __future__ import annotations

from typing import NamedTuple


class Reject(NamedTuple):
    """A row that was left out, or a label that was, the node being kept."""

    file: str
    line: int
    """of the file, counted from 1; of a data frame the row, counted from 0"""
    column: str
    value: str
    reason: str
