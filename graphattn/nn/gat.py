"""GAT: graph attention whose score is the sum of two numbers, one per node."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphattn.graph import Graph, as_graph
from graphattn.nn.checks import check_dropout, check_edge_attr
from graphattn.nn.self_loops import FillValue, add_self_loops
from graphattn.ops.attention import attention
from graphattn.ops.scores import Sum

NodeFeatures = Tensor | tuple[Tensor, Tensor | None]


class GATConv(nn.Module):
    """Graph attention network layer, with the parameters and state-dict keys of PyG's `GATConv`.

        out_i = Σ_{j → i} α_ij W x_j,   α = softmax_j leaky_relu(⟨a_src, W x_j⟩ + ⟨a_dst, W x_i⟩ + ⟨a_edge, W_e e_ij⟩)

    Args:
        in_channels: width of the input, or a pair (sources, destinations) for bipartite graphs.
        out_channels: width C of the output per head.
        heads: the number of heads H.
        concat: concatenate the heads (`H·C` wide) rather than average them (`C` wide).
        negative_slope: of the leaky ReLU.
        dropout: on the attention weights, in training.
        add_self_loops: let each node attend to itself.
        edge_dim: width of edge features; None for none.
        fill_value: edge features of self-loops; see `graphattn.nn.self_loops.add_self_loops`.
        bias: add a learned bias.
        residual: add a learned linear map of the destination's input.

    Shapes:
        x `[N, in_channels]` or a pair `([N, F_src], [M, F_dst] or None)`; edge_index `[2, E]` or a `Graph`;
        edge_attr `[E, edge_dim]` → `[M, H·C]` or `[M, C]`.

    Veličković et al. 2018, arXiv:1710.10903, eq. 1-6.
    """

    def __init__(
        self,
        in_channels: int | tuple[int, int],
        out_channels: int,
        heads: int = 1,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        add_self_loops: bool = True,
        edge_dim: int | None = None,
        fill_value: FillValue = "mean",
        bias: bool = True,
        residual: bool = False,
    ) -> None:
        super().__init__()
        check_dropout(dropout)
        self.in_channels, self.out_channels, self.heads, self.concat = (
            in_channels,
            out_channels,
            heads,
            concat,
        )
        self.negative_slope, self.dropout = negative_slope, dropout
        self.add_self_loops, self.fill_value, self.edge_dim = add_self_loops, fill_value, edge_dim
        wide = heads * out_channels
        total = wide if concat else out_channels
        self.lin = self.lin_src = self.lin_dst = self.lin_edge = self.res = None
        if isinstance(in_channels, int):
            self.lin = nn.Linear(in_channels, wide, bias=False)
        else:
            self.lin_src = nn.Linear(in_channels[0], wide, bias=False)
            self.lin_dst = nn.Linear(in_channels[1], wide, bias=False)
        self.att_src = nn.Parameter(torch.empty(1, heads, out_channels))
        self.att_dst = nn.Parameter(torch.empty(1, heads, out_channels))
        if edge_dim is not None:
            self.lin_edge = nn.Linear(edge_dim, wide, bias=False)
            self.att_edge = nn.Parameter(torch.empty(1, heads, out_channels))
        if residual:
            width = in_channels if isinstance(in_channels, int) else in_channels[1]
            self.res = nn.Linear(width, total, bias=False)
        self.bias = nn.Parameter(torch.empty(total)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform, bias 0."""
        reset_glorot(self)

    def forward(
        self,
        x: NodeFeatures,
        edge_index: Tensor | Graph,
        edge_attr: Tensor | None = None,
        *,
        return_attention_weights: bool = False,
    ) -> Tensor | tuple[Tensor, tuple[Tensor, Tensor]]:
        """Attend; with `return_attention_weights` also `(edge_index, weights [E', H])`, self-loops included."""
        x_src, x_dst = x if isinstance(x, tuple) else (x, x)
        H, C = self.heads, self.out_channels
        to_src, to_dst = self.lin or self.lin_src, self.lin or self.lin_dst
        assert to_src is not None and to_dst is not None
        source = to_src(x_src).view(-1, H, C)
        key = (source * self.att_src).sum(-1).to(source.dtype)
        if x_dst is None:
            num_dst = edge_index.num_dst if isinstance(edge_index, Graph) else x_src.shape[0]
            graph = as_graph(edge_index, num_dst, x_src.shape[0])
            query = key.new_zeros(graph.num_dst, H)
        else:
            graph = as_graph(edge_index, x_dst.shape[0], x_src.shape[0])
            destination = source if x_dst is x_src and to_src is to_dst else to_dst(x_dst).view(-1, H, C)
            query = (destination * self.att_dst).sum(-1).to(source.dtype)

        edge_bias = None
        if self.lin_edge is None:
            edge_attr = None
        if edge_attr is not None:
            check_edge_attr(edge_attr, graph)
        if self.add_self_loops:
            graph, edge_attr = add_self_loops(graph, edge_attr, self.fill_value)
        if edge_attr is not None and self.lin_edge is not None:
            edge_attr = edge_attr.unsqueeze(-1) if edge_attr.ndim == 1 else edge_attr
            edge_bias = (self.lin_edge(edge_attr).view(-1, H, C) * self.att_edge).sum(-1).to(source.dtype)
        result = attention(
            query, key, source, graph, score=Sum(self.negative_slope), edge_bias=edge_bias,
            dropout=self.dropout if self.training else 0.0, return_weights=return_attention_weights,
        )  # fmt: skip
        residual = None if self.res is None or x_dst is None else self.res(x_dst)
        return finish(result, graph, self.concat, residual, self.bias)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, heads={self.heads})"


def reset_glorot(layer: nn.Module) -> None:
    """Draw matrices and attention vectors from U(±√(6 / (last two sizes))), as PyG does, and set biases to 0."""
    for parameter in layer.parameters():
        if parameter.ndim == 1:
            nn.init.zeros_(parameter)
        else:
            bound = (6 / (parameter.shape[-2] + parameter.shape[-1])) ** 0.5
            nn.init.uniform_(parameter, -bound, bound)


def finish(
    result: Tensor | tuple[Tensor, Tensor],
    graph: Graph,
    concat: bool,
    residual: Tensor | None,
    bias: Tensor | None,
) -> Tensor | tuple[Tensor, tuple[Tensor, Tensor]]:
    """Bring heads together, add residual and bias, and put the weights beside their edges where there are any."""
    out = result[0] if isinstance(result, tuple) else result
    out = out.flatten(1) if concat else out.mean(1)
    out = out if residual is None else out + residual
    out = out if bias is None else out + bias
    return (out, (graph.edge_index, result[1])) if isinstance(result, tuple) else out
