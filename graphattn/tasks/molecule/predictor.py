"""A predictor of molecular properties: fit it to a table, use it on SMILES, keep it in a directory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.common.errors import InputError, SettingsError
from graphattn.tasks.common.labels import ZERO_ONE
from graphattn.tasks.common.table import Table
from graphattn.tasks.molecule import saved
from graphattn.tasks.molecule.asking import Asked, ask, ask_table
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig
from graphattn.tasks.molecule.neighbors import Nearest
from graphattn.tasks.molecule.own_features import Function, function_values
from graphattn.tasks.molecule.prediction import Prediction
from graphattn.tasks.molecule.records import Fitted, Outcome

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from typing_extensions import Self

    from graphattn.chem import Split
    from graphattn.models import MoleculeNet
    from graphattn.tasks.common.rejects import Reject
    from graphattn.tasks.molecule.explain import Explanation
    from graphattn.tasks.molecule.featurize_many import Features
    from graphattn.tasks.molecule.featurizer import Featurizer

_P = ParamSpec("_P")
_R = TypeVar("_R")

_CHUNK = 512
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
        features: a function of your own that takes a list of SMILES and returns `[n, k]` numbers, which stand beside
            RDKit's descriptors. It is not kept with a model: `load` takes it again.

    Attributes:
        fitted: what the training found out; None before `fit`.
        outcome: the molecules of the training and their predictions; None before `fit` and after `load`.
    """

    def __init__(
        self, model: ModelConfig | None = None, training: TrainingConfig | None = None, features: Function | None = None
    ) -> None:
        self.features = features
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
        smiles_column: str | Sequence[str] | None = None,
        target_columns: str | Sequence[str] | None = None,
        id_column: str | None = None,
        split: str | Split | None = None,
        split_column: str | None = None,
        time_column: str | None = None,
        valid: str | Path | pd.DataFrame | Table | None = None,
        test: str | Path | pd.DataFrame | Table | None = None,
        descriptor_columns: Sequence[str] = (),
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
            data: a file (CSV, TSV, Parquet, Excel, SDF or a list of SMILES), `-` for standard input, or a data frame.
            smiles_column: told by names and values when None. Several: each row is that many molecules together, a
                solute and its solvent for instance.
            target_columns: one or several; missing values are allowed. The only column of numbers when None.
            id_column: a column whose values must not repeat; the first row of several is kept.
            split: "scaffold", "random", "stratified", or a `Split` of the usable rows. None: by scaffold where
                that leaves no part empty or with one class only, else by class or at random.
            split_column: a column that says train, valid or test, or 0, 1 or 2.
            time_column: a column of dates or numbers; the latest tenth tests, the one before validates.
            valid, test: tables of their own for the molecules that validate and test; without `valid`, some of those
                to train validate.
            descriptor_columns: columns of numbers to learn from beside the SMILES.
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
            time_column=time_column,
            valid=valid,
            test=test,
            descriptor_columns=descriptor_columns,
            features=self.features,
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

    def predict(self, smiles: str | Sequence[Any] | pd.DataFrame) -> pd.DataFrame:
        """Predict for each molecule, given as SMILES or as an RDKit molecule.

        Rows keep their order, and none is dropped. Where the model learned from several columns, of SMILES or of
        descriptors, give a data frame that has them.

        Returns:
            A data frame with the column `smiles`, for each target the columns of `output_columns`, and
            `reason`, which says why a row has no prediction and is empty otherwise. The index is that of
            `smiles`, if it is a pandas Series or data frame.

        Raises:
            TypeError: `smiles` is a data frame, and the model learned from SMILES alone; give their column.
            InputError: the model learned from more columns, and `smiles` is no data frame.
        """
        import pandas as pd

        from graphattn.chem.smiles import as_text
        from graphattn.tasks.common.table import read_table

        if isinstance(smiles, pd.DataFrame):
            if not self._columns_needed() and self.require_fitted().featurizer.molecules == 1:
                raise TypeError("smiles must be SMILES, got a data frame; give the column that holds them")
            table, column = self.smiles_table(read_table(smiles))
            texts: list[Any] = [table.cell(row, table.column(column)) for row in range(len(table.rows))]
            prediction = Prediction.joined([made for made, _ in self.predict_table(table, column)])
        else:
            texts = [as_text(each) for each in ([smiles] if isinstance(smiles, str) else smiles)]
            prediction = self.predict_arrays(texts)
        columns: dict[str, Any] = {"smiles": texts}
        columns |= dict(zip(self.output_columns(), self.output_values(prediction), strict=True))
        columns["reason"] = prediction.reasons
        index = smiles.index if isinstance(smiles, (pd.Series, pd.DataFrame)) else None
        return pd.DataFrame(columns, index=index)

    def predict_arrays(
        self,
        smiles: Sequence[Any],
        *,
        device: str = "auto",
        processes: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Prediction:
        """Predict for each molecule, as arrays.

        Args:
            smiles: SMILES or RDKit molecules.
            device: "auto", "cpu", "cuda" or "mps".
            processes: how many compute features.
            progress: called with the number of molecules done.

        Raises:
            SettingsError: the device is not there.
            InputError: the model needs columns besides.
        """
        chunks = list(self.predict_chunks(smiles, device=device, processes=processes, progress=progress))
        return Prediction.joined(chunks or [self._chunk([], None, device)])

    def predict_chunks(
        self,
        smiles: Iterable[Any],
        *,
        device: str = "auto",
        processes: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Prediction]:
        """Predict for molecules one cannot hold in memory: yield some hundred predictions as soon as they are done."""
        needed = self._columns_needed()
        if needed:
            raise InputError(f"the model learned from the columns {', '.join(needed)}; predict takes a table of them.")
        return self._asked(ask(smiles, _CHUNK), device, processes, progress)

    def predict_table(
        self,
        table: Table | Iterable[Table],
        smiles_column: str,
        *,
        device: str = "auto",
        processes: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[Prediction, list[Reject]]]:
        """Predict for each row of a table, and yield some hundred rows as soon as they are done.

        A row that training would leave out, because its values have shifted or its SMILES cannot be read, has no
        prediction but a reason, and is among the rejects.

        Args:
            table: as `read_table` reads it, or its parts, one after another.
            smiles_column: the column of SMILES.
            device: "auto", "cpu", "cuda" or "mps".
            processes: how many compute features.
            progress: called with the number of rows done.
        """
        asked: deque[Asked] = deque()
        own = self.require_fitted().featurizer.own
        parts = [table] if isinstance(table, Table) else table
        for prediction in self._asked(
            _kept(ask_table(parts, smiles_column, own, _CHUNK), asked), device, processes, progress
        ):
            yield prediction, _rejects(asked.popleft(), prediction.reasons)

    def fingerprint(
        self, smiles: str | Sequence[Any], *, device: str = "auto", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Return a learned fingerprint of each molecule: what the networks make of its graph before their heads.

        Molecules near one another in it are alike in what the networks learned to attend to.

        Args:
            smiles: SMILES or RDKit molecules.
            device: "auto", "cpu", "cuda" or "mps".
            progress: called with the number of molecules done.

        Returns:
            `[n, networks * width]`, the networks side by side; NaN for a molecule that cannot be read.
        """
        asked = ask([smiles] if isinstance(smiles, str) else smiles, _CHUNK)
        none = np.zeros((0, self.fingerprint_width), dtype=np.float32)
        return np.concatenate([none, *(rows for rows, _ in self._fingerprints(asked, device, progress))])

    def fingerprint_table(
        self,
        table: Table | Iterable[Table],
        smiles_column: str,
        *,
        device: str = "auto",
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[list[str], NDArray[np.float32], list[str]]]:
        """Yield the SMILES of some hundred rows, their fingerprints, and why a row has none ("" where it has one)."""
        asked: deque[Asked] = deque()
        parts = [table] if isinstance(table, Table) else table
        wanted = _kept(ask_table(parts, smiles_column, (), _CHUNK), asked)
        for rows, reasons in self._fingerprints(wanted, device, progress):
            yield asked.popleft().texts, rows, reasons

    @property
    def fingerprint_width(self) -> int:
        """The numbers in a learned fingerprint."""
        return sum(net.embed_width for net in self.networks())

    def smiles_table(self, table: Table) -> tuple[Table, str]:
        """Return a table in which the SMILES stand in one column, and its name: that of the training, or one like it.

        Raises:
            TableError: there is none, or the columns that the model learned from are not there.
        """
        from graphattn.tasks.molecule.columns import guess_smiles_column
        from graphattn.tasks.molecule.tables import join_columns

        fitted = self.require_fitted()
        several = fitted.data.get("smiles_columns")
        for column in fitted.featurizer.own:
            table.column(column)
        if several and fitted.smiles_column not in table.columns:
            return join_columns(table, several)
        there = fitted.smiles_column in table.columns
        return table, fitted.smiles_column if there else guess_smiles_column(table)

    def _columns_needed(self) -> list[str]:
        """Return the columns that a prediction needs, where SMILES alone will not do."""
        fitted = self.require_fitted()
        several = fitted.data.get("smiles_columns") or []
        return [*(several or [fitted.smiles_column]), *fitted.featurizer.own] if fitted.featurizer.own else []

    def _fingerprints(
        self, asked: Iterable[Asked], device: str, progress: Callable[[int], None] | None
    ) -> Iterator[tuple[NDArray[np.float32], list[str]]]:
        from graphattn.tasks.common.device import resolve_device
        from graphattn.tasks.molecule.data import to_data
        from graphattn.tasks.molecule.inference import embed

        device = resolve_device(device)
        graphs_alone = replace(self.require_fitted().featurizer, descriptors=(), fingerprint=0)
        for answers in _answers(graphs_alone, asked, 1, progress):
            rows = np.full((len(answers), self.fingerprint_width), np.nan, dtype=np.float32)
            kept = [position for position, answer in enumerate(answers) if not isinstance(answer, str)]
            if kept:
                molecules = [to_data(answer.graph) for answer in answers if not isinstance(answer, str)]
                rows[kept] = embed(self.networks(), molecules, device=device)
            yield rows, [answer if isinstance(answer, str) else "" for answer in answers]

    def _asked(
        self, asked: Iterable[Asked], device: str, processes: int, progress: Callable[[int], None] | None
    ) -> Iterator[Prediction]:
        """Predict what is asked for; of copies among some hundred molecules only one is computed."""
        from graphattn.tasks.common.device import resolve_device

        resolve_device(device)
        if processes < 1:
            raise SettingsError(f"processes must be 1 or more, got {processes}.")
        waiting: deque[Asked] = deque()
        done = 0
        chunks = (each.distinct() for each in _kept(asked, waiting))
        for answers in self.require_fitted().featurizer.chunks(chunks, processes):
            each = waiting.popleft()
            yield self._predict_asked(each, answers, device)
            done += len(each.texts)
            if progress is not None:
                progress(done)

    def _predict_asked(self, asked: Asked, answers: Sequence[Features | str], device: str) -> Prediction:
        distinct = asked.distinct()
        if asked.own is None:  # copies have the same prediction
            found: list[Features | str] = [*answers, *(reject.reason for reject in asked.rejects.values())]
            place = {text: at for at, text in enumerate(distinct)}
            rejected = {row: len(answers) + at for at, row in enumerate(asked.rejects)}
            order = [rejected[row] if row in rejected else place[text] for row, text in enumerate(asked.texts)]
            made = self._chunk(found, [*distinct, *("" for _ in rejected)], device)
            return made.at(np.array(order, dtype=np.int64))
        by_text = dict(zip(distinct, answers, strict=True))
        each: list[Features | str] = []
        for row, text in enumerate(asked.texts):
            answer = asked.rejects[row].reason if row in asked.rejects else by_text[text]
            if not isinstance(answer, str):
                answer = answer._replace(descriptors=np.concatenate([answer.descriptors, asked.own[row]]))
            each.append(answer)
        return self._chunk(each, asked.texts, device)

    def _chunk(self, answers: Sequence[Features | str], texts: Sequence[Any] | None, device: str) -> Prediction:
        """Predict from features, or from the reasons why there are none."""
        fitted = self.require_fitted()
        shape = (len(answers), len(fitted.target_columns))
        mean, std, spread = (np.full(shape, np.nan) for _ in range(3))
        kept = [position for position, answer in enumerate(answers) if not isinstance(answer, str)]
        if kept:
            features = [answer for answer in answers if not isinstance(answer, str)]
            if fitted.featurizer.own_width:
                features = self._with_function(features, [(texts or [])[position] for position in kept])
            each = self._predict_each([self.to_data(one) for one in features], device)
            mean[kept], spread[kept] = self._stacked(features, each.mean(axis=0))
            if len(each) > 1:
                std[kept] = each.std(axis=0, ddof=1)
        reasons = [answer if isinstance(answer, str) else "" for answer in answers]
        made = Prediction(mean, std, reasons, spread=spread)
        traits = [None if isinstance(answer, str) else answer.traits for answer in answers]
        return made if fitted.trust is None else fitted.trust.judge(made, traits)

    def _with_function(self, features: Sequence[Features], texts: Sequence[str]) -> list[Features]:
        """Put what the user's function makes of the SMILES behind the descriptors."""
        if self.features is None:
            raise InputError(
                "the model learned from a function of features, which is not kept with it; set the predictor's "
                "`features` to that function."
            )
        values = function_values(self.features, texts, self.require_fitted().featurizer.own_width)
        return [
            each._replace(descriptors=np.concatenate([each.descriptors, row]))
            for each, row in zip(features, values, strict=True)
        ]

    def explain(
        self, smiles: str | Sequence[str], *, target: str | None = None, method: str = "gradients"
    ) -> list[Explanation | str]:
        """Explain the networks' answers: which atoms and bonds they rest on.

        Args:
            smiles: the molecules.
            target: the column to explain; the first when None.
            method: "gradients", "occlusion" or "attention"; see `graphattn.tasks.molecule.attribution.attribute`.

        Returns:
            An `Explanation` for each, or a sentence that says why there is none.

        Raises:
            SettingsError: an unknown method or target.
        """
        from graphattn.tasks.molecule.explain import Explainer

        return list(Explainer(self, target, method).each([smiles] if isinstance(smiles, str) else smiles))

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
        for target in range(len(self.require_fitted().target_columns)):
            columns |= self._target_outputs(target)
        if self.require_fitted().trust is not None:
            columns["nearest_similarity"] = lambda made: _nearest(made).similarity
            columns["nearest_smiles"] = lambda made: np.array(_nearest(made).smiles, dtype=object)
            columns["remark"] = lambda made: np.array(_nearest(made).remarks, dtype=object)
        return columns

    def _target_outputs(self, target: int) -> dict[str, Callable[[Prediction], NDArray[Any]]]:
        fitted = self.require_fitted()
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
        fitted = self.require_fitted()
        if fitted.task == "regression" or tuple(fitted.classes[target]) == ZERO_ONE:
            return values
        return likelier(values, fitted.classes[target])

    def save(self, directory: str | Path) -> None:
        """Keep the predictor in a directory, as JSON and safetensors; `load` reads it back."""
        fitted, place = self.require_fitted(), Path(directory)
        saved.write_networks(place, fitted)
        saved.write_description(place, self.model, self.training, fitted)

    @classmethod
    def load(cls, directory: str | Path, features: Function | None = None) -> Self:
        """Read a predictor that `save` kept; nothing in the directory is run.

        Args:
            directory: where it is.
            features: the function that it was trained with, if it was.

        Raises:
            ModelDirectoryError: the directory does not hold a whole model; the message says what is wrong.
        """
        place = Path(directory)
        model, training, fitted = saved.read(place)
        predictor = cls(model, training, features)
        predictor.fitted = fitted
        with saved.whole(place):
            predictor.networks()
        return predictor

    def __repr__(self) -> str:
        if self.fitted is None:
            return "MoleculePredictor(not fitted)"
        targets = ", ".join(self.fitted.target_columns)
        count = len(self.fitted.weights)
        return f"MoleculePredictor({self.fitted.task} of {targets}, {count} network{'s' if count > 1 else ''})"

    def require_fitted(self) -> Fitted:
        """Return what the training found out.

        Raises:
            InputError: there was no training.
        """
        if self.fitted is None:
            raise InputError("this predictor is not fitted; call fit or load first.")
        return self.fitted

    def to_data(self, features: Features) -> Any:
        """Return a molecule as the networks take it."""
        from graphattn.tasks.molecule.data import to_data

        scaler = self.require_fitted().descriptor_scaler
        return to_data(features.graph, None if scaler is None else scaler.transform(features.descriptors))

    def _predict_each(self, molecules: Sequence[Any], device: str) -> NDArray[np.float64]:
        from graphattn.tasks.common.device import resolve_device
        from graphattn.tasks.molecule.inference import predict_each

        fitted = self.require_fitted()
        return predict_each(
            self.networks(), molecules, task=fitted.task, scaler=fitted.target_scaler, device=resolve_device(device)
        )

    def _stacked(
        self, features: Sequence[Features], network: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the stack's predictions and how far its members differ, `[n, T]`, from the networks' mean."""
        from graphattn.tasks.molecule.stack.combine import blend, spread_of
        from graphattn.tasks.molecule.stack.inputs import make_inputs

        fitted = self.require_fitted()
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

    def networks(self) -> list[MoleculeNet]:
        """Return the networks, built when they are first asked for."""
        from graphattn.tasks.molecule.network import build_network

        fitted = self.require_fitted()
        if not self._nets:
            for number, weights in enumerate(fitted.weights, start=1):
                net = build_network(self.model, fitted.featurizer, len(fitted.target_columns), number)
                net.load_state_dict(weights)
                self._nets.append(net)
        return self._nets


def _kept(asked: Iterable[Asked], waiting: deque[Asked]) -> Iterator[Asked]:
    """Pass on what is asked for, and keep it until its answers come."""
    for each in asked:
        waiting.append(each)
        yield each


def _answers(
    featurizer: Featurizer, asked: Iterable[Asked], processes: int, progress: Callable[[int], None] | None
) -> Iterator[list[Features | str]]:
    """Yield the features of each molecule asked for, or why there are none."""
    waiting: deque[Asked] = deque()
    done = 0
    for answers in featurizer.chunks((each.distinct() for each in _kept(asked, waiting)), processes):
        each = waiting.popleft()
        by_text = dict(zip(each.distinct(), answers, strict=True))
        yield [
            each.rejects[row].reason if row in each.rejects else by_text[text] for row, text in enumerate(each.texts)
        ]
        done += len(each.texts)
        if progress is not None:
            progress(done)


def _rejects(asked: Asked, reasons: Sequence[str]) -> list[Reject]:
    """Return the rows without a prediction."""
    from graphattn.tasks.common.rejects import Reject

    return [
        asked.rejects.get(at) or Reject(row, asked.smiles_column, str(text), reason)
        for at, (row, text, reason) in enumerate(zip(asked.rows, asked.texts, reasons, strict=True))
        if reason
    ]


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
