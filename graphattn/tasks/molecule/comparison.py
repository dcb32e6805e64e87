"""The stack, its members and simpler models on the same splits of a table, with paired tests of the differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from graphattn.chem import Split
from graphattn.tasks.common.device import resolve_device
from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.common.table import Table
from graphattn.tasks.molecule.baselines import predict_baselines
from graphattn.tasks.molecule.bootstrap import interval, resampled
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig, members_of
from graphattn.tasks.molecule.fitting import Prepared, fit, prepare
from graphattn.tasks.molecule.folding import groups_of
from graphattn.tasks.molecule.metrics import evaluate
from graphattn.tasks.molecule.split import check_training
from graphattn.tasks.molecule.stack.folds import make_folds
from graphattn.tasks.molecule.task import metric_names

Array = NDArray[np.float64]

STACK = "stack"


@dataclass(frozen=True)
class Contestant:
    """One model on all splits.

    Attributes:
        kind: "stack", "member" or "rival".
        name: as in `config.MEMBERS` and `task.RIVALS`.
        metrics: each metric on each split.
        difference: the first metric minus the stack's, mean over the splits; None for the stack itself.
        interval: where the difference falls in 95 % of resamples of the test molecules of each split.
        p_value: of the corrected resampled t-test; None for one split.
    """

    kind: str
    name: str
    metrics: dict[str, list[float]]
    difference: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Comparison:
    """All contestants, the stack first.

    Attributes:
        task: "regression" or "classification".
        metric: the one that is tested.
        target_columns: what was learned.
        split: how the molecules were split.
        parts: of each split, how many molecules train, validate and test.
    """

    contestants: list[Contestant]
    task: str
    metric: str
    target_columns: list[str]
    split: str
    parts: list[dict[str, int]]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as a JSON object."""
        content = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return content | {
            "contestants": [
                {name: getattr(each, name) for name in each.__dataclass_fields__} for each in self.contestants
            ]
        }


def compare(
    prepared: Prepared,
    model: ModelConfig,
    training: TrainingConfig,
    splits: int = 5,
    *,
    console: Console | None = None,
) -> Comparison:
    """Train on each split and compare all models on its test part.

    With several splits the molecules are dealt into as many folds, scaffolds together where the split is by scaffold,
    copies always; each is the test part once, and the next one validates. With one it is the split of `prepared`.

    Args:
        prepared: the table, with the descriptors that the rivals learn from.
        model, training: of the stack.
        splits: their number.
        console: where to show the progress.

    Raises:
        SettingsError: `splits` is below 1, or the table says how it is split and more than one is asked for.
    """
    made = make_splits(prepared, splits, training.seed)
    found: dict[tuple[str, str], list[Array]] = {}
    for number, split in enumerate(made, start=1):
        if console is not None:
            console.print(f"split {number} of {len(made)}", highlight=False)
        check_training(prepared.rows, split.train)
        for key, predictions in _predict(replace(prepared, split=split), model, training, console).items():
            found.setdefault(key, []).append(predictions)
    measured = [prepared.rows.targets[split.test] for split in made]
    metric = metric_names(prepared.task, measured[0].shape[1])[0]
    reference = found[STACK, STACK]
    contestants = [
        _contestant(*key, predictions, reference, measured, prepared.task, metric, made)
        for key, predictions in found.items()
    ]
    parts = [{part: len(rows) for part, rows in split._asdict().items()} for split in made]
    return Comparison(contestants, prepared.task, metric, prepared.rows.target_columns, prepared.split_method, parts)


def make_splits(prepared: Prepared, count: int, seed: int) -> list[Split]:
    """Return the splits that `compare` uses."""
    if count < 1:
        raise SettingsError(f"splits must be 1 or more, got {count}.")
    if count == 1:
        return [prepared.split]
    if prepared.split_method == "given":
        raise SettingsError("a table that says how it is split has one split; leave out --split-column, or --splits.")
    if count == 2:
        raise SettingsError("splits must be 1, or 3 or more: each has a part to train, one to validate, one to test.")
    rows = prepared.rows
    groups = groups_of(rows, np.arange(len(rows)), prepared.split_method)
    folds = make_folds(groups, rows.targets, count, classes=prepared.task == "classification", seed=seed)
    if len(folds) < count:
        raise SettingsError(f"the molecules are of {len(folds)} kinds, too few for {count} splits.")
    every = np.arange(len(rows))
    splits = []
    for number, test in enumerate(folds):
        valid = folds[(number + 1) % count]
        splits.append(Split(np.setdiff1d(every, np.concatenate([valid, test])), valid, test))
    return splits


