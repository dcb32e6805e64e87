"""GAT and GATv2 on dense batches: padded features and adjacency matrices."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn.dense.linear import Linear
from torch_geometric.nn.inits import glorot, zeros

from graphattn.graph import Graph
from graphattn.nn.pyg.conv.attention_heads import check_heads, head_scores, join_heads
from graphattn.ops.attention import attention
from graphattn.ops.scores import Additive, Score, Sum


class _DenseConv(nn.Module):
    """Base class of the two layers: conversion of a dense batch to edges, and the output."""

    bias: Tensor | None

    def __init__(
        self, in_channels: int, out_channels: int, heads: int, concat: bool, negative_slope: float, dropout: float
    ) -> None:
        super().__init__()
        check_heads(out_channels, heads, dropout)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.heads = heads
        self.concat = concat
        self.negative_slope = negative_slope
        self.dropout = dropout

    def _make_bias(self, bias: bool) -> None:
        width = self.heads * self.out_channels if self.concat else self.out_channels
        self.register_parameter("bias", nn.Parameter(torch.empty(width)) if bias else None)

    def forward(self, x: Tensor, adj: Tensor, mask: Tensor | None = None, add_loop: bool = True) -> Tensor:
        """Apply the layer.

        Args:
            x: features of the nodes, `[B, N, F]`, or `[N, F]` of one graph.
            adj: adjacency matrices, in which nonzero entries let the row node attend to the column node: `[B, N, N]`,
                or one matrix for the whole batch, `[1, N, N]` or `[N, N]`.
            mask: which nodes are not padding, `[B, N]`; outputs of padding are zero.
            add_loop: whether each node attends to itself.

        Raises:
            ValueError: `x` or `adj` has a wrong shape.
        """
        if x.ndim not in (2, 3):
            raise ValueError(f"x must have shape [B, N, F] or [N, F], got {list(x.shape)}")
        x = x.unsqueeze(0) if x.ndim == 2 else x
        B, N, _ = x.shape
        square = adj.unsqueeze(0) if adj.ndim == 2 else adj
        if square.ndim != 3 or square.shape[0] not in (1, B) or square.shape[1:] != (N, N):
            raise ValueError(f"adj must have shape [{B}, {N}, {N}], [1, {N}, {N}] or [{N}, {N}], got {list(adj.shape)}")
        out = self._attend(x.flatten(0, 1), _edges(square, B, add_loop))
        width = self.heads * self.out_channels
        out = join_heads(out, width, self.concat).view(B, N, width if self.concat else self.out_channels)
        out = out if self.bias is None else out + self.bias
        return out if mask is None else out * mask.view(-1, N, 1).to(out.dtype)

    def _attend(self, x: Tensor, graph: Graph) -> Tensor:
        """The heads `[B·N, H, C]` of nodes `[B·N, F]`."""
        raise NotImplementedError

    def _operate(self, q: Tensor, k: Tensor, v: Tensor, graph: Graph, score: Score) -> Tensor:
        out = attention(q, k, v, graph, score=score, dropout=self.dropout if self.training else 0.0)
        assert isinstance(out, Tensor)
        return out

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, heads={self.heads})"


class DenseGATConv(_DenseConv):
    """GAT on a dense batch: PyG's `DenseGATConv`, on the fused operator.

        out_i = Σ_{j: A_ij ≠ 0} α_ij W x_j,   α_ij = softmax_j leaky_relu(⟨a_s, W x_j⟩ + ⟨a_d, W x_i⟩)

    No tensor of size `[B, N, N, H]` is materialized. A node without neighbors gets the bias, where PyG returns NaN.

    Args:
        in_channels: width of the input; −1 to infer it at the first call.
        out_channels: width C of the output per head.
        heads: the number of heads H.
        concat: concatenate the heads (`H·C` wide) instead of averaging them (`C` wide).
        negative_slope: negative slope of the leaky ReLU.
        dropout: dropout probability on the attention weights.
        bias: add a learned bias.

    Shapes:
        x `[B, N, F]`, adj `[B, N, N]`, mask `[B, N]` → `[B, N, H·C]` or `[B, N, C]`.

    Veličković et al. 2018, arXiv:1710.10903, eq. 1-6.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        heads: int = 1,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, heads, concat, negative_slope, dropout)
        self.lin = Linear(in_channels, heads * out_channels, bias=False, weight_initializer="glorot")
        self.att_src = nn.Parameter(torch.empty(1, 1, heads, out_channels))
        self.att_dst = nn.Parameter(torch.empty(1, 1, heads, out_channels))
        self._make_bias(bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform, bias 0."""
        self.lin.reset_parameters()
        glorot(self.att_src)
        glorot(self.att_dst)
        zeros(self.bias)

    def _attend(self, x: Tensor, graph: Graph) -> Tensor:
        rows = self.lin(x).view(-1, self.heads, self.out_channels)
        key, query = head_scores(rows, self.att_src[0], self.att_dst[0])
        return self._operate(query, key, rows, graph, Sum(self.negative_slope))


class DenseGATv2Conv(_DenseConv):
    """GATv2 on a dense batch: `GATv2Conv` with the arguments of `DenseGATConv`; PyG has no such layer.

        out_i = Σ_{j: A_ij ≠ 0} α_ij W_l x_j,   α_ij = softmax_j ⟨a, leaky_relu(W_r x_i + W_l x_j)⟩

    No tensor of size `[B, N, N, H]` is materialized. A node without neighbors gets the bias.

    Args:
        in_channels, out_channels, heads, concat, negative_slope, dropout: as for `DenseGATConv`.
        bias: whether W_l, W_r and the output have biases.
        share_weights: W_r is W_l.

    Shapes:
        x `[B, N, F]`, adj `[B, N, N]`, mask `[B, N]` → `[B, N, H·C]` or `[B, N, C]`.

    Brody et al. 2022, arXiv:2105.14491, eq. 7.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        heads: int = 1,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        bias: bool = True,
        share_weights: bool = False,
    ) -> None:
        super().__init__(in_channels, out_channels, heads, concat, negative_slope, dropout)
        self.share_weights = share_weights
        wide = heads * out_channels
        self.lin_l = Linear(in_channels, wide, bias=bias, weight_initializer="glorot")
        self.lin_r = self.lin_l
        if not share_weights:
            self.lin_r = Linear(in_channels, wide, bias=bias, weight_initializer="glorot")
        self.att = nn.Parameter(torch.empty(1, 1, heads, out_channels))
        self._make_bias(bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform; the output's bias 0, those of W_l and W_r as in `torch.nn.Linear`."""
        self.lin_l.reset_parameters()
        self.lin_r.reset_parameters()
        glorot(self.att)
        zeros(self.bias)

    def _attend(self, x: Tensor, graph: Graph) -> Tensor:
        left = self.lin_l(x).view(-1, self.heads, self.out_channels)
        right = left if self.share_weights else self.lin_r(x).view(-1, self.heads, self.out_channels)
        return self._operate(right, left, left, graph, Additive(self.att[0, 0], negative_slope=self.negative_slope))


def _edges(adj: Tensor, batch_size: int, add_loop: bool) -> Graph:
    """The graph of adjacency matrices `[B or 1, N, N]`, with the nodes of all graphs packed one after another."""
    N = adj.shape[1]
    seen = adj != 0
    if add_loop:
        seen = seen | torch.eye(N, dtype=torch.bool, device=adj.device)
    which, row, column = seen.expand(batch_size, N, N).nonzero().unbind(1)
    before = which * N
    return Graph(torch.stack([before + column, before + row]), batch_size * N)
