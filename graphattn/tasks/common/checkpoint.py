"""Checkpoints written atomically, and read without running code from them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from torch import Tensor

from graphattn.files import write_bytes
from graphattn.tasks.common.errors import ModelDirectoryError


class AtomicCheckpointIO(CheckpointIO):
    """Write a checkpoint under a temporary name, then rename it; read tensors and plain values only."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Save a checkpoint; a process that is killed meanwhile leaves the previous one."""
        buffer = io.BytesIO()  # so that a full disk is an OSError that says so; torch's own writer does not
        torch.save(checkpoint, buffer)
        write_bytes(Path(path), buffer.getvalue())

    def load_checkpoint(
        self,
        path: Any,
        map_location: Any = "cpu",
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Load a checkpoint with `torch.load(weights_only=True)`.

        Raises:
            ModelDirectoryError: it is damaged, or holds more than tensors and plain values.
        """
        try:
            return torch.load(path, map_location=map_location, weights_only=True)
        except Exception as error:
            raise ModelDirectoryError(
                f"{path} is not a checkpoint that can be read safely ({type(error).__name__}); "
                "remove it to train that network from the start."
            ) from error

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint if it is there."""
        Path(path).unlink(missing_ok=True)


class BestWeights(L.Callback):
    """Keep the weights of the epoch with the lowest validation loss, and the learning curve.

    Both are part of the checkpoint: one file holds all that a resumed training needs.

    Attributes:
        loss: the lowest validation loss, infinity before the first epoch.
        weights: the state dict of the module's averaged network then.
        history: one record an epoch: epoch (from 1), train_loss, valid_loss, the metrics, lr.
    """

    def __init__(self) -> None:
        self.loss = float("inf")
        self.weights: dict[str, Tensor] = {}
        self.history: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the epoch; validation has run by now."""
        epoch = trainer.current_epoch + 1
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
        lr = float(trainer.optimizers[0].param_groups[0]["lr"])
        self.history.append({"epoch": epoch, **logged, "lr": lr})
        if logged["valid_loss"] < self.loss:
            self.loss = logged["valid_loss"]
            self.weights = {
                name: value.detach().to("cpu", copy=True)
                for name, value in pl_module.average.module.state_dict().items()
            }

    def state_dict(self) -> dict[str, Any]:
        """Return what the checkpoint keeps."""
        return {"loss": self.loss, "weights": self.weights, "history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.loss, self.weights = state_dict["loss"], state_dict["weights"]
        self.history = list(state_dict["history"])
