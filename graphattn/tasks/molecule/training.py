"""Training of one network by Lightning, resumable after every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import Tensor, nn
from torch_geometric.data import Data

from graphattn.tasks.common.checkpoint import AtomicCheckpointIO, BestWeights
from graphattn.tasks.common.device import resolve_device
from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.common.model_directory import CHECKPOINTS, LOGS
from graphattn.tasks.common.quiet import own_interrupt, quiet_lightning
from graphattn.tasks.molecule.config import PRECISIONS, TrainingConfig
from graphattn.tasks.molecule.datamodule import MoleculeDataModule
from graphattn.tasks.molecule.module import MoleculeModule
from graphattn.tasks.molecule.scaling import TargetScaler


@dataclass(frozen=True)
class TrainedNetwork:
    """The weights with the lowest validation loss, and the learning curve: one record an epoch."""

    weights: dict[str, Tensor]
    history: list[dict[str, float]]

    @property
    def best(self) -> dict[str, float]:
        """The record of the epoch that the weights come from."""
        return min(self.history, key=lambda record: record["valid_loss"])


def train_network(
    net: nn.Module,
    train: Sequence[Data],
    valid: Sequence[Data],
    *,
    task: str,
    scaler: TargetScaler,
    config: TrainingConfig,
    seed: int,
    name: str = "network",
    directory: Path | None = None,
    resume: bool = False,
    callbacks: Sequence[L.Callback] = (),
) -> TrainedNetwork:
    """Train one network; `net` itself ends with the last epoch's weights.

    Args:
        net: maps a batch to `[B, T]` scaled values or logits.
        train: the molecules to learn from, with scaled targets.
        valid: the molecules that decide when to stop.
        task: "regression" or "classification".
        scaler: takes scaled targets back to their unit.
        config: the recipe.
        seed: of this network's batches and dropout.
        name: of the checkpoint and the log.
        directory: holds `checkpoints/<name>.ckpt` (one file, renewed after each epoch) and `logs/<name>`;
            None keeps nothing on disk.
        resume: go on from that checkpoint if there is one.
        callbacks: more to call, to show the progress for instance.

    Raises:
        SettingsError: the device is not there, or the loss is not finite from the first epoch on.
        KeyboardInterrupt: the user interrupted; the last checkpoint stays.
    """
    best = BestWeights()
    stop = EarlyStopping("valid_loss", patience=config.patience, check_finite=True)
    kept: list[L.Callback] = [best, stop]
    checkpoint = None if directory is None else directory / CHECKPOINTS / f"{name}.ckpt"
    if checkpoint is not None:
        kept.append(
            ModelCheckpoint(
                checkpoint.parent, name, save_on_train_epoch_end=True, enable_version_counter=False, save_top_k=1
            )
        )
    module = MoleculeModule(net, task, scaler, config, seed)
    data = MoleculeDataModule(train, valid, batch_size=config.batch_size, seed=seed)
    with quiet_lightning(), own_interrupt(), _one_thread():
        trainer = L.Trainer(
            accelerator=resolve_device(config.device, config.precision),
            devices=1,
            precision=PRECISIONS[config.precision],
            max_epochs=config.epochs,
            callbacks=[*kept, *callbacks],
            logger=[] if directory is None else _loggers(directory / LOGS, name),
            plugins=[AtomicCheckpointIO()],
            gradient_clip_val=config.clip_norm,
            num_sanity_val_steps=0,
            log_every_n_steps=1,
            enable_checkpointing=checkpoint is not None,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=directory,
        )
        start = str(checkpoint) if resume and checkpoint is not None and checkpoint.exists() else None
        try:
            trainer.fit(module, data, ckpt_path=start)
        except SystemExit:  # how Lightning ends after Ctrl-C
            raise KeyboardInterrupt from None
    if trainer.interrupted:
        raise KeyboardInterrupt
    if not best.weights:
        raise SettingsError(f"the training loss is not finite; lower the learning rate (now {config.lr:g}).")
    return TrainedNetwork(best.weights, best.history)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep each step on one thread of the CPU.

    A batch of molecules is so small that handing its tensors to a second thread costs as much as it saves, and far
    more when another program wants the processor.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _loggers(directory: Path, name: str) -> list[Logger]:
    loggers: list[Logger] = [CSVLogger(directory, name)]
    if find_spec("tensorboard") is not None or find_spec("tensorboardX") is not None:
        loggers.append(TensorBoardLogger(directory, name, version=loggers[0].version))
    return loggers
