"""A search for the recipe that does best on the validation nodes, by successive halving, within a budget of time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
from torch import Tensor

from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.network.config import PRESETS, NodeModelConfig
from graphattn.tasks.network.node_inputs import Inputs
from graphattn.tasks.network.splits import NodeSplit
from graphattn.tasks.network.training import FittedNetwork, fit_node_network

_MOST_TRIALS = 200

_STARTS = (
    PRESETS["fast"],
    PRESETS["cora"],
    NodeModelConfig(conv="gat", num_heads=1, depth=5, norm="batch", residual=True, dropout=0.2, weight_decay=0.0),
)
"""tried first: one for each kind of network that the literature knows to differ"""


@dataclass(frozen=True)
class Trial:
    """One recipe that was tried, the score that it reached on the validation nodes, and whether it ran to its end."""

    number: int
    config: NodeModelConfig
    score: float
    finished: bool


@dataclass(frozen=True)
class SearchResult:
    """All trials, best first, and the best networks in that order."""

    trials: list[Trial]
    networks: list[FittedNetwork]


def search(
    inputs: Inputs,
    y: Tensor,
    split: NodeSplit,
    *,
    task: str,
    num_outputs: int,
    metric: str | None = None,
    budget: float = 600.0,
    trials: int = _MOST_TRIALS,
    keep: int = 3,
    seed: int = 0,
    device: str = "cpu",
    directory: Path | None = None,
    progress: Callable[[str], object] | None = None,
) -> SearchResult:
    """Try recipes until the time is spent; the validation nodes judge them, and test nodes have no part in it.

    Successive halving (Li et al. 2020, arXiv:1810.05934): a trial goes on past 30, 90, 270 … epochs only where it is
    in the best third of those that came so far.

    Args:
        inputs: features and edges.
        y: labels.
        split: the parts.
        task: "multiclass", "multilabel" or "regression".
        num_outputs: number of classes, labels, or 1.
        metric: judges; see `fit_node_network`.
        budget: seconds. The first trial runs to its end even where it takes longer.
        trials: the most of them; with few of them and enough time the result depends on the seed alone.
        keep: networks to return.
        seed: of the draws and of each training.
        device: to train on.
        directory: keeps what was tried, in `search.log`, so that a search that was stopped goes on from there.
        progress: called with a sentence after each trial.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize",
        study_name="search",
        storage=_storage(directory),
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=8),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=30, reduction_factor=3),
        load_if_exists=True,
    )
    spent = sum(trial.duration.total_seconds() for trial in study.trials if trial.duration is not None)
    if not study.trials:
        for start in _STARTS:
            study.enqueue_trial({}, user_attrs={"config": start.to_json()})
    end = time.monotonic() + max(budget - spent, 0.0)
    networks: dict[int, tuple[float, FittedNetwork]] = {}
    options: dict[str, Any] = {"task": task, "num_outputs": num_outputs, "metric": metric, "seed": seed}

    def objective(trial: Any) -> float:
        config = _drawn(trial)
        trial.set_user_attr("config", config.to_json())
        halving = _Halving(trial, end, runs_on=trial.number == 0)
        fitted = fit_node_network(inputs, y, split, config, **options, device=device, callbacks=[halving])
        best = fitted.best["valid_score"]
        networks[trial.number] = (best, fitted)
        for number in sorted(networks, key=lambda number: -networks[number][0])[keep:]:
            del networks[number]
        trial.set_user_attr("score", best)
        if progress is not None:
            progress(f"recipe {trial.number + 1}: {_short(config)}: validation {best:.4f}")
        if halving.pruned:
            raise optuna.TrialPruned
        return best

    while len(_ran(study)) < trials and (not _ran(study) or time.monotonic() < end):
        study.optimize(objective, n_trials=1, catch=(SettingsError,))
    tried = [
        Trial(
            trial.number,
            NodeModelConfig.from_json(trial.user_attrs["config"]),
            trial.user_attrs["score"],
            trial.state.name == "COMPLETE",
        )
        for trial in _ran(study)
        if "score" in trial.user_attrs
    ]
    if not tried:
        raise SettingsError("no recipe could be trained on this network; its loss was not finite.")
    tried.sort(key=lambda trial: (-trial.score, trial.number))
    kept = [
        networks[trial.number][1]
        if trial.number in networks
        else fit_node_network(inputs, y, split, trial.config, **options, device=device)
        for trial in tried[:keep]
    ]
    return SearchResult(tried, kept)


class _Halving(L.Callback):
    """Stop a trial that others have overtaken, or when the time is spent."""

    def __init__(self, trial: Any, end: float, *, runs_on: bool) -> None:
        self.trial, self.end, self.runs_on = trial, end, runs_on
        self.pruned = False
        self.best = float("-inf")

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.best = max(self.best, float(trainer.callback_metrics["valid_score"]))
        self.trial.report(self.best, trainer.global_step)
        if self.trial.should_prune():
            self.pruned = trainer.should_stop = True
        elif time.monotonic() > self.end and not self.runs_on:
            trainer.should_stop = True


def _drawn(trial: Any) -> NodeModelConfig:
    """The recipe of a trial: one of the starts, or drawn from the space."""
    if "config" in trial.user_attrs:
        return NodeModelConfig.from_json(trial.user_attrs["config"])
    depth = trial.suggest_categorical("depth", [1, 2, 3, 5, 10])
    return NodeModelConfig(
        conv=trial.suggest_categorical("conv", ["gat", "gatv2", "transformer"]),
        sep=trial.suggest_categorical("sep", [True, False]),
        norm=trial.suggest_categorical("norm", ["batch", "layer"]),
        depth=depth,
        residual=depth > 2,
        hidden_dim=trial.suggest_categorical("hidden_dim", [64, 128, 256]),
        num_heads=trial.suggest_categorical("num_heads", [1, 8]),
        dropout=trial.suggest_categorical("dropout", [0.2, 0.5, 0.7]),
        lr=trial.suggest_categorical("lr", [1e-3, 3e-3, 1e-2]),
        weight_decay=trial.suggest_categorical("weight_decay", [0.0, 5e-4]),
        pre_linear=trial.suggest_categorical("pre_linear", [True, False]),
    )


def _storage(directory: Path | None) -> Any:
    if directory is None:
        return None
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    directory.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(directory / "search.log")))


def _ran(study: Any) -> list[Any]:
    return [trial for trial in study.trials if trial.state.name in ("COMPLETE", "PRUNED", "FAIL")]


def _short(config: NodeModelConfig) -> str:
    fast = dataclasses.asdict(PRESETS["fast"])
    shown = {"conv": config.conv, "depth": config.depth} | {
        name: value for name, value in config.to_json().items() if value != fast[name]
    }
    return ", ".join(f"{name}={value}" for name, value in shown.items())
