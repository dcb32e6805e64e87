"""How far a prediction can be trusted: its interval, its nearest training molecule, calibrated probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import save
from scipy.sparse import csr_array

from graphattn.chem.traits import SUBSTRUCTURES, Traits
from graphattn.files import write_atomically
from graphattn.tasks.common.errors import ModelDirectoryError
from graphattn.tasks.common.model_directory import TRUST
from graphattn.tasks.molecule.duplicates import same_molecule
from graphattn.tasks.molecule.intervals import FEWEST, LEVEL, Difficulty, Intervals, coverage
from graphattn.tasks.molecule.neighbors import Neighbors
from graphattn.tasks.molecule.prediction import Prediction
from graphattn.tasks.molecule.probabilities import at_temperature, brier, fit_temperature
from graphattn.tasks.molecule.rows import MoleculeRows
from graphattn.tasks.molecule.stack.combine import spread_of
from graphattn.tasks.molecule.stack.out_of_fold import OutOfFold

Array = NDArray[np.float64]

_MOST = 5000
"""molecules that the intervals are calibrated on; more make them no better"""


@dataclass(frozen=True)
class Trust:
    """What a training keeps to judge its predictions by.

    Attributes:
        neighbors: the molecules of training and validation.
        intervals: of each target of a regression; None where too few molecules could calibrate them.
        temperatures: of each target of a classification; see `probabilities.fit_temperature`.
    """

    neighbors: Neighbors
    intervals: list[Intervals | None]
    temperatures: list[float]

    @classmethod
    def fit(
        cls,
        task: str,
        rows: MoleculeRows,
        trained: NDArray[np.int64],
        folds: Sequence[NDArray[np.int64]],
        weights: Mapping[str, Array],
        unseen: OutOfFold,
    ) -> Trust:
        """Calibrate on predictions of molecules that the members did not learn from.

        Args:
            task: "regression" or "classification".
            rows: all usable molecules.
            trained: positions of those of training and validation.
            folds: positions of those that were left out together.
            weights: `[T]` of each member.
            unseen: the predictions; its rows are those of the folds.
        """
        traits, copies = [rows.molecules[row].traits for row in trained], same_molecule(rows)[trained]
        smiles = [rows.smiles[row] for row in trained]
        neighbors = Neighbors.of(traits, smiles, rows.targets[trained], copies)
        targets = range(rows.targets.shape[1])
        if task == "classification":
            pairs = zip(unseen.mean.T, unseen.targets.T, strict=True)
            return cls(neighbors, [], [fit_temperature(*pair) for pair in pairs])
        some = np.arange(0, len(unseen.rows), -(-len(unseen.rows) // _MOST))
        groups = np.full(len(trained), -1)
        for number, fold in enumerate(folds):
            groups[np.searchsorted(trained, fold)] = number
        distance = 1.0 - neighbors.similarity(np.searchsorted(trained, unseen.rows[some]), groups)
        spread = spread_of(weights, unseen.members)
        intervals = [
            Intervals.calibrate(unseen.mean[some, t], spread[some, t], distance, unseen.targets[some, t])
            for t in targets
        ]
        return cls(neighbors, intervals, [])

    def judge(self, prediction: Prediction, traits: Sequence[Traits | None]) -> Prediction:
        """Return a prediction with its intervals, its neighbors and calibrated probabilities.

        Args:
            prediction: of `n` molecules, with the spread of the members; None counts as none.
            traits: of these; None has neither interval nor neighbor.
        """
        nearest = self.neighbors(traits)
        mean = prediction.mean.copy()
        for target, temperature in enumerate(self.temperatures):
            mean[:, target] = at_temperature(mean[:, target], temperature)
        low, high = np.full(mean.shape, np.nan), np.full(mean.shape, np.nan)
        spread = np.zeros(mean.shape) if prediction.spread is None else prediction.spread
        for target, intervals in enumerate(self.intervals):
            if intervals is not None:
                ends = intervals(mean[:, target], spread[:, target], 1.0 - nearest.similarity)
                low[:, target], high[:, target] = ends
        return replace(prediction, mean=mean, low=low, high=high, nearest=nearest)

    def measure(self, judged: Prediction, raw: Array, targets: Array, columns: Sequence[str]) -> dict[str, Any]:
        """Return how well the judgment fits the test part, for `metrics.json`.

        Args:
            judged: of the test molecules.
            raw: `[n, T]` their probabilities before calibration.
            targets: `[n, T]`.
            columns: the names of the targets.

        Returns:
            `{"intervals": {target: coverage}}` or `{"calibration": {target: {"temperature", "brier",
            "brier_uncalibrated"}}}`, and `"beyond_training"`, how many molecules have a remark.
        """
        assert judged.low is not None
        assert judged.high is not None
        assert judged.nearest is not None
        found: dict[str, Any] = {"beyond_training": sum(map(bool, judged.nearest.remarks))}
        if self.temperatures:
            found["calibration"] = {
                column: {
                    "temperature": self.temperatures[t],
                    "brier": brier(judged.mean[:, t], targets[:, t]),
                    "brier_uncalibrated": brier(raw[:, t], targets[:, t]),
                }
                for t, column in enumerate(columns)
            }
            return found
        each = {c: coverage(judged.low[:, t], judged.high[:, t], targets[:, t]) for t, c in enumerate(columns)}
        found["intervals"] = {column: one for column, one in each.items() if one is not None}
        return found

    def note(self, unseen: OutOfFold, columns: Sequence[str]) -> str:
        """Say which targets have no intervals, and why; "" where all have."""
        lacking = [column for column, one in zip(columns, self.intervals, strict=False) if one is None]
        if not lacking:
            return ""
        which = "" if len(columns) == 1 else f" for {', '.join(map(repr, lacking))}"
        counts = (~np.isnan(unseen.targets)).sum(axis=0)
        least = min(int(counts[columns.index(column)]) for column in lacking)
        return (
            f"there are no {LEVEL:.0%} intervals{which}: {least} molecule{'s' if least != 1 else ''} could calibrate "
            f"them, and {FEWEST} are needed."
        )

    def save(self, directory: Path) -> None:
        """Write all of it to one file, as arrays and JSON."""
        table = self.neighbors.substructures
        tensors = {
            "substructures": table.indices.astype(np.int16),
            "starts": table.indptr.astype(np.int64),
            "smiles": np.frombuffer("\n".join(self.neighbors.smiles).encode(), dtype=np.uint8),
            "measured": np.ascontiguousarray(self.neighbors.measured),
        }
        tensors |= {f"scores.{t}": np.ascontiguousarray(one.scores) for t, one in enumerate(self.intervals) if one}
        content = {
            "elements": self.neighbors.elements,
            "sizes": self.neighbors.sizes,
            "usual": self.neighbors.usual,
            "difficulties": [None if one is None else asdict(one.difficulty) for one in self.intervals],
            "temperatures": self.temperatures,
        }
        written = save(tensors, {"trust": json.dumps(content)})
        write_atomically(directory / TRUST, lambda temporary: temporary.write_bytes(written))

    @classmethod
    def load(cls, directory: Path) -> Trust:
        """Read what `save` wrote; nothing in it is run.

        Raises:
            ModelDirectoryError: the file is missing or damaged.
        """
        path = directory / TRUST
        try:
            with safetensors.safe_open(path, framework="np") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no dict
                content = json.loads((file.metadata() or {})["trust"])
            return cls._from(tensors, content)
        except FileNotFoundError:
            raise ModelDirectoryError(f"{path} is missing; train the model again or restore the directory.") from None
        except (safetensors.SafetensorError, OSError, KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelDirectoryError(
                f"{path} is damaged ({error}); train the model again or restore the file."
            ) from None

    @classmethod
    def _from(cls, tensors: dict[str, NDArray[Any]], content: dict[str, Any]) -> Trust:
        starts, columns = tensors["starts"], tensors["substructures"].astype(np.int32)
        table = csr_array(
            (np.ones(len(columns), dtype=np.int32), columns, starts), shape=(len(starts) - 1, SUBSTRUCTURES)
        )
        table.check_format(full_check=True)
        smiles, measured = tensors["smiles"].tobytes().decode().split("\n"), tensors["measured"]
        if not len(smiles) == len(measured) == table.shape[0]:
            raise ValueError("its molecules do not match")
        smallest, largest = content["sizes"]
        neighbors = Neighbors(
            table, smiles, measured, tuple(content["elements"]), (smallest, largest), float(content["usual"])
        )
        intervals = [
            None
            if one is None
            else Intervals(Difficulty(tuple(one["weights"]), float(one["floor"])), tensors[f"scores.{t}"])
            for t, one in enumerate(content["difficulties"])
        ]
        return cls(neighbors, intervals, [float(t) for t in content["temperatures"]])
