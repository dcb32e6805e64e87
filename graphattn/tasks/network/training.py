"""Training of one network on the whole graph by Lightning, resumable."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import ModelCheckpoint
from numpy.typing import NDArray
from torch import Tensor

from graphattn.models import NodeNetwork, PairNetwork, PooledNetwork
from graphattn.tasks.common.checkpoint import AtomicCheckpointIO
from graphattn.tasks.common.device import resolve_device
from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.common.quiet import own_interrupt, quiet_lightning
from graphattn.tasks.network.config import NodeModelConfig, kept_epoch
from graphattn.tasks.network.metrics import METRICS, score
from graphattn.tasks.network.node_inputs import Inputs
from graphattn.tasks.network.splits import NodeSplit, labeled

_STEPS_BETWEEN_CHECKPOINTS = 50

NETWORKS: dict[str, Any] = {"nodes": NodeNetwork, "pairs": PairNetwork, "graphs": PooledNetwork}
"""by the kind of their inputs"""

_KEPT = ("weights", "curve", "best", "highest", "lowest", "improved")
"""what a checkpoint keeps of `_BestEpoch`"""


@dataclass(frozen=True)
class FittedNetwork:
    """A trained network: its best weights, the learning curve, and its outputs for all nodes `[N, C]`.

    For regression the outputs are `center` + `spread` times what the network gives.
    """

    config: NodeModelConfig
    task: str
    sizes: dict[str, Any]
    weights: dict[str, Tensor]
    curve: list[dict[str, float]]
    logits: Tensor
    center: float = 0.0
    spread: float = 1.0
    kind: str = "nodes"

    def network(self) -> Any:
        """Build it with its weights, in `eval()` mode."""
        net = NETWORKS[self.kind](**self.sizes, **self.config.shape)
        net.load_state_dict(self.weights)
        return net.eval()

    def __call__(self, inputs: Inputs) -> Tensor:
        """Return the outputs for any inputs of its kind, `[N, C]`."""
        with torch.inference_mode():
            return self.center + self.spread * self.network()(*inputs)

    @property
    def best(self) -> dict[str, float]:
        """The record of the epoch that the weights come from."""
        return self.curve[kept_epoch(self.curve, self.config.keep)]


def to_probabilities(task: str, logits: Tensor) -> NDArray[np.float64]:
    """Return probabilities `[N, C]`, or values `[N, 1]` for regression."""
    logits = logits.detach().cpu().double()
    if task == "multiclass":
        return logits.softmax(1).numpy()
    return logits.sigmoid().numpy() if task == "multilabel" else logits.numpy()


def fit_node_network(
    inputs: Inputs,
    y: Tensor,
    split: NodeSplit,
    config: NodeModelConfig,
    *,
    task: str = "multiclass",
    num_outputs: int,
    metric: str | None = None,
    seed: int = 0,
    device: str = "cpu",
    directory: Path | None = None,
    name: str = "network",
    resume: bool = False,
    callbacks: Sequence[L.Callback] = (),
) -> FittedNetwork:
    """Train one network on the whole graph; keep the weights of the epoch that does best on the validation nodes.

    Args:
        inputs: features and edges, and what is asked about.
        y: labels of all nodes; only those of the training and validation part are looked at.
        split: the parts.
        config: the recipe.
        task: "multiclass", "multilabel" or "regression".
        num_outputs: number of classes, labels, or 1.
        metric: chooses the epoch; the first of `METRICS[task]` when None, and a lower loss where it ties.
        seed: of weights and dropout.
        device: "auto", "cpu", "cuda" or "mps".
        directory: holds `<name>.ckpt`, renewed every 50 steps; None keeps nothing on disk.
        name: of the checkpoint.
        resume: go on from that checkpoint if there is one.
        callbacks: more to call; each may set `trainer.should_stop`.

    Raises:
        SettingsError: the device is not there, or the loss is not finite from the first step on.
        KeyboardInterrupt: the user interrupted; the last checkpoint stays.
    """
    sizes = inputs.sizes() | {"out_dim": num_outputs}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = NETWORKS[inputs.kind](**sizes, **config.shape)
        center, spread = _scale(task, y[split.train])
        scaled = (y - center) / spread if task == "regression" else y
        metric = METRICS[task][0] if metric is None else metric
        module = _NodeModule(net, inputs, scaled, split, config, task, metric, seed)
        best = _BestEpoch(config)
        trained = [best, *callbacks]
        checkpoint = None if directory is None else directory / f"{name}.ckpt"
        if checkpoint is not None:
            every = max(1, _STEPS_BETWEEN_CHECKPOINTS // config.validate_every)
            trained.append(
                ModelCheckpoint(
                    checkpoint.parent,
                    name,
                    every_n_epochs=every,
                    save_on_train_epoch_end=True,
                    enable_version_counter=False,
                )
            )
        with quiet_lightning(), own_interrupt():
            trainer = L.Trainer(
                accelerator=resolve_device(device),
                devices=1,
                max_epochs=math.ceil(config.epochs / config.validate_every),
                callbacks=trained,
                logger=False,
                plugins=[AtomicCheckpointIO()],
                num_sanity_val_steps=0,
                enable_checkpointing=checkpoint is not None,
                enable_progress_bar=False,
                enable_model_summary=False,
                default_root_dir=directory,
            )
            start = str(checkpoint) if resume and checkpoint is not None and checkpoint.exists() else None
            try:
                trainer.fit(module, ckpt_path=start)
            except SystemExit:  # how Lightning ends after Ctrl-C
                raise KeyboardInterrupt from None
        if trainer.interrupted:
            raise KeyboardInterrupt
    if not best.weights:
        raise SettingsError(f"the training loss is not finite; lower the learning rate (now {config.lr:g}).")
    nothing = torch.empty(0)
    fitted = FittedNetwork(config, task, sizes, best.weights, best.curve, nothing, center, spread, inputs.kind)
    return dataclasses.replace(fitted, logits=fitted(inputs))


def node_loss(task: str, outputs: Tensor, y: Tensor) -> Tensor:
    """Return the mean loss of some nodes: cross entropy, squared error, or binary cross entropy of what is known."""
    if task == "multiclass":
        return F.cross_entropy(outputs, y)
    if task == "regression":
        return F.mse_loss(outputs[:, 0], y)
    known = ~torch.isnan(y)
    return F.binary_cross_entropy_with_logits(outputs[known], y[known])


class _NodeModule(L.LightningModule):
    """One step is one pass over the whole graph; one of Lightning's epochs is the steps between two validations."""

    def __init__(
        self,
        net: Any,
        inputs: Inputs,
        y: Tensor,
        split: NodeSplit,
        config: NodeModelConfig,
        task: str,
        metric: str,
        seed: int,
    ) -> None:
        super().__init__()
        self.net = net
        self.inputs, self.y, self.split = inputs, y, split
        self.config, self.task, self.metric, self.seed = config, task, metric, seed

    def on_fit_start(self) -> None:
        self.inputs, self.y = self.inputs.to(self.device), self.y.to(self.device)
        self.split = NodeSplit(*(part.to(self.device) for part in self.split))

    def train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader([0] * self.config.validate_every)  # type: ignore[arg-type]

    def val_dataloader(self) -> Any:
        return torch.utils.data.DataLoader([0])  # type: ignore[arg-type]

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)  # so that a resumed training goes on as before
        train = self.split.train
        loss = node_loss(self.task, self.net(*self.inputs)[train], self.y[train])
        self.log("train_loss", loss.detach(), on_step=False, on_epoch=True, batch_size=1)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        outputs = self.net(*self.inputs)
        valid = self.split.valid if self.split.valid.any() else self.split.train
        out, y = outputs[valid], self.y[valid]
        value = score(self.task, self.metric, to_probabilities(self.task, out), y.cpu().numpy())
        self.log("valid_loss", node_loss(self.task, out, y), batch_size=1)
        self.log("valid_score", value if math.isfinite(value) else -1e9, batch_size=1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.net.parameters(), lr=self.config.lr, weight_decay=self.config.weight_decay)


