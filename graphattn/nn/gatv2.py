"""GATv2: graph attention with an additive score."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphattn.graph import Graph, as_graph
from graphattn.nn.checks import check_dropout
from graphattn.nn.gat import finish, reset_glorot
from graphattn.nn.self_loops import FillValue, add_self_loops
from graphattn.ops.attention import attention
from graphattn.ops.scores import Additive


class GATv2Conv(nn.Module):
    """Graph attention with dynamic attention, with the parameters and state-dict keys of PyG's `GATv2Conv`.

        out_i = Σ_{j → i} α_ij W_l x_j,   α = softmax_j ⟨a, leaky_relu(W_r x_i + W_l x_j + W_e e_ij)⟩

    Unlike GAT, which ranks its neighbours alike for every query, each node can rank them its own way.

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
        bias: whether W_l, W_r and the output have biases.
        share_weights: W_r is W_l.
        residual: add a learned linear map of the destination's input.

    Shapes:
        x `[N, in_channels]` or a pair `([N, F_src], [M, F_dst])`; edge_index `[2, E]` or a `Graph`;
        edge_attr `[E, edge_dim]` → `[M, H·C]` or `[M, C]`.

    Brody et al. 2022, arXiv:2105.14491, eq. 7.
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
        share_weights: bool = False,
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
        self.share_weights = share_weights
        wide = heads * out_channels
        total = wide if concat else out_channels
        src_width, dst_width = (in_channels, in_channels) if isinstance(in_channels, int) else in_channels
        self.lin_l = nn.Linear(src_width, wide, bias=bias)
        self.lin_r = self.lin_l if share_weights else nn.Linear(dst_width, wide, bias=bias)
        self.att = nn.Parameter(torch.empty(1, heads, out_channels))
        self.lin_edge = None if edge_dim is None else nn.Linear(edge_dim, wide, bias=False)
        self.res = nn.Linear(dst_width, total, bias=False) if residual else None
        self.bias = nn.Parameter(torch.empty(total)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform, biases 0."""
        reset_glorot(self)

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        edge_index: Tensor | Graph,
        edge_attr: Tensor | None = None,
        *,
        return_attention_weights: bool = False,
    ) -> Tensor | tuple[Tensor, tuple[Tensor, Tensor]]:
        """Attend; with `return_attention_weights` also `(edge_index, weights [E', H])`, self-loops included.

        Raises:
            ValueError: edge features given without `edge_dim`, or no features of the destinations.
        """
        if edge_attr is not None and self.lin_edge is None:
            raise ValueError("edge_attr is given, but the layer was made without edge_dim")
        x_src, x_dst = x if isinstance(x, tuple) else (x, x)
        if x_dst is None:
            raise ValueError("x is a pair without features of the destinations, which GATv2 needs")
        H, C = self.heads, self.out_channels
        key = self.lin_l(x_src).view(-1, H, C)
        query = key if x_dst is x_src and self.share_weights else self.lin_r(x_dst).view(-1, H, C)
        graph = as_graph(edge_index, x_dst.shape[0], x_src.shape[0])
        if self.add_self_loops:
            graph, edge_attr = add_self_loops(graph, edge_attr, self.fill_value)
        edge_proj = None
        if edge_attr is not None and self.lin_edge is not None:
            edge_attr = (edge_attr.unsqueeze(-1) if edge_attr.ndim == 1 else edge_attr).to(key.dtype)
            edge_proj = (self.lin_edge.weight.view(H, C, -1).permute(2, 0, 1).to(key.dtype), None)
        result = attention(
            query, key, key, graph, score=Additive(self.att[0], negative_slope=self.negative_slope),
            edge_attr=edge_attr, edge_proj=edge_proj,
            dropout=self.dropout if self.training else 0.0, return_weights=return_attention_weights,
        )  # fmt: skip
        return finish(result, graph, self.concat, None if self.res is None else self.res(x_dst), self.bias)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, heads={self.heads})"
