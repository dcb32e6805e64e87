"""Members kept as arrays, in safetensors files, which hold numbers and nothing to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from graphattn.files import write_bytes
from graphattn.tasks.common.errors import ModelDirectoryError

Arrays = dict[str, NDArray[Any]]


def write_arrays(path: Path, models: list[Arrays]) -> None:
    """Write the arrays of one model for each target."""
    tensors = {
        f"{target}.{name}": np.ascontiguousarray(array)
        for target, arrays in enumerate(models)
        for name, array in arrays.items()
    }
    write_bytes(path, save(tensors))


def read_arrays(path: Path, names: Sequence[str], targets: int) -> list[Arrays]:
    """Read what `write_arrays` wrote: arrays of these names for each target.

    Raises:
        ModelDirectoryError: the file is missing or damaged.
    """
    try:
        tensors: Mapping[str, NDArray[Any]] = load(path.read_bytes())
    except FileNotFoundError:
        raise ModelDirectoryError(f"{path} is missing; train the model again or restore the directory.") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelDirectoryError(f"{path} is damaged ({error}); train the model again or restore the file.") from None
    try:
        return [{name: tensors[f"{target}.{name}"] for name in names} for target in range(targets)]
    except KeyError as error:
        raise ModelDirectoryError(f"{path} is damaged (no {error}); restore the file.") from None