class _BestEpoch(L.Callback):
    """Keep the weights of the epoch that is best on validation nodes; stop when neither score nor loss improves."""

    def __init__(self, config: NodeModelConfig) -> None:
        self.config = config
        self.weights: dict[str, Tensor] = {}
        self.curve: list[dict[str, float]] = []
        self.best = (-math.inf, -math.inf)
        self.highest, self.lowest, self.improved = -math.inf, math.inf, 0

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
        step = min(trainer.global_step, self.config.epochs)
        self.curve.append({"epoch": step, **logged})
        value, loss = logged["valid_score"], logged["valid_loss"]
        if not math.isfinite(loss):
            trainer.should_stop = True
            return
        if value > self.highest or loss < self.lowest:
            self.improved = step
        self.highest, self.lowest = max(value, self.highest), min(loss, self.lowest)
        rank = (value, -loss) if self.config.keep == "score" else (-loss, value)
        if rank > self.best:
            self.best = rank
            state = pl_module.net.state_dict()
            self.weights = {name: each.detach().to("cpu", copy=True) for name, each in state.items()}
        if step - self.improved >= self.config.patience:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _KEPT}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for name in _KEPT:
            setattr(self, name, state_dict[name])
        self.curve = list(self.curve)


def _scale(task: str, y: Tensor) -> tuple[float, float]:
    if task != "regression":
        return 0.0, 1.0
    known = y[labeled(y)].double()
    spread = float(known.std()) if len(known) > 1 else 0.0
    return float(known.mean()), spread if spread > 0 else 1.0
