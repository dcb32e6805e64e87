"""GATv2: graph attention with an additive score."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.nn.dense.linear import Linear
from torch_geometric.nn.inits import glorot, zeros
from torch_geometric.typing import OptTensor, PairTensor
from torch_geometric.utils import softmax

from graphattn.nn.checks import as_pair, check_features
from graphattn.nn.pyg.conv.adjacency import Adjacency, read
from graphattn.nn.pyg.conv.attention_conv import AttentionConv, OptInt
from graphattn.nn.pyg.conv.attention_heads import check_heads, join_heads
from graphattn.nn.pyg.conv.linear_maps import add_terms, map_features, map_rows
from graphattn.nn.pyg.conv.projection import edge_columns, edge_features, edge_terms
from graphattn.nn.pyg.self_loops import FillValue
from graphattn.ops.scores import Additive


class GATv2Conv(AttentionConv):
    """Graph attention with dynamic attention: PyG's `GATv2Conv`, on the fused operator.

        out_i = Σ_{j → i} α_ij W_l x_j,   α_ij = softmax_j ⟨a, leaky_relu(W_r x_i + W_l x_j + W_e e_ij)⟩

    Unlike GAT, which ranks its neighbors alike for every query, each node can rank them its own way.

    Args:
        in_channels: width of the input, or a pair (sources, destinations) for bipartite graphs; −1 to infer it at the
            first call.
        out_channels: width C of the output per head.
        heads: the number of heads H.
        concat: concatenate the heads (`H·C` wide) instead of averaging them (`C` wide).
        negative_slope: negative slope of the leaky ReLU.
        dropout: dropout probability on the attention weights.
        add_self_loops: whether each node attends to itself, by exactly one edge.
        edge_dim: width of edge features; None for none.
        fill_value: edge features of self-loops; see `graphattn.nn.pyg.self_loops.add_self_loops`.
        bias: whether W_l, W_r and the output have biases.
        share_weights: W_r is W_l.
        residual: add a learned linear map of the destination's input.
        **kwargs: further arguments of PyG's `MessagePassing` (`aggr`, `flow`, …).

    Shapes:
        x `[N, F]` or a pair `([N, F_s], [M, F_d])`, dense or `torch.sparse_csr`;
        edge_attr `[E, edge_dim]` or `[E]` → `[M, H·C]` or `[M, C]`.
        A destination without edges gets the bias, and the residual.

    Raises:
        ValueError, TypeError: an argument has a wrong size, type or device; the message names it.

    Brody et al. 2022, arXiv:2105.14491, eq. 7.
    """

    edge_updater_type: ClassVar = {"x": PairTensor, "edge_attr": OptTensor}
    propagate_type: ClassVar = {"x": PairTensor, "alpha": Tensor}

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
        **kwargs: Any,
    ) -> None:
        super().__init__(node_dim=0, **kwargs)
        check_heads(out_channels, heads, dropout)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.heads = heads
        self.concat = concat
        self.negative_slope = negative_slope
        self.dropout = dropout
        self.add_self_loops = add_self_loops
        self.edge_dim = edge_dim
        self.fill_value = fill_value
        self.residual = residual
        self.share_weights = share_weights

        wide = heads * out_channels
        total = wide if concat else out_channels
        src_width, dst_width = (in_channels, in_channels) if isinstance(in_channels, int) else in_channels
        self.lin_l = Linear(src_width, wide, bias=bias, weight_initializer="glorot")
        self.lin_r = self.lin_l
        if not share_weights:
            self.lin_r = Linear(dst_width, wide, bias=bias, weight_initializer="glorot")
        self.att = torch.nn.Parameter(torch.empty(1, heads, out_channels))
        self.lin_edge = None
        if edge_dim is not None:
            self.lin_edge = Linear(edge_dim, wide, bias=False, weight_initializer="glorot")
        if residual:
            self.res = Linear(dst_width, total, bias=False, weight_initializer="glorot")
        else:
            self.register_parameter("res", None)
        self.register_parameter("bias", torch.nn.Parameter(torch.empty(total)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform; the output's bias 0, those of W_l and W_r as in `torch.nn.Linear`."""
        super().reset_parameters()
        for linear in (self.lin_l, self.lin_r, self.lin_edge, self.res):
            if linear is not None:
                linear.reset_parameters()
        glorot(self.att)
        zeros(self.bias)

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        edge_index: Any,
        edge_attr: Tensor | None = None,
        return_attention_weights: bool | None = None,
    ) -> Any:
        """Apply the layer.

        Args:
            x: node features.
            edge_index: `[2, E]`, an `EdgeIndex`, a sparse matrix `[M, N]` (PyG's `adj_t`) or a `Graph`.
            edge_attr: edge features.
            return_attention_weights: also return `(edge_index, weights [E', H])`, self-loops included, as they
                multiplied the values: after dropout. (As in PyG it is the truth value that counts.)
        """
        x_src, x_dst = as_pair(x)
        if x_dst is None:
            raise ValueError("x is a pair without features of the destinations, which GATv2 needs")
        check_features("x", x_src, self.lin_l, sparse=True)
        check_features("x", x_dst, self.lin_r, sparse=True)
        edges = read(edge_index, edge_attr, (x_src, x_dst), None, self.flow, takes_numbers=self.lin_edge is not None)
        if edges.edge_attr is not None and self.lin_edge is None:
            raise ValueError("edge_attr is given, but the layer was made without edge_dim")
        if self.add_self_loops:
            edges = self._with_self_loops(edges, self.fill_value)

        residual = None if self.res is None else map_features(x_dst, self.res)
        H, C = self.heads, self.out_channels
        left, right = (rows.view(-1, H, C) for rows in self._mapped(x_src, x_dst))
        if self.sends_messages:
            out, weights = self._send(left, right, edges)
        else:
            out, weights = self._attend(left, right, edges, bool(return_attention_weights))
        out = add_terms(join_heads(out, H * C, self.concat), residual, self.bias)
        return (out, edges.with_weights(weights)) if return_attention_weights else out

    def _mapped(self, x_src: Tensor, x_dst: Tensor) -> tuple[Tensor, Tensor]:
        """W_l x_j and W_r x_i, `[nodes, H·C]`."""
        if x_dst is x_src and self.share_weights:
            rows = map_features(x_src, self.lin_l)
            return rows, rows
        if x_dst is not x_src:
            return map_features(x_src, self.lin_l), map_features(x_dst, self.lin_r)
        left, right = map_rows(x_src, self.lin_l, self.lin_r)
        return left, right

    def _attend(
        self, left: Tensor, right: Tensor, edges: Adjacency, return_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        terms: dict[str, Any] = {"hidden": edges.hidden}
        if edges.edge_attr is not None:
            features = edge_features(edge_columns(edges.edge_attr), self.lin_edge, left.dtype)
            terms |= edge_terms(features, self.lin_edge, self.heads, values=False)
        score = Additive(self.att.squeeze(0), negative_slope=self.negative_slope)
        return self._operate(right, left, left, edges.attended, score=score, return_weights=return_weights, **terms)

    def _send(self, left: Tensor, right: Tensor, edges: Adjacency) -> tuple[Tensor, Tensor | None]:
        edge_index, size = edges.graph.edge_index, edges.size
        weights = self.edge_updater(edge_index, x=(left, right), edge_attr=edges.edge_attr, size=size)
        return self.propagate(edge_index, x=(left, right), alpha=weights, size=size), weights

    def edge_update(
        self, x_j: Tensor, x_i: Tensor, edge_attr: OptTensor, index: Tensor, ptr: OptTensor, dim_size: OptInt
    ) -> Tensor:
        """α_ij of each edge."""
        hidden = x_i + x_j
        if edge_attr is not None:
            features = edge_features(edge_columns(edge_attr), self.lin_edge, hidden.dtype)
            assert self.lin_edge is not None  # the layer's forward has seen to it
            hidden = hidden + self.lin_edge(features).view(-1, self.heads, self.out_channels)
        alpha = (F.leaky_relu(hidden, self.negative_slope) * self.att).sum(-1)
        return F.dropout(softmax(alpha, index, ptr, dim_size), p=self.dropout, training=self.training)

    def message(self, x_j: Tensor, alpha: Tensor) -> Tensor:
        """α_ij W_l x_j of each edge."""
        return x_j * alpha.unsqueeze(-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, heads={self.heads})"
