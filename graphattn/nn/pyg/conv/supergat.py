"""SuperGAT: graph attention with a self-supervised link prediction loss."""

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.nn.dense.linear import Linear
from torch_geometric.nn.inits import glorot, zeros
from torch_geometric.utils import dropout_edge, softmax

from graphattn.graph.torch_modes import has_values
from graphattn.nn.checks import check_features
from graphattn.nn.pyg.conv.adjacency import Adjacency, read
from graphattn.nn.pyg.conv.attention_conv import AttentionConv, OptInt, pair_scores
from graphattn.nn.pyg.conv.attention_heads import check_heads, head_scores, join_heads
from graphattn.nn.pyg.conv.linear_maps import add_terms, map_features
from graphattn.nn.pyg.conv.negative_pairs import negative_pairs, weighted_negative_pairs


class SuperGATConv(AttentionConv):
    """Self-supervised graph attention layer: PyG's `SuperGATConv`, on the fused operator.

        out_i = Σ_{j → i} α_ij W x_j,   α_ij = softmax_j leaky_relu(s_ij)
        "SD": s_ij = ⟨W x_i, W x_j⟩ / √C
        "MX": s_ij = (⟨a_l, W x_j⟩ + ⟨a_r, W x_i⟩) · sigmoid(⟨W x_i, W x_j⟩)

    In training, negative pairs (without an edge) are scored too, and `get_attention_loss()` is the loss of predicting
    edges from the scores. One fused pass computes the scores of edges and a second one uses them, so that no tensor of
    size E·H·C is materialized for the edges.

    Args:
        in_channels: width of the input; −1 to infer it at the first call.
        out_channels: width C of the output per head.
        heads: the number of heads H.
        concat: concatenate the heads (`H·C` wide) instead of averaging them (`C` wide).
        negative_slope: negative slope of the leaky ReLU.
        dropout: dropout probability on the attention weights.
        add_self_loops: whether each node attends to itself, by exactly one edge.
        bias: add a learned bias.
        attention_type: "MX" or "SD".
        neg_sample_ratio: the number of negative pairs per edge.
        edge_sample_ratio: the fraction of edges that the loss uses.
        is_undirected: whether every edge is known to have its reverse.
        **kwargs: further arguments of PyG's `MessagePassing` (`aggr`, `flow`, …).

    Shapes:
        x `[N, F]`, dense or `torch.sparse_csr` → `[N, H·C]` or `[N, C]`. A node without edges gets the bias.

    Raises:
        ValueError, TypeError: an argument has a wrong size, type or device; the message names it.

    Kim & Oh 2021, arXiv:2204.04879, eq. 3-8.
    """

    propagate_type: ClassVar = {"x": Tensor}
    _pair_weights: Tensor | None = None  # weights of the rows of `att_x` in the loss; None for equal weights

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        heads: int = 1,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        add_self_loops: bool = True,
        bias: bool = True,
        attention_type: str = "MX",
        neg_sample_ratio: float = 0.5,
        edge_sample_ratio: float = 1.0,
        is_undirected: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(node_dim=0, **kwargs)
        check_heads(out_channels, heads, dropout)
        if attention_type not in ("MX", "SD"):
            raise ValueError(f'attention_type is "MX" or "SD", got {attention_type!r}')
        if not neg_sample_ratio > 0:
            raise ValueError(f"neg_sample_ratio must be above 0, got {neg_sample_ratio}")
        if not 0 < edge_sample_ratio <= 1:
            raise ValueError(f"edge_sample_ratio must be above 0 and at most 1, got {edge_sample_ratio}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.heads = heads
        self.concat = concat
        self.negative_slope = negative_slope
        self.dropout = dropout
        self.add_self_loops = add_self_loops
        self.attention_type = attention_type
        self.neg_sample_ratio = neg_sample_ratio
        self.edge_sample_ratio = edge_sample_ratio
        self.is_undirected = is_undirected

        self.lin = Linear(in_channels, heads * out_channels, bias=False, weight_initializer="glorot")
        mixed = attention_type == "MX"
        for name in ("att_l", "att_r"):
            vector = torch.nn.Parameter(torch.empty(1, heads, out_channels)) if mixed else None
            self.register_parameter(name, vector)
        self.att_x: Tensor | None = None
        self.att_y: Tensor | None = None
        total = heads * out_channels if concat else out_channels
        self.register_parameter("bias", torch.nn.Parameter(torch.empty(total)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform, bias 0."""
        super().reset_parameters()
        self.lin.reset_parameters()
        glorot(self.att_l)
        glorot(self.att_r)
        zeros(self.bias)

    def forward(
        self, x: Tensor, edge_index: Any, neg_edge_index: Tensor | None = None, batch: Tensor | None = None
    ) -> Tensor:
        """Apply the layer.

        Args:
            x: node features.
            edge_index: `[2, E]`, an `EdgeIndex`, a sparse matrix `[N, N]` (PyG's `adj_t`) or a `Graph`.
            neg_edge_index: pairs of nodes that are not linked, `[2, E']`, for the loss; drawn when None.
            batch: the graph of each node, so that pairs are drawn within graphs.
        """
        check_features("x", x, self.lin, sparse=True)
        edges = read(edge_index, None, (x, x), None, self.flow)
        if self.add_self_loops:
            edges = self._with_self_loops(edges)
        H, C = self.heads, self.out_channels
        x = map_features(x, self.lin).view(-1, H, C)
        products: Tensor | None = None
        if self.sends_messages:
            out = self.propagate(edges.graph.edge_index, x=x, size=edges.size)
        else:
            graph = edges.attended
            products = self._scaled(pair_scores(x, x, graph))
            src, dst = graph.edge_index
            bias = F.leaky_relu(self._mixed(products, x, dst, src), self.negative_slope)
            out, _ = self._operate(
                None, None, x, graph, score="none", edge_bias=bias, hidden=edges.hidden, return_weights=False
            )
        if self.training:
            self._compare(x, edges, products, neg_edge_index, batch)
        return add_terms(join_heads(out, H * C, self.concat), None, self.bias)

    def _scaled(self, products: Tensor) -> Tensor:
        return products / math.sqrt(self.out_channels) if self.attention_type == "SD" else products

    def _mixed(self, products: Tensor, x: Tensor, i: Tensor, j: Tensor) -> Tensor:
        """s_ij of the pairs (i, j), from the scaled products of their features."""
        if self.attention_type == "SD":
            return products
        left, right = head_scores(x, self.att_l, self.att_r)
        return (left.index_select(0, j) + right.index_select(0, i)) * products.sigmoid()

    def _compare(
        self,
        x: Tensor,
        edges: Adjacency,
        products: Tensor | None,
        neg_edge_index: Tensor | None,
        batch: Tensor | None,
    ) -> None:
        """Store the scaled products of positive and negative pairs for the loss."""
        edge_index, negative = edges.graph.edge_index, neg_edge_index
        if products is not None and not has_values(edge_index):
            negative, self._pair_weights = self._weighted_pairs(edges, x.shape[0], negative, batch)
        else:
            linked = self.positive_sampling(edge_index)
            if products is None or linked.size(1) != edge_index.size(1):
                products = self._products(x, linked)
            if negative is None:
                negative = self.negative_sampling(edge_index, x.shape[0], batch)
            self._pair_weights = None
        self.att_x = torch.cat([products, self._products(x, negative)])
        self.att_y = self.att_x.new_zeros(self.att_x.shape[0])
        self.att_y[: products.shape[0]] = 1.0

    def _weighted_pairs(
        self, edges: Adjacency, num_nodes: int, negative: Tensor | None, batch: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Negative pairs, and the weights of all edges followed by those of the pairs, for compiled programs.

        There, sizes must depend neither on the samples nor on the hidden edges.
        """
        edge_index, hidden = edges.graph.edge_index, edges.hidden
        counts = torch.rand(edge_index.size(1), device=edge_index.device) < self.edge_sample_ratio
        counts = counts if hidden is None else counts & ~hidden
        if negative is not None:
            return negative, torch.cat([counts.float(), counts.new_ones(negative.size(1)).float()])
        ratio = self.neg_sample_ratio * self.edge_sample_ratio
        pairs, weights = weighted_negative_pairs(edge_index, hidden, num_nodes, ratio, batch, self.is_undirected)
        return pairs, torch.cat([counts.float(), weights])

    def _products(self, x: Tensor, pairs: Tensor) -> Tensor:
        return self._scaled((x[pairs[1]] * x[pairs[0]]).sum(-1))

    def message(self, edge_index_i: Tensor, x_i: Tensor, x_j: Tensor, size_i: OptInt) -> Tensor:
        """α_ij W x_j of each edge."""
        alpha = self.get_attention(edge_index_i, x_i, x_j, num_nodes=size_i)
        return x_j * F.dropout(alpha, p=self.dropout, training=self.training).unsqueeze(-1)

    def negative_sampling(self, edge_index: Tensor, num_nodes: int, batch: Tensor | None = None) -> Tensor:
        """Sample pairs of nodes without an edge in either direction, `[2, E']`."""
        ratio = self.neg_sample_ratio * self.edge_sample_ratio
        return negative_pairs(edge_index, num_nodes, ratio, batch, self.is_undirected)

    def positive_sampling(self, edge_index: Tensor) -> Tensor:
        """Sample a fraction of the edges, in training."""
        return dropout_edge(edge_index, p=1.0 - self.edge_sample_ratio, training=self.training)[0]

    def get_attention(
        self, edge_index_i: Tensor, x_i: Tensor, x_j: Tensor, num_nodes: int | None, return_logits: bool = False
    ) -> Tensor:
        """Weights `[E, H]` of pairs with features `x_i`, `x_j`; or the products before them."""
        products = self._scaled((x_i * x_j).sum(-1))
        if return_logits:
            return products
        if self.attention_type == "MX":
            products = ((x_j * self.att_l).sum(-1) + (x_i * self.att_r).sum(-1)) * products.sigmoid()
        return softmax(F.leaky_relu(products, self.negative_slope), edge_index_i, num_nodes=num_nodes)

    def get_attention_loss(self) -> Tensor:
        """Binary cross-entropy of the last call's mean scores, edges against negative pairs; 0 in evaluation."""
        if not self.training:
            return torch.tensor([0], device=self.lin.weight.device)
        if self.att_x is None or self.att_y is None:
            raise RuntimeError("get_attention_loss needs a call of the layer in training before it")
        scores, weights = self.att_x.mean(-1), self._pair_weights
        if weights is None:
            return F.binary_cross_entropy_with_logits(scores, self.att_y)
        return F.binary_cross_entropy_with_logits(scores, self.att_y, weights, reduction="sum") / weights.sum()

    def __repr__(self) -> str:
        shown = f"{self.in_channels}, {self.out_channels}, heads={self.heads}, type={self.attention_type}"
        return f"{type(self).__name__}({shown})"
