"""A predictor of molecular properties: fit it to a table, use it on SMILES, keep it in a directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.common.errors import InputError
from graphattn.tasks.common.labels import ZERO_ONE
from graphattn.tasks.molecule import saved
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig
from graphattn.tasks.molecule.neighbors import Nearest
from graphattn.tasks.molecule.prediction import Prediction
from graphattn.tasks.molecule.records import Fitted, Outcome

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from typing_extensions import Self

    from graphattn.chem import Split
    from graphattn.models import MoleculeNet
    from graphattn.tasks.common.rejects import Reject
    from graphattn.tasks.common.table import Table
    from graphattn.tasks.molecule.featurize_many import Features

_P = ParamSpec("_P")
_R = TypeVar("_R")

_CHUNK = 256
"""molecules whose graphs are in memory at a time when predicting"""


class _ClassOrInstanceMethod(Generic[_P, _R]):
    """A method that, called on the class, acts on a new default instance: `MoleculePredictor.fit(table)`."""

    def __init__(self, function: Callable[Concatenate[Any, _P], _R]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __get__(self, instance: object | None, owner: type) -> Callable[_P, _R]:
        return MethodType(self.function, owner() if instance is None else instance)


class MoleculePredictor:
    """Predict properties of molecules with graph-attention networks and, beside them, quick models of descriptors.

        predictor = MoleculePredictor().fit("solubility.csv", target_columns=["logS"])
        predictor.predict(["CCO", "c1ccccc1"])
        predictor.save("run")

    Args:
        model: the shape of the networks.
        training: the recipe of their training.

    Attributes:
        fitted: what the training found out; None before `fit`.
        outcome: the molecules of the training and their predictions; None before `fit` and after `load`.
    """

    def __init__(self, model: ModelConfig | None = None, training: TrainingConfig | None = None) -> None:
        self.model = ModelConfig() if model is None else model
        self.training = TrainingConfig() if training is None else training
        self.fitted: Fitted | None = None
        self.outcome: Outcome | None = None
        self._nets: list[MoleculeNet] = []

    @_ClassOrInstanceMethod
    def fit(
        self,
        data: str | Path | pd.DataFrame | Table,
        *,
        smiles_column: str | None = None,
        target_columns: str | Sequence[str] | None = None,
        id_column: str | None = None,
        split: str | Split | None = None,
        split_column: str | None = None,
        task: str | None = None,
        unit: str | None = None,
        encoding: str | None = None,
        duplicates: str = "keep",
        directory: str | Path | None = None,
        resume: bool = False,
        overwrite: bool = False,
        console: Console | None = None,
    ) -> MoleculePredictor:
        """Train on a table of SMILES and values. Also callable on the class, with the default recipe.

        Rows that cannot be used are left out and listed in `outcome.rows.rejects`.

        Args:
            data: a CSV file, `-` for standard input, or a data frame.
            smiles_column: guessed from the header when None.
            target_columns: one or several; missing values are allowed. The only column of numbers when None.
            id_column: a column whose values must not repeat; the first row of several is kept.
            split: "scaffold", "random", "stratified", or a `Split` of the usable rows. None: by scaffold where
                that leaves no part empty or with one class only, else by class or at random.
            split_column: a column that says train, valid or test.
            task: "regression" or "classification"; told by the values when None.
            unit: of the targets, for the report.
            encoding: of the file; UTF-8 when None.
            duplicates: what becomes of molecules that stand in the table more than once: "keep" all rows, "mean" of
                their values, "first" row only, "drop" those whose values differ, or "error".
            directory: keep checkpoints and logs there, and the model once it is trained.
            resume: go on with the training that was interrupted in `directory`.
            overwrite: remove what an earlier training wrote to `directory`.
            console: where to show the progress; None shows nothing.

        Returns:
            The predictor itself.

        Raises:
            TableError: the table cannot be used; the message names file, line and column.
            SettingsError: settings exclude each other, or differ from those of the training to resume.
            ModelDirectoryError: `directory` is not empty, and neither `resume` nor `overwrite` is set.
        """
        from graphattn.tasks.molecule.fitting import train  # Lightning loads here

        place = None if directory is None else Path(directory)
        self.fitted, self.outcome = train(
            data,
            self.model,
            self.training,
            smiles_column=smiles_column,
            target_columns=target_columns,
            id_column=id_column,
            split=split,
            split_column=split_column,
            task=task,
            unit=unit,
            encoding=encoding,
            duplicates=duplicates,
            directory=place,
            resume=resume,
            overwrite=overwrite,
            console=console,
        )
        self._nets = []
        if place is not None:
            saved.write_description(place, self.model, self.training, self.fitted)
        return self

    def predict(self, smiles: str | Sequence[str]) -> pd.DataFrame:
        """Predict for each SMILES; rows keep their order, and none is dropped.

        Returns:
            A data frame with the column `smiles`, for each target the columns of `output_columns`, and
            `reason`, which says why a row has no prediction and is empty otherwise. The index is that of
            `smiles`, if it is a pandas Series.

        Raises:
            TypeError: `smiles` is a data frame; give its column.
        """
        import pandas as pd

        if isinstance(smiles, pd.DataFrame):
            raise TypeError("smiles must be SMILES, got a data frame; give the column that holds them")
        texts = [smiles] if isinstance(smiles, str) else list(smiles)
        prediction = self.predict_arrays(texts)
        columns: dict[str, Any] = {"smiles": texts}
        columns |= dict(zip(self.output_columns(), self.output_values(prediction), strict=True))
        columns["reason"] = prediction.reasons
        index = smiles.index if isinstance(smiles, pd.Series) else None
        return pd.DataFrame(columns, index=index)

    def predict_arrays(
        self, smiles: Sequence[str], *, device: str = "auto", progress: Callable[[int], None] | None = None
    ) -> Prediction:
        """Predict for each SMILES, as arrays.

        Args:
            smiles: the molecules.
            device: "auto", "cpu", "cuda" or "mps".
            progress: called with the number of molecules done.

        Raises:
            SettingsError: the device is not there.
        """
        from graphattn.tasks.common.device import resolve_device

        resolve_device(device)
        chunks = list(self._chunks(self._require_fitted().featurizer.each(smiles), device, progress))
        if not chunks:
            chunks = [self._chunk([], device)]
        return Prediction.joined(chunks)

    def predict_table(
        self,
        table: Table,
        smiles_column: str,
        *,
        device: str = "auto",
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[Prediction, list[Reject]]]:
        """Predict for each row of a table, and yield some hundred rows as soon as they are done.

        A row that training would leave out, because its values have shifted or its SMILES cannot be read, has no
        prediction but a reason, and is among the rejects.

        Args:
            table: as `read_table` reads it.
            smiles_column: the column of SMILES.
            device: "auto", "cpu", "cuda" or "mps".
            progress: called with the number of rows done.
        """
        from graphattn.tasks.common.rejects import Reject
        from graphattn.tasks.molecule.rows import read_molecules

        rejects: list[Reject] = []

        def answers() -> Iterator[Features | str]:
            each = self._require_fitted().featurizer.each
            for answer in read_molecules(table, smiles_column, range(len(table.rows)), each):
                if isinstance(answer, Reject):
                    rejects.append(answer)
                    yield answer.reason
                else:
                    yield answer

        for prediction in self._chunks(answers(), device, progress):
            yield prediction, rejects.copy()
            rejects.clear()

    def _chunks(
        self, answers: Iterator[Features | str], device: str, progress: Callable[[int], None] | None
    ) -> Iterator[Prediction]:
        """Predict from features, or from the reasons why there are none, some hundred at a time."""
        chunk: list[Features | str] = []
        for done, answer in enumerate(answers, start=1):
            chunk.append(answer)
            if progress is not None:
                progress(done)
            if len(chunk) == _CHUNK:
                yield self._chunk(chunk, device)
                chunk = []
        if chunk:
            yield self._chunk(chunk, device)

    def _chunk(self, answers: Sequence[Features | str], device: str) -> Prediction:
        shape = (len(answers), len(self._require_fitted().target_columns))
        mean, std, spread = (np.full(shape, np.nan) for _ in range(3))
        kept = [position for position, answer in enumerate(answers) if not isinstance(answer, str)]
        if kept:
            features = [answer for answer in answers if not isinstance(answer, str)]
            each = self._predict_each([self._to_data(one) for one in features], device)
            mean[kept], spread[kept] = self._stacked(features, each.mean(axis=0))
            if len(each) > 1:
                std[kept] = each.std(axis=0, ddof=1)
        reasons = [answer if isinstance(answer, str) else "" for answer in answers]
        made = Prediction(mean, std, reasons, spread=spread)
        trust = self._require_fitted().trust
        traits = [None if isinstance(answer, str) else answer.traits for answer in answers]
        return made if trust is None else trust.judge(made, traits)

    def output_columns(self) -> list[str]:
        """Return the columns of a prediction.

        For each target `<target>_predicted`, `<target>_low` and `<target>_high`, the ends of the 90 % interval,
        `<target>_std`, how far the networks differ where there are several, and `<target>_nearest`, what was measured
        of the nearest training molecule. A class has `<target>_probability` of class 1 instead of an interval, and
        `<target>_predicted`, the label of the likelier class, where its labels are not 0 and 1. Then
        `nearest_similarity` and `nearest_smiles` of that training molecule, and `remark`, which says in what the
        molecule is beyond all that was trained on. A model of before these were kept has none of them.
        """
        return list(self._outputs())

    def output_values(self, prediction: Prediction) -> list[NDArray[Any]]:
        """Return the values of those columns, each `[n]`: float64, or texts for labels ("" where there is none)."""
        return [find(prediction) for find in self._outputs().values()]

    def _outputs(self) -> dict[str, Callable[[Prediction], NDArray[Any]]]:
        """Return the columns of a prediction, and how each is found."""
        columns: dict[str, Callable[[Prediction], NDArray[Any]]] = {}
        for target in range(len(self._require_fitted().target_columns)):
            columns |= self._target_outputs(target)
        if self._require_fitted().trust is not None:
            columns["nearest_similarity"] = lambda made: _nearest(made).similarity
            columns["nearest_smiles"] = lambda made: np.array(_nearest(made).smiles, dtype=object)
            columns["remark"] = lambda made: np.array(_nearest(made).remarks, dtype=object)
        return columns

    def _target_outputs(self, target: int) -> dict[str, Callable[[Prediction], NDArray[Any]]]:
        fitted = self._require_fitted()
        name = fitted.target_columns[target]
        columns: dict[str, Callable[[Prediction], NDArray[Any]]] = {}
        if fitted.task == "classification" and tuple(fitted.classes[target]) != ZERO_ONE:
            columns[f"{name}_predicted"] = lambda made: likelier(made.mean[:, target], fitted.classes[target])
        value = "predicted" if fitted.task == "regression" else "probability"
        columns[f"{name}_{value}"] = lambda made: made.mean[:, target]
        trust = fitted.trust
        if trust is not None and trust.intervals and trust.intervals[target] is not None:
            columns[f"{name}_low"] = lambda made: _there(made.low)[:, target]
            columns[f"{name}_high"] = lambda made: _there(made.high)[:, target]
        if len(fitted.weights) > 1:
            columns[f"{name}_std"] = lambda made: made.std[:, target]
        if trust is not None:
            columns[f"{name}_nearest"] = lambda made: self._measured(_nearest(made).measured[:, target], target)
        return columns

    def _measured(self, values: NDArray[np.float64], target: int) -> NDArray[Any]:
        """Return measured values as the table wrote them: numbers, or labels of classes."""
        fitted = self._require_fitted()
        if fitted.task == "regression" or tuple(fitted.classes[target]) == ZERO_ONE:
            return values
        return likelier(values, fitted.classes[target])

    def save(self, directory: str | Path) -> None:
        """Keep the predictor in a directory, as JSON and safetensors; `load` reads it back."""
        fitted, place = self._require_fitted(), Path(directory)
        saved.write_networks(place, fitted)
        saved.write_description(place, self.model, self.training, fitted)

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """Read a predictor that `save` kept; nothing in the directory is run.

        Raises:
            ModelDirectoryError: the directory does not hold a whole model; the message says what is wrong.
        """
        place = Path(directory)
        model, training, fitted = saved.read(place)
        predictor = cls(model, training)
        predictor.fitted = fitted
        with saved.whole(place):
            predictor._build_nets()
        return predictor

    def __repr__(self) -> str:
        if self.fitted is None:
            return "MoleculePredictor(not fitted)"
        targets = ", ".join(self.fitted.target_columns)
        count = len(self.fitted.weights)
        return f"MoleculePredictor({self.fitted.task} of {targets}, {count} network{'s' if count > 1 else ''})"

    def _require_fitted(self) -> Fitted:
        if self.fitted is None:
            raise InputError("this predictor is not fitted; call fit or load first.")
        return self.fitted

    def _to_data(self, features: Features) -> Any:
        from graphattn.tasks.molecule.data import to_data

        scaler = self._require_fitted().descriptor_scaler
        return to_data(features.graph, None if scaler is None else scaler.transform(features.descriptors))

    def _predict_each(self, molecules: Sequence[Any], device: str) -> NDArray[np.float64]:
        from graphattn.tasks.common.device import resolve_device
        from graphattn.tasks.molecule.inference import predict_each

        fitted = self._require_fitted()
        if not self._nets:
            self._build_nets()
        return predict_each(
            self._nets, molecules, task=fitted.task, scaler=fitted.target_scaler, device=resolve_device(device)
        )

    def _stacked(
        self, features: Sequence[Features], network: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the stack's predictions and how far its members differ, `[n, T]`, from the networks' mean."""
        from graphattn.tasks.molecule.stack.combine import blend, spread_of
        from graphattn.tasks.molecule.stack.inputs import make_inputs

        fitted = self._require_fitted()
        if fitted.stack is None:
            return network, np.zeros_like(network)
        inputs = None
        if fitted.stack.members:
            assert fitted.descriptor_scaler is not None
            raw = np.stack([each.descriptors for each in features])
            counts = [each.fingerprint for each in features if each.fingerprint is not None]
            inputs = make_inputs(fitted.descriptor_scaler.transform(raw), raw, counts)
        members = fitted.stack.predict_each(network, inputs)
        return blend(fitted.stack.weights, members), spread_of(fitted.stack.weights, members)

    def _build_nets(self) -> None:
        from graphattn.tasks.molecule.network import build_network

        fitted = self._require_fitted()
        self._nets = []
        for weights in fitted.weights:
            net = build_network(self.model, fitted.featurizer, len(fitted.target_columns))
            net.load_state_dict(weights)
            self._nets.append(net)


def _nearest(prediction: Prediction) -> Nearest:
    assert prediction.nearest is not None
    return prediction.nearest


def _there(ends: NDArray[np.float64] | None) -> NDArray[np.float64]:
    assert ends is not None
    return ends


def likelier(probabilities: NDArray[np.float64], classes: tuple[str, str]) -> NDArray[Any]:
    """Return the label of the likelier class, "" where there is no probability; class 1 from one half on."""
    labels = np.where(probabilities < 0.5, *(np.array(label, dtype=object) for label in classes))
    return np.where(np.isnan(probabilities), "", labels)


def cell_text(value: Any) -> str:
    """Return what stands in a CSV file for one of `output_values`."""
    return value if isinstance(value, str) else "" if np.isnan(value) else f"{value:.6g}"
