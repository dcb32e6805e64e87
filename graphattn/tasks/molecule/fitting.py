"""From a table to trained networks."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning as L
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from graphattn.chem import MoleculeGraph, Split, descriptor_names
from graphattn.chem.smiles import JOIN
from graphattn.tasks.common import model_directory
from graphattn.tasks.common.device import resolve_device
from graphattn.tasks.common.errors import SettingsError, TableError
from graphattn.tasks.common.labels import ZERO_ONE
from graphattn.tasks.common.progress import TrainingProgress, counting
from graphattn.tasks.common.rejects import write_rejects
from graphattn.tasks.common.spread import share_within
from graphattn.tasks.common.table import Table
from graphattn.tasks.molecule.columns import guess_smiles_column, numeric_columns
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig, members_of, to_json
from graphattn.tasks.molecule.data import to_data
from graphattn.tasks.molecule.duplicates import check_policy, conflicts, describe, merge_copies, same_molecule
from graphattn.tasks.molecule.featurize_many import Features
from graphattn.tasks.molecule.featurizer import Featurizer
from graphattn.tasks.molecule.folding import left_out, unseen
from graphattn.tasks.molecule.inference import predict_each
from graphattn.tasks.molecule.metrics import evaluate
from graphattn.tasks.molecule.network import build_network
from graphattn.tasks.molecule.own_features import Function, column_values, function_values
from graphattn.tasks.molecule.prediction import Prediction
from graphattn.tasks.molecule.records import Fitted, Outcome
from graphattn.tasks.molecule.rows import (
    MoleculeRows,
    Read,
    rejected_share,
    select_rows,
)
from graphattn.tasks.molecule.salts import describe_salts
from graphattn.tasks.molecule.saved import write_members
from graphattn.tasks.molecule.scaling import DescriptorScaler, TargetScaler
from graphattn.tasks.molecule.split import (
    check_method,
    check_parts,
    check_training,
    constant_parts,
    one_class,
    split_rows,
)
from graphattn.tasks.molecule.stack.combine import blend, spread_of
from graphattn.tasks.molecule.stack.inputs import make_inputs
from graphattn.tasks.molecule.stack.stack import fit_stack
from graphattn.tasks.molecule.tables import PART, join_columns, join_parts, read_molecule_table, read_times
from graphattn.tasks.molecule.task import METRIC_LABELS, check_task, detect_task, metric_names
from graphattn.tasks.molecule.training import TrainedNetwork, train_network
from graphattn.tasks.molecule.trust import Trust

if TYPE_CHECKING:
    import pandas as pd


_FINGERPRINT = 1024
"""columns of the Morgan counts that trees learn from"""
_SPLITS = {
    "scaffold": "split by scaffold",
    "random": "split at random",
    "stratified": "split at random, stratified by the target",
    "time": "split by time, the latest test",
    "given": "split as given",
}


def train(
    data: str | Path | pd.DataFrame | Table,
    model: ModelConfig,
    training: TrainingConfig,
    *,
    unit: str | None = None,
    directory: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
    rivals: bool = False,
    **reading: Any,
) -> tuple[Fitted, Outcome]:
    """Read a table and train on it; see `MoleculePredictor.fit`.

    With `rivals`, RDKit's descriptors are in the outcome even where the networks do without.
    `directory` then holds the networks; `saved.write_description` is still to make a whole model of it. `reading` are
    options of `prepare`.
    """
    resolve_device(training.device, training.precision)
    members = members_of(model, training)
    if directory is not None:
        model_directory.check_writable(directory, resume=resume, overwrite=overwrite)
    prepared = prepare(
        data, model, seed=training.seed, console=console, rivals=rivals, fingerprint=len(members) > 1, **reading
    )
    if directory is not None and overwrite:
        model_directory.clear(directory)
    return fit(prepared, model, training, unit=unit, directory=directory, resume=resume, console=console)


@dataclass(frozen=True)
class Prepared:
    """A table ready for training: its usable molecules as graphs, and which of them train, validate, test."""

    rows: MoleculeRows
    task: str
    split: Split
    split_method: str
    featurizer: Featurizer
    graphs: list[MoleculeGraph]
    descriptors: NDArray[np.float64]
    """`[n, d]` raw; `d = 0` where nobody needs them"""
    fingerprints: list[NDArray[np.int32]]
    """Morgan counts, `[n, b]`; empty where nobody needs them"""
    notes: list[str]
    """what was decided, and what makes the measures weak"""


def prepare(
    data: str | Path | pd.DataFrame | Table,
    model: ModelConfig,
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
    features: Function | None = None,
    task: str | None = None,
    encoding: str | None = None,
    duplicates: str = "keep",
    seed: int,
    console: Console | None = None,
    rivals: bool,
    fingerprint: bool = False,
) -> Prepared:
    """Read a table, check every row, split the molecules and compute their features; see `MoleculePredictor.fit`."""
    ways = {"--split": split, "--split-column": split_column, "--time-column": time_column, "--test": test}
    chosen = [name for name, way in ways.items() if way is not None]
    if len(chosen) > 1:
        raise SettingsError(f"{chosen[0]} and {chosen[1]} exclude each other: choose one.")
    if valid is not None and test is None:
        raise SettingsError("--valid needs --test: the molecules that test are then in a file too.")
    if isinstance(split, str):
        check_method(split)
    check_task(task)
    check_policy(duplicates)
    table = read_molecule_table(data, encoding=encoding)
    columns = [smiles_column] if isinstance(smiles_column, str) else list(smiles_column or [guess_smiles_column(table)])
    columns = [column.strip() for column in columns]
    target_columns = [target_columns] if isinstance(target_columns, str) else target_columns
    if target_columns is None:
        target_columns = _guess_target(table, [*columns, *descriptor_columns])
    if test is not None:
        files = {"train": table, "valid": valid, "test": test}
        parts_of = {p: read_molecule_table(f, encoding=encoding) for p, f in files.items() if f is not None}
        table, split_column = join_parts(parts_of, [*columns, *target_columns]), PART
    said = [] if "smiles" in columns[0].lower() else [f"molecules are read from column {columns[0]!r}."]
    featurizer = replace(
        Featurizer.from_config(model), fingerprint=_FINGERPRINT if fingerprint else 0, molecules=len(columns)
    )
    if len(columns) > 1:
        table, columns[0] = join_columns(table, columns)
    with counting(console, "reading molecules", len(table.rows)) as progress:
        rows = select_rows(
            table,
            columns[0],
            [column.strip() for column in target_columns],
            id_column=id_column,
            split_column=split_column,
            task=task,
            read=_reader(featurizer, rivals),
            progress=progress,
        )
    featurizer, rows, notes = _with_own(featurizer, rows, descriptor_columns, features)
    said += notes
    kind = detect_task(rows)
    warnings = rejected_share(rows)
    rows = merge_copies(rows, duplicates)
    if isinstance(split, Split):
        parts, method = split, "given"
        _check_indices(parts, len(rows))
        check_parts(table.name, parts, tested=False)
    else:
        times = None if time_column is None else read_times(rows.table, time_column, rows.rows)
        parts, method = split_rows(rows, split, seed=seed, times=times)
    check_training(rows, parts.train)
    lacking = one_class(rows, parts) if len(parts.test) else []  # nothing is to be measured without a test part
    notes = [*said, *rows.notes, *(f"{place}: it cannot be measured there." for place in lacking)]
    notes += [*constant_parts(rows, parts), *warnings, *describe_salts(rows, model.salts)]
    copies = describe(rows, parts, same_molecule(rows))
    notes += [f"{copies}."] if copies else []
    graphs = [molecule.graph for molecule in rows.molecules]
    descriptors = np.stack([molecule.descriptors for molecule in rows.molecules])
    counts = [molecule.fingerprint for molecule in rows.molecules if molecule.fingerprint is not None]
    return Prepared(rows, kind, parts, method, featurizer, graphs, descriptors, counts, notes)


def _with_own(
    featurizer: Featurizer, rows: MoleculeRows, columns: Sequence[str], function: Function | None
) -> tuple[Featurizer, MoleculeRows, list[str]]:
    """Put features of the user's own behind the descriptors of each molecule."""
    if not columns and function is None:
        return featurizer, rows, []
    own, notes = column_values(rows.table, [column.strip() for column in columns], rows.rows)
    made = np.zeros((len(rows), 0)) if function is None else function_values(function, rows.smiles)
    own = np.concatenate([own, made], axis=1)
    molecules = [
        molecule._replace(descriptors=np.concatenate([molecule.descriptors, values]))
        for molecule, values in zip(rows.molecules, own, strict=True)
    ]
    featurizer = replace(featurizer, own=tuple(column.strip() for column in columns), own_width=made.shape[1])
    return featurizer, replace(rows, molecules=molecules), notes


