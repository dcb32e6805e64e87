"""GAT: graph attention whose score is the sum of two numbers, one per node."""

from dataclasses import replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.nn.dense.linear import Linear
from torch_geometric.nn.inits import glorot, zeros
from torch_geometric.typing import OptPairTensor, OptTensor
from torch_geometric.utils import softmax

from graphattn.nn.checks import as_pair, check_features
from graphattn.nn.pyg.conv.adjacency import Adjacency, Size, read
from graphattn.nn.pyg.conv.attention_conv import AttentionConv, OptInt
from graphattn.nn.pyg.conv.attention_heads import block_diagonal, check_heads, head_scores, join_heads
from graphattn.nn.pyg.conv.linear_maps import add_terms, linear_maps, map_features
from graphattn.nn.pyg.conv.projection import edge_columns, edge_features, edge_scores, readable_weight
from graphattn.nn.pyg.self_loops import FillValue
from graphattn.nn.sparse_features import is_sparse
from graphattn.ops.scores import Sum
from graphattn.ops.thresholds import is_small


class GATConv(AttentionConv):
    """Graph attention network layer: PyG's `GATConv`, on the fused operator.

        out_i = Σ_{j → i} α_ij W_s x_j,   α_ij = softmax_j leaky_relu(⟨a_s, W_s x_j⟩ + ⟨a_d, W_d x_i⟩ + ⟨a_e, W_e e_ij⟩)

    Args:
        in_channels: width of the input (then W_d is W_s), or a pair (sources, destinations); −1 to infer it at the
            first call.
        out_channels: width C of the output per head.
        heads: the number of heads H.
        concat: concatenate the heads (`H·C` wide) instead of averaging them (`C` wide).
        negative_slope: negative slope of the leaky ReLU.
        dropout: dropout probability on the attention weights.
        add_self_loops: whether each node attends to itself, by exactly one edge.
        edge_dim: width of edge features; None for none.
        fill_value: edge features of self-loops; see `graphattn.nn.pyg.self_loops.add_self_loops`.
        bias: add a learned bias.
        residual: add a learned linear map of the destination's input.
        **kwargs: further arguments of PyG's `MessagePassing` (`aggr`, `flow`, …).

    Shapes:
        x `[N, F]` or a pair `([N, F_s], [M, F_d] or None)`, dense or `torch.sparse_csr`;
        edge_attr `[E, edge_dim]` or `[E]` → `[M, H·C]`, or `[M, C]` for the mean of the heads.
        A destination without edges gets the bias, and the residual.

    Raises:
        ValueError, TypeError: an argument has a wrong size, type or device; the message names it.

    Veličković et al. 2018, arXiv:1710.10903, eq. 1-6.
    """

    edge_updater_type: ClassVar = {"alpha": OptPairTensor, "edge_attr": OptTensor}
    propagate_type: ClassVar = {"x": OptPairTensor, "alpha": Tensor}

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

        wide = heads * out_channels
        total = wide if concat else out_channels
        self.lin = self.lin_src = self.lin_dst = self.lin_edge = None
        if isinstance(in_channels, int):
            self.lin = Linear(in_channels, wide, bias=False, weight_initializer="glorot")
        else:
            self.lin_src = Linear(in_channels[0], wide, bias=False, weight_initializer="glorot")
            self.lin_dst = Linear(in_channels[1], wide, bias=False, weight_initializer="glorot")
        self.att_src = torch.nn.Parameter(torch.empty(1, heads, out_channels))
        self.att_dst = torch.nn.Parameter(torch.empty(1, heads, out_channels))
        if edge_dim is not None:
            self.lin_edge = Linear(edge_dim, wide, bias=False, weight_initializer="glorot")
            self.att_edge = torch.nn.Parameter(torch.empty(1, heads, out_channels))
        else:
            self.register_parameter("att_edge", None)
        if residual:
            width = in_channels if isinstance(in_channels, int) else in_channels[1]
            self.res = Linear(width, total, bias=False, weight_initializer="glorot")
        else:
            self.register_parameter("res", None)
        self.register_parameter("bias", torch.nn.Parameter(torch.empty(total)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform, bias 0."""
        super().reset_parameters()
        for linear in (self.lin, self.lin_src, self.lin_dst, self.lin_edge, self.res):
            if linear is not None:
                linear.reset_parameters()
        glorot(self.att_src)
        glorot(self.att_dst)
        glorot(self.att_edge)
        zeros(self.bias)

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor | None],
        edge_index: Any,
        edge_attr: Tensor | None = None,
        size: Size = None,
        return_attention_weights: bool | None = None,
    ) -> Any:
        """Apply the layer.

        Args:
            x: node features.
            edge_index: `[2, E]`, an `EdgeIndex`, a sparse matrix `[M, N]` (PyG's `adj_t`) or a `Graph`.
            edge_attr: edge features; ignored, as in PyG, by a layer without `edge_dim`.
            size: numbers of sources and destinations.
            return_attention_weights: also return `(edge_index, weights [E', H])`, self-loops included, as they
                multiplied the values: after dropout. (As in PyG it is the truth value that counts.)
        """
        x_src, x_dst = as_pair(x)
        to_src: Any = self.lin if self.lin is not None else self.lin_src
        to_dst: Any = self.lin if self.lin is not None else self.lin_dst
        check_features("x", x_src, to_src, sparse=True)
        if x_dst is not None and (x_dst is not x_src or to_dst is not to_src):
            check_features("x", x_dst, to_dst, sparse=True)
        edges = read(edge_index, edge_attr, (x_src, x_dst), size, self.flow, takes_numbers=self.lin_edge is not None)
        if self.lin_edge is None and edges.edge_attr is not None:
            edges = replace(edges, edge_attr=None)
        if self.add_self_loops:
            edges = self._with_self_loops(edges, self.fill_value)

        residual = map_features(x_dst, self.res) if x_dst is not None and self.res is not None else None
        H, C = self.heads, self.out_channels
        source, destination, scores = self._mapped(x_src, x_dst, to_src, to_dst)
        if self.sends_messages:
            out, weights = self._send(source, destination, scores, edges)
        else:
            out, weights = self._attend(source, scores, edges, bool(return_attention_weights))
        out = add_terms(join_heads(out, H * C, self.concat), residual, self.bias)
        return (out, edges.with_weights(weights)) if return_attention_weights else out

    def _attend(
        self, source: Tensor, scores: tuple[Tensor, Tensor | None], edges: Adjacency, return_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        key, query = scores
        graph = edges.attended
        query = key.new_zeros(graph.num_dst, self.heads) if query is None else query
        edge_bias = None
        if edges.edge_attr is not None and self.lin_edge is not None:
            features = edge_features(edge_columns(edges.edge_attr), self.lin_edge, source.dtype)
            edge_bias = edge_scores(features, self.lin_edge, self.att_edge)
        options: dict[str, Any] = {"hidden": edges.hidden, "return_weights": return_weights}
        if edges.hidden is not None and self.negative_slope <= 0:  # such a leaky ReLU would not leave −∞ as it is
            src, dst = graph.edge_index
            scores_of_edges = key.index_select(0, src) + query.index_select(0, dst)
            scores_of_edges = scores_of_edges if edge_bias is None else scores_of_edges + edge_bias
            bias = F.leaky_relu(scores_of_edges, self.negative_slope)
            return self._operate(None, None, source, graph, score="none", edge_bias=bias, **options)
        return self._operate(query, key, source, graph, score=Sum(self.negative_slope), edge_bias=edge_bias, **options)

    def _mapped(
        self, x_src: Tensor, x_dst: Tensor | None, to_src: Any, to_dst: Any
    ) -> tuple[Tensor, Tensor | None, tuple[Tensor, Tensor | None]]:
        """W_s x_j and W_d x_i, `[nodes, H, C]`, and the scores of each, `[nodes, H]`.

        Where the two are one, and x is large and no wider than what it is mapped to, scores are a map of x too, by
        ⟨a, W⟩.
        """
        H, C = self.heads, self.out_channels
        weight = None if is_small(x_src) or is_sparse(x_src) else readable_weight(to_src, x_src)
        if x_dst is x_src and to_dst is to_src and weight is not None and x_src.shape[1] <= weight.shape[0]:
            folded = block_diagonal(self.att_src, self.att_dst).t() @ weight
            rows, both = linear_maps(x_src, [(weight, None), (folded, None)])
            key, query = both.split(H, dim=1)
            return rows.view(-1, H, C), rows.view(-1, H, C), (key, query)
        source = map_features(x_src, to_src).view(-1, H, C)
        if x_dst is x_src and to_dst is to_src:
            key, query = head_scores(source, self.att_src, self.att_dst)
            return source, source, (key, query)
        (key,) = head_scores(source, self.att_src)
        if x_dst is None:
            return source, None, (key, None)
        destination = map_features(x_dst, to_dst).view(-1, H, C)
        (query,) = head_scores(destination, self.att_dst)
        return source, destination, (key, query)

    def _send(
        self,
        source: Tensor,
        destination: Tensor | None,
        scores: tuple[Tensor, Tensor | None],
        edges: Adjacency,
    ) -> tuple[Tensor, Tensor | None]:
        edge_index, size = edges.graph.edge_index, edges.size
        weights = self.edge_updater(edge_index, alpha=scores, edge_attr=edges.edge_attr, size=size)
        return self.propagate(edge_index, x=(source, destination), alpha=weights, size=size), weights

    def edge_update(
        self,
        alpha_j: Tensor,
        alpha_i: OptTensor,
        edge_attr: OptTensor,
        index: Tensor,
        ptr: OptTensor,
        dim_size: OptInt,
    ) -> Tensor:
        """α_ij of each edge."""
        alpha = alpha_j if alpha_i is None else alpha_j + alpha_i
        if edge_attr is not None and self.lin_edge is not None:
            features = edge_features(edge_columns(edge_attr), self.lin_edge, alpha.dtype)
            alpha = alpha + edge_scores(features, self.lin_edge, self.att_edge)
        alpha = softmax(F.leaky_relu(alpha, self.negative_slope), index, ptr, dim_size)
        return F.dropout(alpha, p=self.dropout, training=self.training)

    def message(self, x_j: Tensor, alpha: Tensor) -> Tensor:
        """α_ij W_s x_j of each edge."""
        return alpha.unsqueeze(-1) * x_j

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, heads={self.heads})"
