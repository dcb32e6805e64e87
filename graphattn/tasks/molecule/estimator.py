"""The predictor as scikit-learn estimators: for pipelines, cross-validation and searches over settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import check_is_fitted

from graphattn.chem import SmilesError, Split, canonical_smiles
from graphattn.chem.smiles import as_text
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig
from graphattn.tasks.molecule.predictor import MoleculePredictor
from graphattn.tasks.molecule.stack.folds import make_folds

if TYPE_CHECKING:
    from typing_extensions import Self

Array = NDArray[Any]

_VALIDATION = 10
"""a single network stops by one in so many molecules; several leave out a fold each"""


class _MoleculeEstimator(BaseEstimator):
    """What both estimators share; every argument is a setting of `ModelConfig` or `TrainingConfig`."""

    def __init__(
        self,
        *,
        embed_dim: int = 64,
        num_heads: int = 4,
        depth: int = 2,
        head_dim: int = 128,
        dropout: float = 0.2,
        descriptors: bool = True,
        salts: str = "keep",
        epochs: int = 60,
        patience: int = 20,
        batch_size: int = 32,
        lr: float = 1e-3,
        ensemble: int = 5,
        members: Sequence[str] | None = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.depth = depth
        self.head_dim = head_dim
        self.dropout = dropout
        self.descriptors = descriptors
        self.salts = salts
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.lr = lr
        self.ensemble = ensemble
        self.members = members
        self.random_state = random_state
        self.device = device

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags

    def _fit(self, X: Any, targets: Array, task: str) -> Self:
        """Fit to all molecules; `targets` is `[n, T]`."""
        import pandas as pd

        texts = _texts(X)
        if len(texts) != len(targets):
            raise ValueError(f"X has {len(texts)} molecules and y {len(targets)} values; they must be as many.")
        names = [f"y{number}" for number in range(targets.shape[1])]
        frame = pd.DataFrame(targets, columns=names)
        frame.insert(0, "smiles", texts)
        self.predictor_ = MoleculePredictor(*self._configs()).fit(
            frame,
            smiles_column="smiles",
            target_columns=names,
            split=_split(texts, targets, task, self.random_state),
            task=task,
        )
        self.predictor_.outcome = None  # the molecules, which predicting does not need
        return self

    def _configs(self) -> tuple[ModelConfig, TrainingConfig]:
        model = ModelConfig(
            embed_dim=self.embed_dim,
            num_heads=self.num_heads,
            depth=self.depth,
            head_dim=self.head_dim,
            dropout=self.dropout,
            descriptors=self.descriptors,
            salts=self.salts,
        )
        training = TrainingConfig(
            epochs=self.epochs,
            patience=self.patience,
            batch_size=self.batch_size,
            lr=self.lr,
            ensemble=self.ensemble,
            members=None if self.members is None else tuple(self.members),
            seed=self.random_state,
            device=self.device,
        )
        return model, training

    def _predict(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self, "predictor_")
        made = self.predictor_.predict_arrays(_texts(X), device=self.device)
        wrong = next((position for position, reason in enumerate(made.reasons) if reason), None)
        if wrong is not None:
            raise ValueError(f"molecule {wrong} has no prediction: {made.reasons[wrong]}")
        return made.mean


class MoleculeRegressor(RegressorMixin, _MoleculeEstimator):
    """Predict numbers of molecules, as a scikit-learn estimator.

        cross_val_score(MoleculeRegressor(epochs=30), smiles, log_s, cv=5)

    `X` is a sequence, a pandas Series or a column `[n, 1]` of SMILES or RDKit molecules, `y` is `[n]` or, for several
    targets, `[n, T]`. All molecules given to `fit` train and validate: what tests is kept apart by the caller.

    Args:
        embed_dim, num_heads, depth, head_dim, dropout, descriptors, salts: see `ModelConfig`.
        epochs, patience, batch_size, lr, ensemble, members, device: see `TrainingConfig`.
        random_state: seed of everything drawn at random.

    Attributes:
        predictor_: the `MoleculePredictor`, with intervals and neighbors.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train the stack.

        Raises:
            ValueError: a molecule cannot be read, a value is missing, or there is nothing to learn.
        """
        values = np.asarray(y, dtype=np.float64)
        if values.ndim not in (1, 2) or not np.isfinite(values).all():
            raise ValueError("y must be [n] or [n, targets] finite numbers.")
        self._one_target = values.ndim == 1
        return self._fit(X, values.reshape(len(values), -1), "regression")

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return `[n]` values, or `[n, T]` where `y` was that."""
        values = self._predict(X)
        return values[:, 0] if self._one_target else values


class MoleculeClassifier(ClassifierMixin, _MoleculeEstimator):
    """Tell classes of molecules, as a scikit-learn estimator; see `MoleculeRegressor`.

    Of more than two classes each is told from all others, and the probabilities are scaled to sum to one.

    Attributes:
        classes_: the labels, sorted.
        predictor_: the `MoleculePredictor`; it learned the second of two classes, or each of several.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train the stack; `y` is `[n]` labels.

        Raises:
            ValueError: a molecule cannot be read, or there is one class only.
        """
        labels = np.asarray(y)
        if labels.ndim != 1:
            raise ValueError("y must be [n] labels.")
        check_classification_targets(labels)
        self.classes_ = unique_labels(labels)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only, {self.classes_[0]!r}; there is nothing to learn.")
        learned = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        return self._fit(X, (labels[:, None] == learned).astype(int), "classification")

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return `[n, classes]` probabilities, in the order of `classes_`."""
        each = self._predict(X)
        if len(self.classes_) == 2:
            return np.concatenate([1 - each, each], axis=1)
        return each / np.maximum(each.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)

    def predict(self, X: Any) -> Array:
        """Return the `[n]` likeliest labels."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


def _texts(X: Any) -> list[Any]:
    """Return the molecules as SMILES."""
    if hasattr(X, "columns") and hasattr(X, "iloc"):  # a data frame, as pipelines hand on
        X = X.to_numpy()
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] == 1:
        X = X[:, 0]
    if isinstance(X, (str, bytes)) or (isinstance(X, np.ndarray) and X.ndim != 1):
        raise ValueError("X must be a sequence of SMILES or RDKit molecules, or one column of them.")
    return [as_text(molecule) for molecule in X]


def _split(texts: Sequence[Any], targets: Array, task: str, seed: int) -> Split:
    """Return a split without test molecules; copies are in one part."""
    try:
        copies = [canonical_smiles(text) for text in texts]
    except SmilesError:
        position, reason = next(_unreadable(texts))
        raise ValueError(f"molecule {position} cannot be read: {reason}") from None
    folds = make_folds(copies, targets.astype(np.float64), _VALIDATION, classes=task == "classification", seed=seed)
    if len(folds) < 2:
        raise ValueError("X must hold two different molecules or more.")
    every = np.arange(len(texts))
    return Split(np.setdiff1d(every, folds[0]), folds[0], every[:0])


def _unreadable(texts: Sequence[Any]) -> Any:
    for position, text in enumerate(texts):
        try:
            canonical_smiles(text)
        except SmilesError as error:
            yield position, error
