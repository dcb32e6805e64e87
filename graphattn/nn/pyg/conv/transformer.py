"""The graph Transformer layer: scaled dot-product attention over the edges, with edge features and a gated skip."""

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.nn.dense.linear import Linear
from torch_geometric.typing import OptTensor, SparseTensor
from torch_geometric.utils import softmax

from graphattn.graph import Graph
from graphattn.nn.checks import as_pair, check_features
from graphattn.nn.pyg.conv.adjacency import Adjacency, read
from graphattn.nn.pyg.conv.attention_conv import AttentionConv, OptInt
from graphattn.nn.pyg.conv.attention_heads import check_heads, join_heads
from graphattn.nn.pyg.conv.linear_maps import add_terms, map_rows
from graphattn.nn.pyg.conv.projection import edge_features, edge_terms, initialize, readable_weight
from graphattn.nn.pyg.writable import writable
from graphattn.ops.attention import attention


class TransformerConv(AttentionConv):
    """Graph Transformer layer: PyG's `TransformerConv`, on the fused operator.

        out_i = W_skip x_i + Σ_{j → i} α_ij (W_v x_j + W_e e_ij),
        α_ij = softmax_j ⟨W_q x_i, W_k x_j + W_e e_ij⟩ / √C

    and with `beta` a gate between the two terms (r_i the first, m_i the second):

        out_i = β_i r_i + (1 − β_i) m_i,   β_i = sigmoid(⟨w, [m_i, r_i, m_i − r_i]⟩)

    No tensor of size E·H·C is materialized, with or without edge features.

    Args:
        in_channels: width of the input, or a pair (sources, destinations); −1 to infer it at the first call.
        out_channels: width C of the output per head.
        heads: the number of heads H.
        concat: concatenate the heads (`H·C` wide) instead of averaging them (`C` wide).
        beta: learn the gate.
        dropout: dropout probability on the attention weights.
        edge_dim: width of edge features; None for none.
        bias: whether the maps of nodes have biases.
        root_weight: add the destination's own features (the first term).
        **kwargs: further arguments of PyG's `MessagePassing` (`aggr`, `flow`, …).

    Shapes:
        x `[N, F]` or a pair `([N, F_s], [M, F_d])`, dense or `torch.sparse_csr`;
        edge_attr `[E, edge_dim]` → `[M, H·C]` or `[M, C]`.
        A destination without edges gets the first term.

    Raises:
        ValueError, TypeError: an argument has a wrong size, type or device; the message names it.

    Shi et al. 2021, arXiv:2009.03509, eq. 3-5.
    """

    propagate_type: ClassVar = {"query": Tensor, "key": Tensor, "value": Tensor, "edge_attr": OptTensor}

    def __init__(
        self,
        in_channels: int | tuple[int, int],
        out_channels: int,
        heads: int = 1,
        concat: bool = True,
        beta: bool = False,
        dropout: float = 0.0,
        edge_dim: int | None = None,
        bias: bool = True,
        root_weight: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(node_dim=0, **kwargs)
        check_heads(out_channels, heads, dropout)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.heads = heads
        self.beta = beta and root_weight
        self.root_weight = root_weight
        self.concat = concat
        self.dropout = dropout
        self.edge_dim = edge_dim
        self._alpha: Tensor | None = None

        wide = heads * out_channels
        total = wide if concat else out_channels
        src_width, dst_width = (in_channels, in_channels) if isinstance(in_channels, int) else in_channels
        self.lin_key = Linear(src_width, wide, bias=bias)
        self.lin_query = Linear(dst_width, wide, bias=bias)
        self.lin_value = Linear(src_width, wide, bias=bias)
        if edge_dim is not None:
            self.lin_edge = Linear(edge_dim, wide, bias=False)
        else:
            self.register_parameter("lin_edge", None)
        self.lin_skip = Linear(dst_width, total, bias=bias)
        if self.beta:
            self.lin_beta = Linear(3 * total, 1, bias=False)
        else:
            self.register_parameter("lin_beta", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights, as `torch.nn.Linear` does."""
        super().reset_parameters()
        for linear in (self.lin_key, self.lin_query, self.lin_value, self.lin_edge, self.lin_skip, self.lin_beta):
            if linear is not None:
                linear.reset_parameters()

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
            edge_attr: edge features; a layer with `edge_dim` needs them.
            return_attention_weights: also return `(edge_index, weights [E, H])`, before dropout. (As in PyG True and
                False both mean yes, and None means no.)
        """
        x_src, x_dst = as_pair(x)
        if x_dst is None:
            raise ValueError("x is a pair without features of the destinations, which TransformerConv needs")
        for features, linear in ((x_src, self.lin_key), (x_dst, self.lin_query)):
            check_features("x", features, linear, sparse=True)
        edges = read(edge_index, edge_attr, (x_src, x_dst), None, self.flow)
        if edges.edge_attr is None and self.lin_edge is not None:
            raise ValueError(f"edge_attr is missing, which a layer with edge_dim={self.edge_dim} needs")
        if edges.edge_attr is not None and self.lin_edge is None:
            raise ValueError("edge_attr is given, but the layer was made without edge_dim")

        H, C = self.heads, self.out_channels
        query, key, value, root = self._mapped(x_src, x_dst, edges.edge_attr)
        query, key, value = (rows.view(-1, H, C) for rows in (query, key, value))
        return_weights = isinstance(return_attention_weights, bool)
        if self.sends_messages:
            out, weights = self._send(query, key, value, edges)
        else:
            out, weights = self._attend(query, key, value, edges, return_weights)
        out = join_heads(out, H * C, self.concat)
        if root is not None and self.lin_beta is not None:
            out = torch.lerp(out, root, self._gate(out, root))
        elif root is not None:
            out = add_terms(out, root, None)
        if not return_weights:
            return out
        if isinstance(edge_index, SparseTensor):
            return out, edges.with_weights(weights)
        return out, (edges.graph.edge_index if isinstance(edge_index, Graph) else edge_index, weights)

    def _mapped(
        self, x_src: Tensor, x_dst: Tensor, edge_attr: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """W_q x_i, W_k x_j and W_v x_j, `[nodes, H·C]`, and W_skip x_i, or None where it is not added."""
        query, key, value = self.lin_query, self.lin_key, self.lin_value
        skips = (self.lin_skip,) if self.root_weight else ()
        of_rows = (
            (query, x_dst),
            (key, x_src),
            (value, x_src),
            (self.lin_edge, edge_attr),
            *((skip, x_dst) for skip in skips),
        )
        for linear, rows in of_rows:
            if linear is not None and rows is not None:
                initialize(linear, rows)  # in PyG's order
        if x_src is x_dst:
            q, k, v, *root = map_rows(x_src, query, key, value, *skips)
        else:
            q, *root = map_rows(x_dst, query, *skips)
            k, v = map_rows(x_src, key, value)
        return q, k, v, root[0] if root else None

    def _gate(self, out: Tensor, root: Tensor) -> Tensor:
        """sigmoid(⟨w, [m, r, m − r]⟩), as ⟨w_1 + w_3, m⟩ + ⟨w_2 − w_3, r⟩ if w is readable."""
        weight = readable_weight(self.lin_beta, out)
        if weight is None:
            return self.lin_beta(torch.cat([out, root, out - root], dim=-1)).sigmoid()
        first, second, difference = weight.chunk(3, dim=1)
        return (F.linear(out, first + difference) + F.linear(root, second - difference)).sigmoid()

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, edges: Adjacency, return_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        options: dict[str, Any] = {"scale": 1 / math.sqrt(self.out_channels)}
        if edges.edge_attr is not None:
            features = edge_features(edges.edge_attr, self.lin_edge, value.dtype)
            options |= edge_terms(features, self.lin_edge, self.heads, values=True)
        if not return_weights or not self.training or not self.dropout:
            out, weights = self._operate(query, key, value, edges.attended, return_weights=return_weights, **options)
        else:
            out, _ = self._operate(query, key, value, edges.attended, return_weights=False, **options)
            _, weights = attention(query, key, value, edges.attended, return_weights=True, **options)  # before dropout
        return out if self.root_weight else writable(out), weights

    def _send(self, query: Tensor, key: Tensor, value: Tensor, edges: Adjacency) -> tuple[Tensor, Tensor | None]:
        out = self.propagate(
            edges.graph.edge_index, query=query, key=key, value=value, edge_attr=edges.edge_attr, size=edges.size
        )
        weights, self._alpha = self._alpha, None
        return out, weights

    def message(
        self,
        query_i: Tensor,
        key_j: Tensor,
        value_j: Tensor,
        edge_attr: OptTensor,
        index: Tensor,
        ptr: OptTensor,
        size_i: OptInt,
    ) -> Tensor:
        """α_ij (W_v x_j + W_e e_ij) of each edge; leaves α where PyG's explainers look for it."""
        if edge_attr is not None:
            features = edge_features(edge_attr, self.lin_edge, value_j.dtype)
            mapped = self.lin_edge(features).view(-1, self.heads, self.out_channels)
            key_j, value_j = key_j + mapped, value_j + mapped
        alpha = (query_i * key_j).sum(-1) / math.sqrt(self.out_channels)
        self._alpha = softmax(alpha, index, ptr, size_i)
        return value_j * F.dropout(self._alpha, p=self.dropout, training=self.training).unsqueeze(-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, heads={self.heads})"
