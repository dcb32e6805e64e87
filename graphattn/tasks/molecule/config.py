"""The recipe: the network's shape and how it is trained, in one place."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, TypeVar

from graphattn.tasks.common.device import DEVICES
from graphattn.tasks.common.errors import SettingsError

_Config = TypeVar("_Config", "ModelConfig", "TrainingConfig")

MEMBERS = {
    "network": "graph network",
    "svr": "support vectors",
    "ridge": "ridge",
    "lightgbm": "boosted trees",
    "forest": "forest",
}
"""the members that a stack can have, and what they are called"""
ATTENTION = ("atoms", "bonds", "both")
SALTS = ("keep", "largest", "neutralize")
PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
"""what a user writes, and Lightning's name for it"""


@dataclass(frozen=True)
class ModelConfig:
    """The shape of one `MoleculeNet`, and what it sees of a molecule.

    Attributes:
        embed_dim: width of the atom embeddings.
        num_heads: attention heads; divides `embed_dim`.
        depth: number of graph Transformer layers.
        head_dim: width of the hidden layers of the head.
        dropout: in the layers and in the head.
        atom_features: a preset of `graphattn.chem.AtomFeaturizer`.
        bond_features: a preset of `graphattn.chem.BondFeaturizer`.
        attention: "atoms" (networks whose atoms attend to their neighbors, `MoleculeNet`), "bonds" (whose bonds attend
            to those that lead into them, `BondAttentionNet`) or "both", in turns.
        descriptors: whether RDKit's 2D descriptors go beside the graph.
        salts: what is seen of a salt or a mixture: "keep" (all of it), "largest" (its largest part) or "neutralize"
            (that part without charges).
    """

    embed_dim: int = 64
    num_heads: int = 4
    depth: int = 2
    head_dim: int = 128
    dropout: float = 0.2
    atom_features: str = "physchem"
    bond_features: str = "chemprop"
    descriptors: bool = True
    salts: str = "keep"
    attention: str = "both"

    def __post_init__(self) -> None:
        _require(self, "embed_dim", self.embed_dim >= 1, "at least 1")
        _require(self, "num_heads", self.num_heads >= 1, "at least 1")
        _require(self, "embed_dim", self.embed_dim % self.num_heads == 0, f"a multiple of num_heads={self.num_heads}")
        _require(self, "depth", self.depth >= 0, "0 or more")
        _require(self, "head_dim", self.head_dim >= 1, "at least 1")
        _require(self, "dropout", 0 <= self.dropout < 1, "at least 0 and below 1")
        _require(self, "attention", self.attention in ATTENTION, f"one of {', '.join(ATTENTION)}")
        _require(self, "salts", self.salts in SALTS, f"one of {', '.join(SALTS)}")


@dataclass(frozen=True)
class TrainingConfig:
    """How one network is trained, how many make an ensemble, and what stands beside them in the stack.

    Attributes:
        epochs: the most passes over the training part.
        patience: epochs without a better validation loss after which training stops.
        batch_size: molecules a step.
        lr: the highest learning rate; it rises over `warmup` of the steps and falls to zero along a cosine.
        warmup: share of the steps.
        weight_decay: of AdamW, on matrices.
        averaging: decay per step of the running mean of the weights, which is what is validated and kept.
        clip_norm: the largest norm of a gradient.
        ensemble: networks trained from different seeds, each without another fold; their mean is a member.
        members: of the stack, from `MEMBERS`. None: all, or the network alone where it goes without descriptors.
        seed: of everything drawn at random.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "32", "bf16" or "16" (mixed).
    """

    epochs: int = 60
    patience: int = 20
    batch_size: int = 32
    lr: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 1e-2
    averaging: float = 0.99
    clip_norm: float = 1.0
    ensemble: int = 5
    members: tuple[str, ...] | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "32"

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "batch_size", "ensemble"):
            _require(self, name, getattr(self, name) >= 1, "at least 1")
        _require(self, "epochs", self.epochs <= 1_000_000, "1,000,000 at most")
        _require(self, "lr", 0 < self.lr < math.inf, "above 0 and finite")
        _require(self, "warmup", 0 <= self.warmup < 1, "at least 0 and below 1")
        _require(self, "weight_decay", 0 <= self.weight_decay < math.inf, "0 or more and finite")
        _require(self, "averaging", 0 <= self.averaging < 1, "at least 0 and below 1")
        _require(self, "clip_norm", self.clip_norm > 0, "above 0")
        _require(self, "ensemble", self.ensemble <= 1000, "1000 at most")
        if self.members is not None:
            object.__setattr__(self, "members", tuple(self.members))  # JSON knows lists only
            known = set(self.members) <= set(MEMBERS) and len(set(self.members)) == len(self.members)
            expected = f"different ones of {', '.join(MEMBERS)}, network among them"
            _require(self, "members", known and "network" in self.members, expected)
        _require(self, "seed", 0 <= self.seed < 4_000_000, "0 or more and below 4,000,000")
        _require(self, "device", self.device in DEVICES, f"one of {', '.join(DEVICES)}")
        _require(self, "precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}")


def members_of(model: ModelConfig, training: TrainingConfig) -> tuple[str, ...]:
    """Return the members of the stack, the network first.

    Raises:
        SettingsError: members need descriptors, and the model has none.
    """
    if training.members is None:
        return tuple(MEMBERS) if model.descriptors else ("network",)
    if not model.descriptors and training.members != ("network",):
        others = ", ".join(name for name in training.members if name != "network")
        raise SettingsError(f"the members {others} learn from descriptors; leave out --no-descriptors or the members.")
    return tuple(name for name in MEMBERS if name in training.members)


def to_json(config: ModelConfig | TrainingConfig) -> dict[str, Any]:
    """Return a configuration as a JSON object; `from_json` reads it back."""
    settings = dataclasses.asdict(config)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}


def from_json(kind: type[_Config], content: dict[str, Any]) -> _Config:
    """Read a configuration that `to_json` wrote.

    Raises:
        SettingsError: a setting is unknown or out of range.
    """
    known = {setting.name for setting in dataclasses.fields(kind)}
    unknown = sorted(set(content) - known)
    if unknown:
        raise SettingsError(f"{kind.__name__} knows no setting {', '.join(unknown)}.")
    return kind(**content)


def _require(config: object, name: str, holds: bool, expected: str) -> None:
    if not holds:
        raise SettingsError(f"{name} must be {expected}, got {getattr(config, name)!r}.")
