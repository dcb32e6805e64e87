"""A whole run in one directory: the model, labels for every node, what was measured, pictures and a report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphattn.files import write_json, write_text
from graphattn.tasks.common.errors import ModelDirectoryError, SettingsError
from graphattn.tasks.network import storage
from graphattn.tasks.network.base import Predictor
from graphattn.tasks.network.classifier import NodeClassifier, NodeRegressor
from graphattn.tasks.network.graphs.predictor import GraphPredictor
from graphattn.tasks.network.links.predictor import LinkPredictor
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.picture import write_picture
from graphattn.tasks.network.rejects import write_rejects
from graphattn.tasks.network.report import what_to_show, write_report
from graphattn.tasks.network.splits import SHARES, labeled

if TYPE_CHECKING:
    import pandas as pd

LABELS, LINKS, METRICS, REPORT, REJECTS = "labels.csv", "links.csv", "metrics.json", "report.html", "rejects.csv"
MODEL, PICTURES, CHECKPOINTS = "model", "pictures", "checkpoints"

_ENOUGH = 30
"""validation nodes, pairs or graphs from which on a search tells recipes apart"""


def choose_preset(network: Network) -> tuple[str, str]:
    """Return "search", or "fast" where too few nodes would judge the recipes, and a sentence that says why."""
    known = labeled(network.y)
    if network.masks is None:
        return preset_for(int(SHARES[1] * int(known.sum())), "nodes")
    valid = network.masks["valid"]
    return preset_for(int(((valid if valid.ndim == 1 else valid[:, 0]) & known).sum()), "nodes")


def preset_for(judges: int, unit: str) -> tuple[str, str]:
    """Return the same for a number of validation nodes, pairs or graphs."""
    if judges < _ENOUGH:
        said = f"About {judges} validation {unit} are too few to tell recipes apart: one good recipe, no search."
        return "fast", said
    return "search", f"{judges:,} validation {unit} judge the recipes of a search."


def check_directory(directory: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a directory that would lose something, before the work.

    Raises:
        SettingsError: it is a file, holds a run already, or holds something else.
    """
    if resume and overwrite:
        raise SettingsError("--resume and --overwrite exclude each other.")
    if directory.exists() and not directory.is_dir():
        raise SettingsError(f"{directory} is a file; --out names a directory.")
    found = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    ours = {LABELS, LINKS, METRICS, REPORT, REJECTS, MODEL, PICTURES, CHECKPOINTS}
    if found and not found & ours:
        raise SettingsError(f"{directory} holds other files; name a directory that is new or empty.")
    if found & {MODEL, LABELS, LINKS} and not (resume or overwrite):
        raise SettingsError(f"{directory} holds a run already; --overwrite replaces it.")


def run_labeling(
    network: Network,
    directory: Path,
    *,
    name: str,
    preset: str = "search",
    splits: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    progress: Callable[[str], object] | None = None,
    **settings: Any,
) -> tuple[Any, dict[str, Any]]:
    """Learn the labels of a network and write all there is to know to a directory.

    Args:
        network: what was read.
        directory: gets `labels.csv`, `metrics.json`, `report.html`, `rejects.csv` if rows were left out, `pictures/`
            and `model/`.
        name: of the data, for the report.
        preset: see `NodeClassifier.fit`.
        splits: measure on so many splits: the first gives the model, the others train its best recipe anew.
        resume: go on where the same run was stopped.
        overwrite: replace an earlier run.
        progress: called with a sentence now and then.
        **settings: more of `NodeClassifier.fit`.

    Returns:
        The predictor, and what is in `metrics.json`.
    """
    check_directory(directory, resume=resume, overwrite=overwrite)
    if splits < 1:
        raise SettingsError(f"splits must be 1 or more, got {splits}.")
    if overwrite:
        clear(directory)
    kind = NodeRegressor if network.task == "regression" else NodeClassifier
    predictor = kind().fit(network, preset=preset, directory=directory, resume=resume, progress=progress, **settings)
    measured = predictor.evaluate()
    if splits > 1:
        others = [_on_split(kind, network, number, predictor, settings, progress) for number in range(1, splits)]
        values = [measured["test"][predictor.metric], *others]
        measured["splits"] = {
            "count": splits,
            "metric": predictor.metric,
            "values": values,
            "mean": float(np.mean(values)),
            "deviation": float(np.std(values, ddof=1)),
        }
    if progress is not None:
        progress("writing labels, pictures and the report")
    write_labels(directory / LABELS, predictor.predict(), len(network.nodes.columns))
    if network.rejects:
        write_rejects(directory / REJECTS, network.rejects)
    shown = what_to_show(predictor)
    for title, picture in _pictures(shown):
        write_picture(directory / PICTURES / f"{title}.png", picture)
    write_report(directory / REPORT, predictor, measured, shown, name)
    finish(directory, predictor, measured)
    return predictor, measured


