"""A predictor of molecular properties: fit it to a table, use it on SMILES, keep it in a directory."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from graphattn.chem import Split
from graphattn.tasks.common import model_directory
from graphattn.tasks.common.errors import InputError, ModelDirectoryError
from graphattn.tasks.common.labels import ZERO_ONE
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig, from_json, to_json
from graphattn.tasks.molecule.featurizer import Featurizer
from graphattn.tasks.molecule.scaling import DescriptorScaler, TargetScaler

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from torch import Tensor
    from typing_extensions import Self

    from graphattn.chem import MoleculeGraph
    from graphattn.models import MoleculeNet
    from graphattn.tasks.common.table import Table
    from graphattn.tasks.molecule.featurize_many import Features
    from graphattn.tasks.molecule.rows import MoleculeRows, Reject

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


@dataclass(frozen=True)
class Prediction:
    """What a predictor says of `n` molecules, in their order.

    Attributes:
        mean: `[n, T]` the values, or the probabilities of class 1; NaN for a SMILES that cannot be read.
        std: `[n, T]` how far the networks differ (sample standard deviation); NaN for one network.
        reasons: `[n]` why there is no prediction; "" where there is one.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    reasons: list[str]


@dataclass
class Fitted:
    """What a training found out: all a predictor needs, and what describes it.

    Attributes:
        task: "regression" or "classification".
        smiles_column, target_columns: of the table.
        classes: for each target of a classification the labels of class 0 and class 1.
        featurizer, descriptor_scaler, target_scaler: from a SMILES to the networks' input, and back.
        weights: the state dict of each network.
        histories: the learning curve of each network.
        split: rows of the usable molecules that trained, validated, tested.
        metrics: `{"test": …, "valid": …}` and, from the command line, `"baselines"`.
        data: facts about the table and the split.
        versions: of the libraries that trained.
    """

    task: str
    smiles_column: str
    target_columns: list[str]
    classes: list[tuple[str, str]]
    featurizer: Featurizer
    descriptor_scaler: DescriptorScaler | None
    target_scaler: TargetScaler
    weights: list[dict[str, Tensor]]
    histories: list[list[dict[str, float]]]
    split: Split
    metrics: dict[str, Any]
    data: dict[str, Any]
    versions: dict[str, str] = field(default_factory=lambda: library_versions())


@dataclass(frozen=True)
class Outcome:
    """The molecules a predictor was fitted to, and its prediction of each; not kept in the directory."""

    rows: MoleculeRows
    prediction: Prediction
    descriptors: NDArray[np.float64]
    """`[n, d]` raw RDKit descriptors; `d = 0` where the model does without"""