def _predict(
    prepared: Prepared, model: ModelConfig, training: TrainingConfig, console: Console | None
) -> dict[tuple[str, str], Array]:
    """Train on one split; return what each model says of its test part, `[n, T]`, by kind and name."""
    fitted, outcome = fit(prepared, model, training, console=console)
    test = prepared.split.test
    found = {(STACK, STACK): outcome.prediction.mean[test]}
    found |= {("member", name): each[test] for name, each in outcome.members.items()}
    learned = np.sort(np.concatenate([prepared.split.train, prepared.split.valid]))
    rivals = predict_baselines(
        fitted.task,
        prepared.descriptors,
        prepared.rows.targets,
        prepared.split._replace(train=learned),
        seed=training.seed,
    )
    return found | {("rival", name): each for name, each in rivals}


def _contestant(
    kind: str,
    name: str,
    predictions: Sequence[Array],
    reference: Sequence[Array],
    measured: Sequence[Array],
    task: str,
    metric: str,
    splits: Sequence[Split],
) -> Contestant:
    each = [evaluate(task, *pair) for pair in zip(predictions, measured, strict=True)]
    metrics = {name: [found[name] for found in each] for name in metric_names(task, measured[0].shape[1])}
    if kind == STACK:
        return Contestant(kind, name, metrics)
    pairs = list(zip(predictions, reference, measured, strict=True))
    differences = np.array([_difference(task, metric, *pair) for pair in pairs])
    samples = np.stack([_resampled(task, metric, *pair) for pair in pairs])
    share = float(np.mean([len(split.test) / (len(split.train) + len(split.valid)) for split in splits]))
    return Contestant(
        kind,
        name,
        metrics,
        _mean(differences),
        interval(samples.mean(axis=0)),
        corrected_t_test(differences, share) if len(splits) > 1 else None,
    )


def _difference(task: str, metric: str, one: Array, other: Array, y: Array) -> float:
    first, second = (float(evaluate(task, each, y)[metric]) for each in (one, other))
    return first - second


def _resampled(task: str, metric: str, one: Array, other: Array, y: Array) -> Array:
    def measure(drawn: NDArray[np.int64]) -> Array:
        return np.array(_difference(task, metric, one[drawn], other[drawn], y[drawn]))

    return resampled(measure, len(y))


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan


def corrected_t_test(differences: Array, share: float) -> float:
    r"""Return the two-sided p-value of differences between two models on several splits.

    Splits share molecules to learn from, so their differences vary less than those of independent ones would. The
    variance of the mean of :math:`k` is therefore taken to be :math:`(1/k + s)\, \hat\sigma^2`, where :math:`s` is the
    number of test molecules divided by that of the others, in place of :math:`\hat\sigma^2/k`.

    Args:
        differences: `[k]` of the metric; those that are NaN do not count.
        share: :math:`s`.

    Returns:
        NaN where fewer than two are known; 1 where all are 0.

    Reference: Nadeau and Bengio 2003, Inference for the Generalization Error, doi:10.1023/A:1024068626366.
    """
    from scipy.stats import t

    known = differences[~np.isnan(differences)]
    if len(known) < 2:
        return np.nan
    mean, variance = float(known.mean()), float(known.var(ddof=1))
    if not variance:
        return 1.0 if not mean else 0.0
    statistic = mean / np.sqrt((1 / len(known) + share) * variance)
    return float(2 * t.sf(abs(statistic), len(known) - 1))


def means(metrics: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, float]]:
    """Return the mean and the sample standard deviation over the splits of each metric; the latter NaN for one."""
    found = {}
    for name, values in metrics.items():
        known = np.array([value for value in values if not np.isnan(value)])
        spread = float(known.std(ddof=1)) if len(known) > 1 else np.nan
        found[name] = (_mean(known), spread)
    return found


def compare_table(
    table: Table,
    model: ModelConfig,
    training: TrainingConfig,
    splits: int = 5,
    *,
    console: Console | None = None,
    **settings: Any,
) -> Comparison:
    """Read a table and compare on it; `settings` are those of `MoleculePredictor.fit` that say how to read it."""
    resolve_device(training.device, training.precision)
    members = members_of(model, training)
    prepared = prepare(
        table, model, seed=training.seed, console=console, rivals=True, fingerprint=len(members) > 1, **settings
    )
    return compare(prepared, model, training, splits, console=console)
