"""A file that a data set is downloaded from and its checksum."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DataFile:
    """Where a file is, and how to know it."""

    name: str
    """of the data set, and of its folder"""
    file: str
    sha256: str | None
    """of the content, unpacked; None where the reader checks what it reads"""
    url: str | None
