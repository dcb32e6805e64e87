"""Find the file of a data set on this machine, or download it; either way its checksum is verified."""

import gzip
import hashlib
import http.client
import os
import shutil
import tempfile
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from typing import Protocol

from graphattn.folders import user_cache

_TIMEOUT = 30  # seconds without a byte


class Published(Protocol):
    """A file of a data set: a `Card` of molecules has one, a `TextCard` several."""

    @property
    def name(self) -> str:
        """Name of the data set."""

    @property
    def file(self) -> str:
        """Name of the file."""

    @property
    def sha256(self) -> str | None:
        """Its checksum, unpacked; None where the reader checks what it reads."""

    @property
    def url(self) -> str | None:
        """Where it is downloaded from; None: it comes with graphattn."""


class DatasetError(ValueError):
    """A data set is unknown, cannot be downloaded, or is not the published file."""


def locate(card: Published) -> Path:
    """Return the path of the data set's file, plain or `.gz`, downloading it when it is nowhere.

    Places, in this order: `$GRAPHATTN_DATA/<name>/<file>`, the files that come with graphattn, the cache
    (`$GRAPHATTN_CACHE/datasets/<name>/<file>`, without that variable the platform's cache directory).

    Raises:
        DatasetError: the file found is not the published one (its SHA-256 differs), or the download fails.
    """
    for path in (*_own_copies(card), *_bundled_copies(card)):
        if path.is_file():
            _verify(path, card)
            return path
    cached = cache_directory() / card.name / card.file
    if cached.is_file() and card.sha256 in (None, _sha256(cached)):
        return cached
    download(card, cached)
    return cached


def unpacked(path: Path) -> bytes:
    """The content of a file, plain or `.gz`.

    Raises:
        DatasetError: it is not a whole gzip file.
    """
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} is not a whole gzip file: {error}") from error


def cache_directory() -> Path:
    """Return the directory that holds the downloaded data sets."""
    return user_cache() / "datasets"


def download(card: Published, path: Path) -> None:
    """Download the data set's file to `path`, which appears only when it is whole and its checksum is right.

    Raises:
        DatasetError: there is no such page, no connection, too few bytes, another file, or no room to write.
    """
    if card.url is None:
        raise DatasetError(f"data set {card.name!r} comes with graphattn, but its file {card.file} is missing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=".download-")
    except OSError as error:
        raise DatasetError(
            f"cannot write the data set {card.name!r} to {path.parent}: {error.strerror}; "
            "set GRAPHATTN_CACHE to a directory that can be written"
        ) from error
    with folder:
        temporary = Path(folder.name) / card.file
        try:
            _transfer(card.url, temporary)
            found = _sha256(temporary)
            if card.sha256 not in (None, found):
                raise OSError(f"the file there is another one (SHA-256 {found}, expected {card.sha256})")
            temporary.replace(path)
        except (OSError, http.client.HTTPException) as error:
            raise DatasetError(
                f"could not download the data set {card.name!r} from {card.url}: {_reason(error)}; "
                f"put the file at {path}, or set GRAPHATTN_DATA to a directory that has {card.name}/{card.file}"
            ) from error


def _own_copies(card: Published) -> list[Path]:
    root = os.environ.get("GRAPHATTN_DATA")
    return _plain_and_packed(Path(root).expanduser() / card.name / card.file) if root else []


def _bundled_copies(card: Published) -> list[Path]:
    """Where the wheel, and where the repository, keeps the data that come with graphattn."""
    package = Path(__file__).resolve().parent
    return [package / "bundled" / card.name / card.file, package.parents[1] / "datasets" / card.name / card.file]


def _plain_and_packed(path: Path) -> list[Path]:
    return [path, path.with_name(f"{path.name}.gz")]


def _transfer(url: str, path: Path) -> None:
    with urllib.request.urlopen(url, timeout=_TIMEOUT) as response, path.open("wb") as file:
        shutil.copyfileobj(response, file)
        received, expected = file.tell(), response.headers.get("Content-Length")
    if expected is not None and received < int(expected):
        raise OSError(f"the transfer broke off after {received:,} of {int(expected):,} bytes")


def _verify(path: Path, card: Published) -> None:
    found = _sha256(path)
    if card.sha256 not in (None, found):
        raise DatasetError(
            f"{path} is not the published file of the data set {card.name!r}: its SHA-256 is {found}, "
            f"expected {card.sha256}; to use a file of your own, give its path instead of the name"
        )


def _sha256(path: Path) -> str:
    """Checksum of the content, unpacked."""
    return hashlib.sha256(unpacked(path)).hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__
