"""The free spoken digit dataset: "zero" to "nine", said by six people."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import wave
import zipfile
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphattn.datasets.data_file import DataFile
from graphattn.datasets.fetch import DatasetError, locate

_REPOSITORY = DataFile(
    "fsdd",
    "free-spoken-digit-dataset.zip",
    None,
    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/heads/master.zip",
)
_PACKS = {"train": "fsdd_train_rec5-14.tar.gz", "test": "fsdd_test_rec0-4.tar.gz"}
_TAKES = {"train": range(5, 15), "test": range(5)}
_SHA256 = {
    "train": "7d700229197c08ac85c20e1a88adfae5664e0636c256a37303e5c762bf669a5b",
    "test": "d1a2b826d7e91a1d3f8e92e3478cb085f27e1ca7d78df5a9f0d5049ce7f55a64",
}
"""of the recordings, one after another by name, each behind its name and a zero byte"""

_NAME = re.compile(r"(\d)_([a-z]+)_(\d+)\.wav$")


class Recording(NamedTuple):
    """One digit, spoken."""

    wave: Tensor
    """`[samples]` of float32 between −1 and 1, 8,000 a second"""
    digit: int
    speaker: str


def fsdd(split: Literal["train", "test"]) -> list[Recording]:
    """Recordings of single digits, 8 kHz.

    300 to test on, the official test set (recordings 0 to 4 of each digit and speaker), and 600 to train on (5 to 14;
    the official training set goes on to 49). They last 0.43 s in the mean and 1.31 s at most; the measure is accuracy.

    Raises:
        DatasetError: there is no such split, or the recordings can neither be found (`$GRAPHATTN_DATA/fsdd`) nor
            downloaded, or are not the published ones.

    Jackson et al., github.com/Jakobovski/free-spoken-digit-dataset; CC BY-SA 4.0.
    """
    if split not in _PACKS:
        raise DatasetError(f"split is one of {', '.join(_PACKS)}; got {split!r}")
    files = {match[0]: content for match, content in _recordings(split) if int(match[3]) in _TAKES[split]}
    content = b"".join(name.encode() + b"\0" + files[name] for name in sorted(files))
    if (found := hashlib.sha256(content).hexdigest()) != _SHA256[split]:
        raise DatasetError(
            f"the {len(files)} recordings found for the split {split!r} are not the published ones: their SHA-256 is "
            f"{found}, expected {_SHA256[split]}"
        )
    return [_read(name, files[name]) for name in sorted(files)]


def _recordings(split: str) -> list[tuple[re.Match[str], bytes]]:
    """Every recording in the pack of a split, or else in the whole repository."""
    pack = Path(os.environ.get("GRAPHATTN_DATA", "")) / "fsdd" / _PACKS[split]
    if pack.is_file():
        with tarfile.open(pack) as tar:
            return [
                (match, member.read())
                for info in tar.getmembers()
                if (match := _NAME.search(info.name)) and (member := tar.extractfile(info))
            ]
    with zipfile.ZipFile(locate(_REPOSITORY)) as repository:
        return [(match, repository.read(name)) for name in repository.namelist() if (match := _NAME.search(name))]


def _read(name: str, content: bytes) -> Recording:
    with wave.open(io.BytesIO(content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    match = _NAME.search(name)
    assert match is not None
    return Recording(torch.from_numpy(samples / np.float32(32768)), int(match[1]), match[2])