def _reader(featurizer: Featurizer, rivals: bool) -> Read:
    """Return what reads each SMILES, once, for all that a training needs of it."""
    if featurizer.descriptors or not rivals:
        return partial(featurizer.each, identify=True)
    wide = replace(featurizer, descriptors=tuple(descriptor_names()))
    gaps = np.full(len(wide.descriptors), np.nan)

    def read(smiles: Iterable[str]) -> Iterator[Features | str]:
        texts = list(smiles)
        for text, answer in zip(texts, wide.each(texts, identify=True), strict=True):
            if isinstance(answer, str):  # perhaps because of its descriptors, which the networks do not need
                answer = next(featurizer.each([text], identify=True))
                answer = answer if isinstance(answer, str) else answer._replace(descriptors=gaps)
            yield answer

    return read


def fit(
    prepared: Prepared,
    model: ModelConfig,
    training: TrainingConfig,
    *,
    unit: str | None = None,
    directory: Path | None = None,
    resume: bool = False,
    console: Console | None = None,
) -> tuple[Fitted, Outcome]:
    """Train the stack on the training and validation parts and evaluate it; see `MoleculePredictor.fit`.

    Each network learns from all folds but one, and this one decides when to stop; a single network leaves the
    validation part out.
    """
    rows, split, task = prepared.rows, prepared.split, prepared.task
    names = members_of(model, training)
    learned = np.sort(np.concatenate([split.train, split.valid]))
    folds = left_out(rows, split, prepared.split_method, prepared.task, training)
    target_scaler = (
        TargetScaler.fit(rows.targets[learned])
        if task == "regression"
        else TargetScaler.identity(rows.targets.shape[1])
    )
    descriptor_scaler, descriptors = None, np.zeros((len(rows), 0))
    if prepared.featurizer.width:
        descriptor_scaler = DescriptorScaler.fit(prepared.descriptors[learned])
        descriptors = descriptor_scaler.transform(prepared.descriptors)
    scaled = target_scaler.transform(rows.targets)
    molecules = [to_data(*each) for each in zip(prepared.graphs, descriptors, scaled, strict=True)]
    if directory is not None:
        model_directory.open_run(directory, _request(prepared, model, training), resume)
        if rows.rejects:
            write_rejects(directory / model_directory.REJECTS, rows.table, rows.rejects)
    if console is not None:
        _announce(console, prepared, directory)

    networks: list[TrainedNetwork] = []
    nets = []
    held_out = [folds[number % len(folds)] for number in range(training.ensemble)]
    metric = metric_names(task, rows.targets.shape[1])[0]
    with TrainingProgress(console, training.ensemble, metric, METRIC_LABELS[metric]) as progress:
        for number in range(1, training.ensemble + 1):
            seed = 1000 * training.seed + number - 1  # no two ensembles share a network
            L.seed_everything(seed, workers=True, verbose=False)
            net = build_network(model, prepared.featurizer, rows.targets.shape[1], number)
            network = _finished(directory, number) if resume else None
            restored = network is not None
            if network is None:
                network = train_network(
                    net,
                    [molecules[row] for row in np.setdiff1d(learned, held_out[number - 1])],
                    [molecules[row] for row in held_out[number - 1]],
                    task=task,
                    scaler=target_scaler,
                    config=training,
                    seed=seed,
                    name=model_directory.network_name(number),
                    directory=directory,
                    resume=resume,
                    callbacks=[progress.callback(number)],
                )
                _keep(directory, number, network)
            net.load_state_dict(network.weights)
            nets.append(net)
            networks.append(network)
            best = network.best
            progress.finished(
                number, len(network.history), int(best["epoch"]), best[f"valid_{metric}"], restored=restored
            )

    if directory is not None:
        shutil.rmtree(directory / model_directory.CHECKPOINTS, ignore_errors=True)

    device = resolve_device(training.device)
    each = predict_each(nets, molecules, task=task, scaler=target_scaler, device=device)
    inputs = make_inputs(descriptors, prepared.descriptors, prepared.fingerprints) if len(names) > 1 else None
    with nullcontext() if console is None else console.status("fitting the other members of the stack"):
        stack, out_of_fold = fit_stack(
            names, inputs, rows.targets, folds, learned, unseen(each, held_out), task=task, seed=training.seed
        )
    members = stack.predict_each(each.mean(axis=0), inputs)
    raw = blend(stack.weights, members)
    prediction = Prediction(
        raw,
        each.std(axis=0, ddof=1) if len(each) > 1 else np.full(each.shape[1:], np.nan),
        [""] * len(rows),
        spread=spread_of(stack.weights, members),
    )
    trust = Trust.fit(task, rows, learned, folds, stack.weights, out_of_fold)
    tested = set(split.test.tolist())
    traits = [molecule.traits if row in tested else None for row, molecule in enumerate(rows.molecules)]
    prediction = trust.judge(prediction, traits)
    measure = partial(evaluate, task, columns=rows.target_columns)
    valid = np.isin(out_of_fold.rows, split.valid)
    metrics: dict[str, Any] = {
        "test": measure(prediction.mean[split.test], rows.targets[split.test]),
        "valid": measure(out_of_fold.mean[valid], out_of_fold.targets[valid]),
        "out_of_fold": measure(out_of_fold.mean, out_of_fold.targets),
        "members": {
            name: {
                "weight": weights[0] if len(weights) == 1 else dict(zip(rows.target_columns, weights, strict=True)),
                "test": measure(members[name][split.test], rows.targets[split.test]),
                "out_of_fold": measure(out_of_fold.members[name], out_of_fold.targets),
            }
            for name, weights in stack.to_json().items()
        },
    }
    metrics |= trust.measure(prediction.at(split.test), raw[split.test], rows.targets[split.test], rows.target_columns)
    fitted = Fitted(
        task=task,
        smiles_column=rows.smiles_column,
        target_columns=rows.target_columns,
        classes=[classes for classes in rows.classes if classes is not None],
        featurizer=prepared.featurizer,
        descriptor_scaler=descriptor_scaler,
        target_scaler=target_scaler,
        weights=[network.weights for network in networks],
        histories=[network.history for network in networks],
        split=split,
        metrics=metrics,
        data={
            "source": rows.table.name,
            "unit": unit,
            "molecules": len(rows),
            "rejected": len(rows.rejects),
            "split": prepared.split_method,
            "parts": {part: len(indices) for part, indices in split._asdict().items()},
            "notes": [*prepared.notes, *filter(None, [trust.note(out_of_fold, rows.target_columns)])],
            "conflicts": conflicts(rows),
            "within_std": share_within(*(part[split.test] for part in (prediction.mean, prediction.std, rows.targets)))
            if task == "regression"
            else None,
            "rows": rows.rows,
            "smiles_columns": rows.smiles_column.split(JOIN) if prepared.featurizer.molecules > 1 else None,
            "fingerprint": data_digest(rows, split),
        },
        stack=stack,
        trust=trust,
    )
    if directory is not None:
        write_members(directory, fitted)
    return fitted, Outcome(rows, prediction, prepared.descriptors, out_of_fold, members)


