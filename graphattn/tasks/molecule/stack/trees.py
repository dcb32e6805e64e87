"""Trees on raw descriptors and Morgan counts, by LightGBM: boosted one after another, or grown apart and averaged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from graphattn.files import write_text
from graphattn.tasks.common.errors import ModelDirectoryError
from graphattn.tasks.molecule.stack.inputs import Inputs
from graphattn.tasks.molecule.stack.links import learnable, mean_of

if TYPE_CHECKING:
    from lightgbm import Booster

Array = NDArray[np.float64]

_FEWEST = 10
"""molecules with a value below which the mean is all there is to learn"""
_COMMON: dict[str, Any] = {
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "max_bin": 63,
}
_BOOSTED: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 5,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "extra_trees": True,
}
_FOREST: dict[str, Any] = {
    "boosting": "rf",
    "num_leaves": 256,
    "min_data_in_leaf": 1,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "extra_trees": True,
}
"""of each feature one random threshold is tried (Geurts et al. 2006), which costs less and generalizes better here"""
_BOOSTED_ROUNDS, _FOREST_ROUNDS = 400, 50


@dataclass(frozen=True)
class Trees:
    """LightGBM's models, one for each target.

    Attributes:
        task: "regression" or "classification".
        boosters: predict values, or probabilities of class 1.
    """

    task: str
    boosters: list[Booster]

    def predict(self, inputs: Inputs) -> Array:
        """Return `[n, T]` values, or probabilities of class 1."""
        columns = [booster.predict(inputs.wide, num_threads=1) for booster in self.boosters]
        values = np.stack(columns, axis=1).astype(np.float64)
        return values if self.task == "regression" else values.clip(0, 1)  # a mean of trees is rounded

    def write(self, directory: Path, name: str) -> None:
        """Write LightGBM's text of each model."""
        for target, booster in enumerate(self.boosters):
            write_text(directory / f"{name}-{target + 1}.txt", booster.model_to_string())

    @classmethod
    def read(cls, directory: Path, name: str, task: str, targets: int) -> Self:
        """Read it back.

        Raises:
            ModelDirectoryError: a file is missing or damaged.
        """
        return cls(task, [_read(directory / f"{name}-{target + 1}.txt") for target in range(targets)])


class Boosted(Trees):
    """Gradient boosting: each tree learns what those before it left."""

    @classmethod
    def fit(cls, inputs: Inputs, targets: Array, *, task: str, seed: int) -> Boosted:
        """Fit a model of each column of `targets`, NaN where a value is missing."""
        objective = {"objective": "regression" if task == "regression" else "binary"}
        return cls(task, [_fit(inputs, y, task, _BOOSTED | objective, _BOOSTED_ROUNDS, seed) for y in targets.T])


class Forest(Trees):
    """A random forest: each tree learns from a sample of the molecules; a leaf's mean is a value or a probability."""

    @classmethod
    def fit(cls, inputs: Inputs, targets: Array, *, task: str, seed: int) -> Forest:
        """Fit a model of each column of `targets`, NaN where a value is missing."""
        return cls(task, [_fit(inputs, y, task, _FOREST, _FOREST_ROUNDS, seed) for y in targets.T])


def _fit(inputs: Inputs, y: Array, task: str, settings: dict[str, Any], rounds: int, seed: int) -> Booster:
    import lightgbm

    known = ~np.isnan(y)
    x, y = inputs.wide[known], y[known]
    if len(y) < _FEWEST or not learnable(y):
        x, y, rounds = np.zeros((_FEWEST, x.shape[1]), dtype=np.float32), np.full(_FEWEST, mean_of(task, y)), 1
        settings = {}
    settings = _COMMON | settings | {"seed": seed % 2**31}
    return lightgbm.train(settings, lightgbm.Dataset(x, y, params=settings), rounds)


def _read(path: Path) -> Booster:
    import lightgbm

    try:
        text = path.read_text(encoding="utf-8")
        if "end of trees" not in text:
            raise ValueError("its end is missing")
        return lightgbm.Booster(model_str=text)
    except FileNotFoundError:
        raise ModelDirectoryError(f"{path} is missing; train the model again or restore the directory.") from None
    except (lightgbm.basic.LightGBMError, OSError, ValueError) as error:
        raise ModelDirectoryError(f"{path} is damaged ({error}); train the model again or restore the file.") from None
