"""A search for the settings that do best on molecules nobody learned from, within a budget of time, kept in a file."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from graphattn.files import write_json
from graphattn.tasks.common.device import resolve_device
from graphattn.tasks.common.errors import InputError, SettingsError
from graphattn.tasks.common.table import Table
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig, from_json, to_json
from graphattn.tasks.molecule.fitting import Prepared, data_digest, fit, prepare
from graphattn.tasks.molecule.task import lower_is_better, metric_names

if TYPE_CHECKING:
    import optuna

STUDY, SETTINGS = "study.db", "settings.json"
_NAME = "graphattn molecule settings"


@dataclasses.dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes:
        model, training: the best settings.
        metric: what it was chosen by, of the molecules of training and validation, each predicted by networks that had
            not learned from it. The test molecules are not looked at.
        score: its value; NaN before any trial is done.
        trials: how many are done, with those of earlier runs.
    """

    model: ModelConfig
    training: TrainingConfig
    metric: str
    score: float
    trials: int


def tune(
    prepared: Prepared,
    model: ModelConfig,
    training: TrainingConfig,
    directory: Path,
    seconds: float,
    *,
    say: Callable[[str], object] = lambda _: None,
) -> Tuned:
    """Try settings of the networks until the time is over, at least one, and write the best to `settings.json`.

    The trials are kept in `study.db` (SQLite), so that another call goes on where this one ended. The defaults are
    tried first. Bayesian optimization (Optuna's TPE) proposes the others.

    Args:
        prepared: the table.
        model, training: settings to start from, and those that are not searched.
        directory: of the two files.
        seconds: the budget of this call; the trial at work when it ends is finished.
        say: called with a sentence for each trial.

    Raises:
        SettingsError: `study.db` is of other data, or is damaged.

    Reference: Akiba et al. 2019, Optuna, arXiv:1907.10902; Bergstra et al. 2011 (TPE).
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    resolve_device(training.device, training.precision)
    metric = metric_names(prepared.task, prepared.rows.targets.shape[1])[0]
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / STUDY
    try:
        study = optuna.create_study(
            storage=f"sqlite:///{path.resolve()}",
            study_name=_NAME,
            load_if_exists=True,
            sampler=optuna.samplers.TPESampler(seed=training.seed, multivariate=True),
            direction="minimize" if lower_is_better(metric) else "maximize",
        )
        _check_same(study, data_digest(prepared.rows, prepared.split), path)
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(
            f"{path} is damaged or not a study ({reason}); remove it, or choose another --out."
        ) from None
    if not study.trials:
        defaults = to_json(ModelConfig()) | to_json(TrainingConfig())
        study.enqueue_trial({name: defaults[name] for name in _SPACE})
    learned = dataclasses.replace(prepared, split=prepared.split._replace(test=prepared.split.test[:0]))
    end = time.monotonic() + seconds
    while True:
        trial = study.ask()
        chosen = _settings(trial, model, training)
        try:
            score = _score(learned, *chosen, metric)
        except InputError as error:  # a learning rate at which the loss is not finite, say
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            say(f"trial {trial.number + 1}: {error}")
        except KeyboardInterrupt:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            raise
        else:
            study.tell(trial, score)
            say(f"trial {trial.number + 1}: {metric} {score:.4g}, best {study.best_value:.4g}")
            _write(directory, study, model, training, metric)
        if time.monotonic() >= end:
            return _best(study, model, training, metric)


def _check_same(study: optuna.Study, data: str, path: Path) -> None:
    before = study.user_attrs.get("data")
    if before is None:
        study.set_user_attr("data", data)
    elif before != data:
        raise SettingsError(f"{path} is of other data or another split; choose another --out.")


_SPACE: dict[str, Callable[[Any], Any]] = {
    "embed_dim": lambda trial: trial.suggest_categorical("embed_dim", [32, 64, 96, 128]),
    "depth": lambda trial: trial.suggest_int("depth", 1, 5),
    "head_dim": lambda trial: trial.suggest_categorical("head_dim", [64, 128, 256]),
    "dropout": lambda trial: trial.suggest_float("dropout", 0.0, 0.5),
    "lr": lambda trial: trial.suggest_float("lr", 1e-4, 5e-3, log=True),
    "batch_size": lambda trial: trial.suggest_categorical("batch_size", [16, 32, 64, 128]),
    "weight_decay": lambda trial: trial.suggest_float("weight_decay", 1e-5, 1e-1, log=True),
}
"""how each setting that is searched is proposed"""


def _settings(trial: Any, model: ModelConfig, training: TrainingConfig) -> tuple[ModelConfig, TrainingConfig]:
    found = {name: propose(trial) for name, propose in _SPACE.items()}
    return _with(found, model, training)


def _with(found: dict[str, Any], model: ModelConfig, training: TrainingConfig) -> tuple[ModelConfig, TrainingConfig]:
    of_model = {name: value for name, value in found.items() if hasattr(model, name)}
    of_training = {name: value for name, value in found.items() if name not in of_model}
    return dataclasses.replace(model, **of_model), dataclasses.replace(training, **of_training)


def _score(prepared: Prepared, model: ModelConfig, training: TrainingConfig, metric: str) -> float:
    """Return the metric of predictions by networks that had not learned from the molecules."""
    alone = dataclasses.replace(training, members=("network",))
    fitted, _ = fit(prepared, model, alone)
    score = float(fitted.metrics["out_of_fold"][metric])
    if math.isnan(score):
        raise InputError(f"{metric} is not defined for the molecules to validate.")
    return score


def _best(study: optuna.Study, model: ModelConfig, training: TrainingConfig, metric: str) -> Tuned:
    done = [trial for trial in study.trials if trial.value is not None]
    if not done:
        return Tuned(model, training, metric, math.nan, 0)
    return Tuned(*_with(dict(study.best_params), model, training), metric, study.best_value, len(done))


def _write(directory: Path, study: optuna.Study, model: ModelConfig, training: TrainingConfig, metric: str) -> None:
    best = _best(study, model, training, metric)
    write_json(
        directory / SETTINGS,
        {
            "model": to_json(best.model),
            "training": to_json(best.training),
            "chosen_by": {"metric": metric, "out_of_fold": best.score, "trials": best.trials},
        },
    )


def tune_table(
    table: Table,
    directory: Path,
    seconds: float,
    model: ModelConfig,
    training: TrainingConfig,
    *,
    console: Console | None = None,
    **reading: Any,
) -> Tuned:
    """Read a table and tune on it; `reading` are options of `fitting.prepare`."""
    prepared = prepare(table, model, seed=training.seed, console=console, rivals=False, **reading)
    say = (lambda _: None) if console is None else partial(console.print, markup=False, highlight=False)
    return tune(prepared, model, training, directory, seconds, say=say)


def read_settings(path: Path) -> tuple[ModelConfig, TrainingConfig]:
    """Read the settings that `tune` wrote, or the `model` and `training` of a `model.json`.

    Raises:
        SettingsError: the file is missing, is no JSON, or holds a setting that is unknown or out of range.
    """
    try:
        content = json.loads(path.read_bytes())
        return from_json(ModelConfig, content.get("model", {})), from_json(TrainingConfig, content.get("training", {}))
    except FileNotFoundError:
        raise SettingsError(f"there is no file {path}.") from None
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path} holds no settings ({error}); a JSON file of graphattn tune is expected.") from None
