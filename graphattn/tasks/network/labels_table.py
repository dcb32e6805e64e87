"""The user's rows with what was predicted for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.network.calibration import ConformalSets
from graphattn.tasks.network.network import Network

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def labels_table(network: Network, predicted: Array, conformal: ConformalSets, distance: Array) -> pd.DataFrame:
    """Return the rows in their order with new columns; see `NodeClassifier.predict`."""
    import pandas as pd

    name, classes = network.target, network.classes
    new: dict[str, Any] = {}
    if network.task == "regression":
        low, high = conformal.intervals(predicted).T
        new |= {f"{name}_predicted": predicted[:, 0], f"{name}_low": low, f"{name}_high": high}
    else:
        inside = conformal.sets(predicted)
        if network.task == "multiclass":
            new[f"{name}_predicted"] = [classes[place] for place in predicted.argmax(axis=1)]
            new[f"{name}_confidence"] = predicted.max(axis=1)
            sets = inside
        else:
            new[f"{name}_predicted"] = [_join(classes, row > 0.5, ";") for row in predicted]
            new[f"{name}_confidence"] = np.maximum(predicted, 1 - predicted).mean(axis=1)
            sets = inside[..., 1]
        new |= {f"{name}_probability_{label}": predicted[:, place] for place, label in enumerate(classes)}
        new[f"{name}_set"] = [_join(classes, row, "|") for row in sets]
    new[f"{name}_unlike_training"] = distance > 1
    return pd.concat([network.nodes, pd.DataFrame(new, index=network.nodes.index)], axis=1)


def _join(classes: Sequence[str], chosen: NDArray[np.bool_], between: str) -> str:
    return between.join(name for name, is_in in zip(classes, chosen, strict=True) if is_in)