def finish(directory: Path, predictor: Any, measured: Mapping[str, Any]) -> None:
    """Write what was measured, and last the model, so that a directory that has it is whole."""
    write_json(directory / METRICS, measured)
    predictor.save(directory / MODEL)
    shutil.rmtree(directory / CHECKPOINTS, ignore_errors=True)


def load_run(directory: Path) -> Any:
    """Return the predictor of a run.

    Raises:
        ModelDirectoryError: there is no whole run there.
    """
    if not directory.is_dir():
        what = "is a file, not a directory" if directory.exists() else "does not exist"
        raise ModelDirectoryError(f"{directory} {what}; give the --out directory of graphattn label.")
    inner = directory / MODEL
    if not inner.is_dir() and (directory / CHECKPOINTS).is_dir():
        raise ModelDirectoryError(f"{directory} holds a run that was stopped; finish it with --resume.")
    inner = inner if inner.is_dir() else directory
    return _kind_in(inner).load(inner)


def _kind_in(directory: Path) -> type[Predictor]:
    """What is saved there; a classifier, whose `load` says what is wrong, where that cannot be told."""
    kinds = {kind.__name__: kind for kind in (NodeClassifier, NodeRegressor, LinkPredictor, GraphPredictor)}
    try:
        return kinds[json.loads((directory / storage.MODEL).read_bytes())["kind"]]
    except (OSError, ValueError, KeyError, TypeError):
        return NodeClassifier


def write_labels(path: Path, table: pd.DataFrame, given: int) -> None:
    """Write the user's rows in their order, what was found beside them.

    Args:
        path: the CSV file.
        table: the rows.
        given: how many of its columns are the user's; the names of others get a number where they are taken.
    """
    write_text(path, labels_text(table, given))


def labels_text(table: pd.DataFrame, given: int) -> str:
    """Return what `write_labels` writes."""
    names = [str(name) for name in table.columns[:given]]
    for name in table.columns[given:]:
        names.append(next(new for new in chain([name], (f"{name}_{n}" for n in count(2))) if new not in names))
    table = table.set_axis(names, axis=1)
    for name in names[given:]:
        if table[name].dtype.kind == "f":
            table[name] = [f"{value:.6g}" for value in table[name]]
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text


def _on_split(
    kind: Any, network: Network, number: int, predictor: Any, settings: Mapping[str, Any], progress: Any
) -> float:
    """The test score of the same recipe on another split."""
    found = kind().fit(network, config=predictor.networks[0].config, split_number=number, **settings)
    value = float(found.answer.test[predictor.metric])
    if progress is not None:
        progress(f"split {number + 1}: test {predictor.metric} {value:.4f}")
    return value


def _pictures(shown: Any) -> list[tuple[str, Any]]:
    found = [("network", shown.whole)] if shown.whole is not None else []
    for kind, nodes in (("mistaken", shown.mistaken), ("surest", shown.surest)):
        found += [(f"{kind}_{number}", picture) for number, (_, picture) in enumerate(nodes, 1)]
    return found


def clear(directory: Path) -> None:
    """Remove what an earlier run left, the model first, so that nothing half old looks whole."""
    for name in (MODEL, CHECKPOINTS, PICTURES):
        shutil.rmtree(directory / name, ignore_errors=True)
    for name in (LABELS, LINKS, METRICS, REPORT, REJECTS):
        (directory / name).unlink(missing_ok=True)