def _announce(console: Console, prepared: Prepared, directory: Path | None) -> None:
    rows, split = prepared.rows, prepared.split
    targets = ", ".join(rows.target_columns)
    lines = [
        f"{rows.table.name}: {len(rows)} molecules, {prepared.task} of {targets}",
        f"{len(split.train)} to train, {len(split.valid)} to validate, {len(split.test)} to test "
        f"({_SPLITS[prepared.split_method]})",
        *prepared.notes,
    ]
    if rows.rejects:
        first = rows.rejects[0]
        where = "" if directory is None else f", see {directory / model_directory.REJECTS}"
        count = f"{len(rows.rejects)} row{'s' if len(rows.rejects) > 1 else ''}"
        lines.append(f"left out {count}{where}; {rows.table.where(first.row, first.column)}: {first.reason}")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _guess_target(table: Table, others: Sequence[str]) -> list[str]:
    columns = [column for column in numeric_columns(table) if column not in others]
    if len(columns) == 1:
        return columns
    listed = f"columns of numbers: {', '.join(map(repr, columns))}" if columns else "no column holds numbers"
    raise TableError(f"{table.name}: name the column to learn with --target; {listed}.")


def _check_indices(split: Split, count: int) -> None:
    rows = np.concatenate(split)
    if len(np.unique(rows)) != len(rows) or (len(rows) and not 0 <= rows.min() <= rows.max() < count):
        raise SettingsError(f"split must name each of the {count} usable rows at most once, counted from 0.")


