"""The recipe of a network for nodes: its shape and how it is trained, and the recipes of the literature."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphattn.models.node_network import ACTIVATIONS, CONVS, NORMS
from graphattn.tasks.common.errors import SettingsError

KEEPS = ("score", "loss")


def kept_epoch(curve: Sequence[Mapping[str, float]], keep: str = "score") -> int:
    """Return the place of the epoch in a learning curve whose weights are kept; see `NodeModelConfig.keep`."""

    def rank(place: int) -> tuple[float, float]:
        score, loss = curve[place]["valid_score"], curve[place]["valid_loss"]
        return (score, -loss) if keep == "score" else (-loss, score)

    return max(range(len(curve)), key=rank)


def _require(config: object, name: str, holds: bool, expected: str) -> None:
    if not holds:
        raise SettingsError(f"{name} must be {expected}, got {getattr(config, name)!r}.")


@dataclass(frozen=True)
class NodeModelConfig:
    """The shape of one `NodeNetwork`, and how it is trained.

    Attributes:
        conv: "gat", "gatv2" or "transformer".
        hidden_dim: width of the layers, all heads together.
        num_heads: attention heads; divides `hidden_dim`.
        out_heads: heads of the last layer where that gives the outputs itself (`linear_head` is False).
        depth: layers that attend.
        sep: a linear map of the node's own features beside the attention.
        residual: add a layer's input to its output.
        norm: "batch", "layer" or "none".
        pre_linear: a linear map before the first attention.
        jumping: the head reads the sum of all layers.
        linear_head: the outputs are a linear map of the last layer.
        activation: "relu", "elu" or "gelu".
        dropout: of what a layer returns.
        input_dropout: of the features.
        attention_dropout: of the attention weights.
        lr: learning rate of Adam.
        weight_decay: added to the gradient, as in Adam, not AdamW.
        epochs: the most steps, each over the whole graph.
        patience: epochs without a better validation score after which training stops.
        validate_every: epochs from one validation to the next.
        keep: which epoch's weights are kept: that of the best validation "score" (of several, the lowest loss), or of
            the lowest validation "loss", which few nodes tell better.
    """

    conv: str = "gatv2"
    hidden_dim: int = 64
    num_heads: int = 4
    out_heads: int = 1
    depth: int = 2
    sep: bool = True
    residual: bool = False
    norm: str = "layer"
    pre_linear: bool = True
    jumping: bool = False
    linear_head: bool = True
    activation: str = "relu"
    dropout: float = 0.5
    input_dropout: float = 0.0
    attention_dropout: float = 0.0
    lr: float = 5e-3
    weight_decay: float = 5e-4
    epochs: int = 500
    patience: int = 100
    validate_every: int = 1
    keep: str = "score"

    def __post_init__(self) -> None:
        for name in ("hidden_dim", "num_heads", "out_heads", "depth", "epochs", "patience", "validate_every"):
            _require(self, name, getattr(self, name) >= 1, "at least 1")
        _require(self, "hidden_dim", self.hidden_dim % self.num_heads == 0, f"a multiple of num_heads={self.num_heads}")
        for name, allowed in {"conv": CONVS, "norm": NORMS, "activation": tuple(ACTIVATIONS), "keep": KEEPS}.items():
            _require(self, name, getattr(self, name) in allowed, f"one of {', '.join(allowed)}")
        for name in ("dropout", "input_dropout", "attention_dropout"):
            _require(self, name, 0 <= getattr(self, name) < 1, "at least 0 and below 1")
        _require(self, "lr", 0 < self.lr < math.inf, "above 0 and finite")
        _require(self, "weight_decay", 0 <= self.weight_decay < math.inf, "0 or more and finite")

    @property
    def shape(self) -> dict[str, Any]:
        """The settings that `NodeNetwork` takes."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name not in _TRAINING}

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as a JSON object; `from_json` reads it back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> NodeModelConfig:
        """Read a configuration.

        Raises:
            SettingsError: a setting is unknown or out of range.
        """
        unknown = sorted(set(content) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise SettingsError(f"NodeModelConfig knows no setting {', '.join(unknown)}.")
        return cls(**content)


_TRAINING = ("lr", "weight_decay", "epochs", "patience", "validate_every", "keep")

_PAPER_GAT = NodeModelConfig(
    conv="gat", hidden_dim=64, num_heads=8, depth=2, sep=False, norm="none", pre_linear=False, linear_head=False,
    activation="elu", dropout=0.6, input_dropout=0.6, attention_dropout=0.6, lr=5e-3, weight_decay=5e-4, epochs=1000,
    patience=100, keep="loss",
)  # fmt: skip
_TUNED_GAT = NodeModelConfig(
    conv="gat", num_heads=1, sep=True, pre_linear=False, activation="relu", weight_decay=0.0, epochs=2000, patience=2000
)

PRESETS: dict[str, NodeModelConfig] = {
    "fast": NodeModelConfig(epochs=200, patience=50, validate_every=5),
    "cora": _PAPER_GAT,
    "citeseer": _PAPER_GAT,
    "pubmed": dataclasses.replace(_PAPER_GAT, out_heads=8, lr=1e-2, weight_decay=1e-3),
    "minesweeper": dataclasses.replace(
        _TUNED_GAT, depth=15, hidden_dim=64, norm="batch", dropout=0.2, lr=1e-2
    ),
    "squirrel-filtered": dataclasses.replace(
        _TUNED_GAT, depth=7, hidden_dim=512, norm="batch", dropout=0.5, lr=5e-3, weight_decay=5e-4, epochs=500,
        patience=500,
    ),
    "chameleon-filtered": dataclasses.replace(
        _TUNED_GAT, depth=2, hidden_dim=256, norm="batch", dropout=0.7, lr=1e-2, weight_decay=1e-3, epochs=200,
        patience=200,
    ),
    "tolokers": NodeModelConfig(
        conv="gat", hidden_dim=128, num_heads=8, depth=3, residual=True, norm="layer", activation="gelu", dropout=0.2,
        lr=3e-3, weight_decay=0.0, epochs=300, patience=100, validate_every=5,
    ),
    "facebook-pages": NodeModelConfig(hidden_dim=128, num_heads=8, epochs=200, patience=50, validate_every=5),
}  # fmt: skip
"""`fast`, and by data set: GAT of Veličković et al. 2018 (section 3.3), tuned GAT of Luo et al. 2024 (`run_gnn.sh`);
the last two are ours."""


def preset(name: str) -> NodeModelConfig:
    """Return a recipe by name.

    Raises:
        SettingsError: there is none of that name.
    """
    known = name.replace("_", "-")
    if known not in PRESETS:
        raise SettingsError(f"preset must be search or one of {', '.join(PRESETS)}, got {name!r}.")
    return PRESETS[known]
