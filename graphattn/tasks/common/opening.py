"""Open a file, packed with gzip or not, and tell how far the reading is."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from graphattn.tasks.common.errors import TableError

_GZIP = b"\x1f\x8b"


class _Counted(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, progress: Callable[[int, int], None]) -> None:
        self._file = path.open("rb", buffering=0)
        self._size = path.stat().st_size
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        count = cast("io.RawIOBase", self._file).readinto(buffer)  # type: ignore[arg-type]
        self._progress(self._file.tell(), self._size)
        return count or 0

    def close(self) -> None:
        self._file.close()
        super().close()


def open_bytes(path: Path, progress: Callable[[int, int], None] | None = None) -> IO[bytes]:
    """Open a file for reading its bytes, unpacked."""
    file: IO[bytes]
    if progress is None:
        file = path.open("rb")
    else:
        file = io.BufferedReader(_Counted(path, progress), 1 << 20)
    with path.open("rb") as head:
        packed = head.read(2) == _GZIP
    return cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, unpacked.

    Raises:
        TableError: it is missing or no file, cannot be read, or its packing is cut.
    """
    if path.is_dir():
        raise TableError(f"{path} is a directory; a CSV file is expected.")
    try:
        with open_bytes(path) as file:
            return file.read()
    except FileNotFoundError:
        raise TableError(f"There is no file {path}.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
