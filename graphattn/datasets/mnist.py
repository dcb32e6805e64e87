"""MNIST: handwritten digits."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from graphattn.datasets.data_file import DataFile
from graphattn.datasets.fetch import DatasetError, locate, unpacked

_URL = "https://ossci-datasets.s3.amazonaws.com/mnist"  # PyTorch's copy
_FILES = {
    "train": (
        ("train-images-idx3-ubyte.gz", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ("train-labels-idx1-ubyte.gz", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    ),
    "test": (
        ("t10k-images-idx3-ubyte.gz", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        ("t10k-labels-idx1-ubyte.gz", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ),
}


def mnist(split: Literal["train", "test"]) -> tuple[Tensor, Tensor]:
    """Images `[n, 28, 28]` of uint8, 0 (paper) to 255 (ink), and their digits `[n]`, int64.

    60,000 images to train on and 10,000 to test on; the measure is accuracy.

    Raises:
        DatasetError: there is no such split, or the files can neither be found (`$GRAPHATTN_DATA/mnist`) nor
            downloaded, or are not the published ones.

    LeCun et al. 1998, Proc. IEEE 86:2278; CC BY-SA 3.0.
    """
    if split not in _FILES:
        raise DatasetError(f"split is one of {', '.join(_FILES)}; got {split!r}")
    images, labels = (
        _content(locate(DataFile("mnist", file, sha256, f"{_URL}/{file}"))) for file, sha256 in _FILES[split]
    )
    return torch.from_numpy(images[16:].reshape(-1, 28, 28)), torch.from_numpy(labels[8:]).long()


def _content(path: Path) -> np.ndarray:
    return np.frombuffer(bytearray(unpacked(path)), dtype=np.uint8)