class MoleculePredictor:
    """Predict properties of molecules with an ensemble of graph-attention networks.

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
        from graphattn.tasks.molecule.fitting import fit, prepare  # Lightning loads here
        from graphattn.tasks.molecule.inference import resolve_device

        resolve_device(self.training.device, self.training.precision)
        place = None if directory is None else Path(directory)
        if place is not None:
            model_directory.check_writable(place, resume=resume, overwrite=overwrite)
        prepared = prepare(
            data,
            self.model,
            smiles_column=smiles_column,
            target_columns=[target_columns] if isinstance(target_columns, str) else target_columns,
            id_column=id_column,
            split=split,
            split_column=split_column,
            task=task,
            encoding=encoding,
            seed=self.training.seed,
            console=console,
        )
        if place is not None and overwrite:
            model_directory.clear(place)
        self.fitted, self.outcome = fit(
            prepared, self.model, self.training, unit=unit, directory=place, resume=resume, console=console
        )
        self._nets = []
        if place is not None:
            self.save(place)
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
        from graphattn.tasks.molecule.inference import resolve_device

        resolve_device(device)
        chunks = list(self._chunks(self._require_fitted().featurizer.each(smiles), device, progress))
        if not chunks:
            chunks = [self._chunk([], device)]
        return Prediction(
            np.concatenate([chunk.mean for chunk in chunks]),
            np.concatenate([chunk.std for chunk in chunks]),
            [reason for chunk in chunks for reason in chunk.reasons],
        )

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
        from graphattn.tasks.molecule.rows import Reject, read_molecules

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
        mean, std = np.full(shape, np.nan), np.full(shape, np.nan)
        kept = [position for position, answer in enumerate(answers) if not isinstance(answer, str)]
        if kept:
            molecules = [self._to_data(*answer) for answer in answers if not isinstance(answer, str)]
            each = self._predict_each(molecules, device)
            mean[kept] = each.mean(axis=0)
            if len(each) > 1:
                std[kept] = each.std(axis=0, ddof=1)
        return Prediction(mean, std, [answer if isinstance(answer, str) else "" for answer in answers])

    def output_columns(self) -> list[str]:
        """Return the columns of a prediction: for each target `<target>_predicted`, and `<target>_std` where several
        networks vote. A class has `<target>_probability` of class 1, and `<target>_predicted`, the label of the
        likelier class, where its labels are not 0 and 1.
        """
        return [name for target in range(len(self._require_fitted().target_columns)) for name in self._outputs(target)]

    def output_values(self, prediction: Prediction) -> list[NDArray[Any]]:
        """Return the values of those columns, each `[n]`: float64, or texts for labels ("" where there is none)."""
        columns = []
        for target in range(len(self._require_fitted().target_columns)):
            columns += [find(prediction) for find in self._outputs(target).values()]
        return columns

    def _outputs(self, target: int) -> dict[str, Callable[[Prediction], NDArray[Any]]]:
        """Return the columns that a target has in a prediction, and how each is found."""
        fitted = self._require_fitted()
        name = fitted.target_columns[target]
        columns: dict[str, Callable[[Prediction], NDArray[Any]]] = {}
        if fitted.task == "classification" and tuple(fitted.classes[target]) != ZERO_ONE:
            columns[f"{name}_predicted"] = lambda made: likelier(made.mean[:, target], fitted.classes[target])
        value = "predicted" if fitted.task == "regression" else "probability"
        columns[f"{name}_{value}"] = lambda made: made.mean[:, target]
        if len(fitted.weights) > 1:
            columns[f"{name}_std"] = lambda made: made.std[:, target]
        return columns

    def save(self, directory: str | Path) -> None:
        """Keep the predictor in a directory, as JSON and safetensors; `load` reads it back."""
        fitted, place = self._require_fitted(), Path(directory)
        place.mkdir(parents=True, exist_ok=True)
        for number, (weights, history) in enumerate(zip(fitted.weights, fitted.histories, strict=True), start=1):
            model_directory.write_network(place, number, weights, history)
        model = {
            "task": fitted.task,
            "smiles_column": fitted.smiles_column,
            "target_columns": fitted.target_columns,
            "classes": fitted.classes,
            "networks": len(fitted.weights),
            "model": to_json(self.model),
            "training": to_json(self.training),
            "features": fitted.featurizer.to_json(),
            "descriptor_scaler": None if fitted.descriptor_scaler is None else fitted.descriptor_scaler.to_json(),
            "target_scaler": fitted.target_scaler.to_json(),
            "data": fitted.data,
            "versions": fitted.versions,
            "split": {part: indices.tolist() for part, indices in fitted.split._asdict().items()},
        }
        model_directory.write_model(place, model, fitted.metrics)

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """Read a predictor that `save` kept; nothing in the directory is run.

        Raises:
            ModelDirectoryError: the directory does not hold a whole model; the message says what is wrong.
        """
        place = Path(directory)
        content, metrics = model_directory.read_model(place)
        try:
            predictor = cls(from_json(ModelConfig, content["model"]), from_json(TrainingConfig, content["training"]))
            scaler = content["descriptor_scaler"]
            networks = [model_directory.read_network(place, number + 1) for number in range(content["networks"])]
            predictor.fitted = Fitted(
                task=content["task"],
                smiles_column=content["smiles_column"],
                target_columns=content["target_columns"],
                classes=_classes(content),
                featurizer=Featurizer.from_json(content["features"]),
                descriptor_scaler=None if scaler is None else DescriptorScaler.from_json(scaler),
                target_scaler=TargetScaler.from_json(content["target_scaler"]),
                weights=[weights for weights, _ in networks],
                histories=[history for _, history in networks],
                split=Split(*(np.array(content["split"][part], dtype=np.int64) for part in Split._fields)),
                metrics=metrics,
                data=content["data"],
                versions=content["versions"],
            )
            predictor._build_nets()
        except ModelDirectoryError:
            raise
        except (InputError, KeyError, TypeError, ValueError, RuntimeError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
            raise ModelDirectoryError(
                f"{place / model_directory.MODEL} is damaged ({what}); train the model again or restore the file."
            ) from error
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

    def _to_data(self, graph: MoleculeGraph, descriptors: NDArray[np.float64]) -> Any:
        from graphattn.tasks.molecule.data import to_data

        scaler = self._require_fitted().descriptor_scaler
        return to_data(graph, descriptors if scaler is None else scaler.transform(descriptors))

    def _predict_each(self, molecules: Sequence[Any], device: str) -> NDArray[np.float64]:
        from graphattn.tasks.molecule.inference import predict_each, resolve_device

        fitted = self._require_fitted()
        if not self._nets:
            self._build_nets()
        return predict_each(
            self._nets, molecules, task=fitted.task, scaler=fitted.target_scaler, device=resolve_device(device)
        )

    def _build_nets(self) -> None:
        from graphattn.tasks.molecule.network import build_network

        fitted = self._require_fitted()
        self._nets = []
        for weights in fitted.weights:
            net = build_network(self.model, fitted.featurizer, len(fitted.target_columns))
            net.load_state_dict(weights)
            self._nets.append(net)


def likelier(probabilities: NDArray[np.float64], classes: tuple[str, str]) -> NDArray[Any]:
    """Return the label of the likelier class, "" where there is no probability; class 1 from one half on."""
    labels = np.where(probabilities < 0.5, *(np.array(label, dtype=object) for label in classes))
    return np.where(np.isnan(probabilities), "", labels)


def cell_text(value: Any) -> str:
    """Return what stands in a CSV file for one of `output_values`."""
    return value if isinstance(value, str) else "" if np.isnan(value) else f"{value:.6g}"


def _classes(content: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the labels of the classes; models written before there were any know 0 and 1 only."""
    if content["task"] == "regression":
        return []
    pairs = content.get("classes") or [ZERO_ONE] * len(content["target_columns"])
    return [(str(first), str(second)) for first, second in pairs]


def library_versions() -> dict[str, str]:
    """Return the versions of what computes a prediction."""
    import torch

    from graphattn.version import __version__

    names = ("torch-geometric", "lightning", "rdkit", "numpy", "scikit-learn")
    found = {"graphattn": __version__, "python": platform.python_version()}
    found["torch"] = str(torch.__version__)  # unlike its metadata this tells the build, such as +cpu
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # installed under another name, by conda for instance
            continue
    return found
