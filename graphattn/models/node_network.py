"""One family of networks for the nodes of a graph: GAT, GATv2 and graph Transformer, chosen by settings."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn import nn as layers
from graphattn.graph import Graph
from graphattn.nn.feature_dropout import FeatureDropout
from graphattn.nn.sparse_features import is_sparse, sparse_linear

CONVS = ("gat", "gatv2", "transformer")
NORMS = ("batch", "layer", "none")
ACTIVATIONS = {"relu": F.relu, "elu": F.elu, "gelu": F.gelu}


class NodeNetwork(nn.Module):
    """Predict something of each node from its features and those of the nodes around it.

        h⁰ = W x + b, or x without `pre_linear`
        hˡ = dropout(act(norm(conv(hˡ⁻¹) [+ Lˡ hˡ⁻¹]))) [+ hˡ⁻¹]     `depth` times, with `sep` and with `residual`
        y  = W' h + b',  h the last hˡ, or their sum with `jumping`

    With `linear_head=False` the last layer attends to the outputs itself (the mean of `out_heads` heads), as in the
    papers of GAT and GATv2.

    Rows of features that are mostly zeros may come as a `torch.sparse_csr` matrix: the first maps are then sparse
    products, and dropout is drawn for the entries that are stored. A gradient of the features is not formed then.

    Args:
        in_dim: width F of the features.
        out_dim: number of outputs C.
        conv: "gat", "gatv2" or "transformer": which layer attends.
        hidden_dim: width of the layers, all heads together.
        num_heads: attention heads; divides `hidden_dim`.
        out_heads: heads of the last layer with `linear_head=False`.
        depth: number of layers that attend.
        sep: a node's own features have a linear map of their own beside the attention, which then has no self-loops.
        residual: add a layer's input to its output where both are equally wide.
        norm: "batch", "layer" or "none": what follows each attention.
        pre_linear: a linear map before the first attention.
        jumping: the head reads the sum of all layers.
        linear_head: whether the outputs are a linear map of the last layer.
        activation: "relu", "elu" or "gelu".
        dropout: of what a layer returns.
        input_dropout: of the features.
        attention_dropout: of the attention weights.
        edge_dim: width of the edges' features; None for none.

    Shapes:
        x `[N, F]`, edges `Graph` of N nodes or `[2, E]`, edge_attr `[E, edge_dim]` → `[N, C]`.
        A node without edges gets what its own features give.

    Raises:
        ValueError: a setting is none of those it may be, or `num_heads` does not divide `hidden_dim`.

    Veličković et al. 2018, arXiv:1710.10903; Brody et al. 2022, arXiv:2105.14491; Shi et al. 2021, arXiv:2009.03509;
    `sep` as in Platonov et al. 2023, arXiv:2302.11640, added up as in Luo et al. 2024, arXiv:2406.08993.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        *,
        conv: str = "gat",
        hidden_dim: int = 64,
        num_heads: int = 8,
        out_heads: int = 1,
        depth: int = 2,
        sep: bool = False,
        residual: bool = False,
        norm: str = "none",
        pre_linear: bool = False,
        jumping: bool = False,
        linear_head: bool = True,
        activation: str = "elu",
        dropout: float = 0.5,
        input_dropout: float = 0.0,
        attention_dropout: float = 0.0,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__()
        _require_one_of("conv", conv, CONVS)
        _require_one_of("norm", norm, NORMS)
        _require_one_of("activation", activation, tuple(ACTIVATIONS))
        if depth < 1 or num_heads < 1 or hidden_dim % num_heads:
            raise ValueError(
                "depth and num_heads must be at least 1 and num_heads divide hidden_dim, "
                f"got depth={depth}, num_heads={num_heads}, hidden_dim={hidden_dim}"
            )
        self.conv, self.residual, self.jumping = conv, residual, jumping
        self.dropout, self.drop_features = dropout, FeatureDropout(input_dropout)
        self.activation: Any = ACTIVATIONS[activation]
        self.pre_linear = _Linear(in_dim, hidden_dim) if pre_linear else None
        self.convs, self.seps, self.norms = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        width = hidden_dim if pre_linear else in_dim
        for number in range(depth):
            is_output = number == depth - 1 and not linear_head
            heads = out_heads if is_output else num_heads
            out = out_dim if is_output else hidden_dim // num_heads
            attend = _conv(conv, width, out, heads, not is_output, sep, attention_dropout, edge_dim)
            total = out_dim if is_output else hidden_dim
            self.convs.append(attend)
            self.seps.append(_Linear(width, total) if sep else nn.Identity())
            self.norms.append(nn.Identity() if is_output else _norm(norm, total))
            width = total
        self.sep = sep
        self.head = nn.Linear(hidden_dim, out_dim) if linear_head else None

    def forward(self, x: Tensor, edges: Any, edge_attr: Tensor | None = None) -> Tensor:
        """Return the outputs `[N, C]`."""
        return self._run(x, edges, edge_attr, None)

    @torch.no_grad()
    def attention_weights(self, x: Tensor, edges: Any, edge_attr: Tensor | None = None) -> list[tuple[Tensor, Tensor]]:
        """Return `(edge_index [2, E'], weights [E', H])` of each layer, self-loops included; call `eval()` first."""
        kept: list[tuple[Tensor, Tensor]] = []
        self._run(x, edges, edge_attr, kept)
        return kept

    def _run(self, x: Tensor, edges: Any, edge_attr: Tensor | None, kept: list[tuple[Tensor, Tensor]] | None) -> Tensor:
        graph = edges if isinstance(edges, Graph) else Graph(edges, x.shape[0])
        h = self.drop_features(x)
        if self.pre_linear is not None:
            h = F.dropout(self.pre_linear(h), self.dropout, self.training)
        total: Tensor | None = None
        last = len(self.convs) - 1
        for number, (conv, sep, norm) in enumerate(zip(self.convs, self.seps, self.norms, strict=True)):
            out = self._attend(conv, h, graph, edge_attr, kept)
            if self.sep:
                out = out + sep(h)
            if number == last and self.head is None:
                return out
            out = F.dropout(self.activation(norm(out)), self.dropout, self.training)
            if self.residual and not is_sparse(h) and h.shape == out.shape:
                out = out + h
            h = out
            if self.jumping:
                total = h if total is None else total + h
        assert self.head is not None  # the last layer returned otherwise
        return self.head(h if total is None else total)

    def _attend(
        self, conv: Any, h: Tensor, graph: Graph, edge_attr: Tensor | None, kept: list[tuple[Tensor, Tensor]] | None
    ) -> Tensor:
        if kept is None:
            return conv(h, graph, edge_attr=edge_attr)
        out, weights = conv(h, graph, edge_attr=edge_attr, return_attention_weights=True)
        kept.append(weights)
        return out


def _conv(
    kind: str, width: int, out: int, heads: int, concat: bool, sep: bool, dropout: float, edge_dim: int | None
) -> nn.Module:
    options: dict[str, Any] = {"heads": heads, "concat": concat, "dropout": dropout, "edge_dim": edge_dim}
    if kind == "transformer":  # its root weight is what sep adds to the others
        return layers.TransformerConv(width, out, root_weight=not sep, **options)
    made = layers.GATConv if kind == "gat" else layers.GATv2Conv
    return made(width, out, add_self_loops=not sep, **options)


class _Linear(nn.Linear):
    """`torch.nn.Linear` that takes sparse rows too."""

    def forward(self, x: Tensor) -> Tensor:
        return sparse_linear(x, self.weight, self.bias) if is_sparse(x) else super().forward(x)


def _norm(kind: str, width: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm1d(width)
    return nn.LayerNorm(width) if kind == "layer" else nn.Identity()


def _require_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
