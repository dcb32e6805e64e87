"""One network in training: loss, optimizer, schedule, and what is measured after each epoch."""

from __future__ import annotations

import math
from typing import Any

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from graphattn.tasks.molecule.config import TrainingConfig
from graphattn.tasks.molecule.inference import to_predictions
from graphattn.tasks.molecule.metrics import evaluate
from graphattn.tasks.molecule.scaling import TargetScaler


def masked_loss(task: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean loss over the targets that are there; 0 where none is.

    Squared error for "regression", cross entropy of the logits for "classification".

    Args:
        task: "regression" or "classification".
        outputs: `[B, T]`.
        targets: `[B, T]`, NaN where a value is missing.
    """
    known = ~torch.isnan(targets)
    filled = torch.where(known, targets, 0.0)
    outputs = outputs.float()
    if task == "regression":
        losses = F.mse_loss(outputs, filled, reduction="none")
    else:
        losses = F.binary_cross_entropy_with_logits(outputs, filled, reduction="none")
    return torch.where(known, losses, 0.0).sum() / known.sum().clamp(min=1)


class MoleculeModule(L.LightningModule):
    """Train `net` on scaled targets; measure the running mean of its weights, in the targets' own unit.

    Args:
        net: maps a batch to `[B, T]` scaled values or logits.
        task: "regression" or "classification".
        scaler: takes scaled values back to their unit.
        config: the recipe.
        seed: of the dropout; each step starts from it anew, so that a resumed training goes on as before.
    """

    def __init__(self, net: nn.Module, task: str, scaler: TargetScaler, config: TrainingConfig, seed: int) -> None:
        super().__init__()
        self.net = net
        self.average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(config.averaging))
        self.task = task
        self.scaler = scaler
        self.config = config
        self.seed = seed
        self._valid: list[tuple[Tensor, Tensor]] = []

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the loss of a batch; its mean over the epoch is logged."""
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)
        loss = masked_loss(self.task, self.net(batch), batch.y)
        self.log("train_loss", loss.detach(), on_step=False, on_epoch=True, batch_size=batch.num_graphs)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Update the running mean of the weights."""
        self.average.update_parameters(self.net)

    def on_validation_epoch_start(self) -> None:
        """Drop the predictions of the previous epoch."""
        self._valid.clear()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Keep the outputs of a batch."""
        self._valid.append((self.average(batch), batch.y))

    def on_validation_epoch_end(self) -> None:
        """Log the loss and the metrics of the whole validation part."""
        outputs, targets = (torch.cat(parts) for parts in zip(*self._valid, strict=True))
        self.log("valid_loss", masked_loss(self.task, outputs, targets))
        measured = self.scaler.inverse(targets.cpu().double().numpy())
        metrics = evaluate(self.task, to_predictions(self.task, outputs, self.scaler), measured)
        for name, value in metrics.items():
            self.log(f"valid_{name}", value)

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW; the rate rises linearly, then falls to zero along a cosine."""
        matrices = [parameter for parameter in self.net.parameters() if parameter.ndim > 1]
        others = [parameter for parameter in self.net.parameters() if parameter.ndim < 2]
        groups = [{"params": matrices, "weight_decay": self.config.weight_decay}, {"params": others, "weight_decay": 0}]
        optimizer = torch.optim.AdamW(groups, lr=self.config.lr)
        steps = max(int(self.trainer.estimated_stepping_batches), 1)
        rise = max(int(self.config.warmup * steps), 1)

        def factor(step: int) -> float:
            if step < rise:
                return (step + 1) / rise
            return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(steps - rise, 1), 1.0)))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