def data_digest(rows: MoleculeRows, split: Split) -> str:
    """Return a digest of all that the networks learn from."""
    digest = hashlib.sha256("\n".join(rows.smiles).encode())
    digest.update(rows.targets.tobytes())
    digest.update("".join(f"{classes}" for classes in rows.classes if classes not in (None, ZERO_ONE)).encode())
    for part in split:
        digest.update(b"|" + part.tobytes())
    return digest.hexdigest()


def _request(prepared: Prepared, model: ModelConfig, training: TrainingConfig) -> dict[str, Any]:
    """Describe a training, so that another call can tell whether it is the same."""
    recipe = to_json(training) | {"members": list(members_of(model, training))}
    del recipe["device"]
    return {
        "task": prepared.task,
        "smiles_column": prepared.rows.smiles_column,
        "target_columns": prepared.rows.target_columns,
        "split": prepared.split_method,
        **to_json(model),
        **recipe,
        "data": data_digest(prepared.rows, prepared.split),
    }


def _finished(directory: Path | None, number: int) -> TrainedNetwork | None:
    """Return a network that was trained to its end before."""
    if directory is None or not (directory / f"{model_directory.network_name(number)}.safetensors").exists():
        return None
    return TrainedNetwork(*model_directory.read_network(directory, number))


def _keep(directory: Path | None, number: int, network: TrainedNetwork) -> None:
    """Write a trained network and remove its checkpoint, which is no longer needed."""
    if directory is None:
        return
    model_directory.write_network(directory, number, network.weights, network.history)
    (directory / model_directory.CHECKPOINTS / f"{model_directory.network_name(number)}.ckpt").unlink(missing_ok=True)
