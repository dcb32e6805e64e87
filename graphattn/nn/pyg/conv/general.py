"""The general layer of the design space for graph networks, with attention or without."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.nn.dense.linear import Linear
from torch_geometric.nn.inits import glorot
from torch_geometric.typing import OptPairTensor, OptTensor
from torch_geometric.utils import softmax

from graphattn.nn.checks import as_pair, check_features
from graphattn.nn.pyg.conv.adjacency import Adjacency, Size, read
from graphattn.nn.pyg.conv.attention_conv import AttentionConv, OptInt, pair_scores
from graphattn.nn.pyg.conv.attention_heads import check_heads, head_scores
from graphattn.nn.pyg.conv.projection import as_projection, edge_columns, edge_features, readable_weight
from graphattn.ops.scores import Sum

SLOPE = 0.2
"""Negative slope of the leaky ReLU over the scores."""


class GeneralConv(AttentionConv):
    """General graph layer: PyG's `GeneralConv`; with `attention=True` on the fused operator.

        m_ij = W x_j (+ W_i x_i) (+ W_e e_ij),   out_i = mean over heads of Σ_{j → i} α_ij m_ij, + W_self x_i
        additive:     α_ij = softmax_j leaky_relu(⟨a, m_ij⟩)
        dot_product:  α_ij = softmax_j leaky_relu(⟨m_ij, m_ji⟩ / √C)
        no attention: α_ij = 1

    Without attention, and for dot products with edge features, the layer sends messages as PyG's does.

    Args:
        in_channels: width of the input, or a pair (sources, destinations); −1 to infer it at the first call.
        out_channels: width C of the output.
        in_edge_channels: width of edge features; None for none.
        aggr: how messages come together ("add", "mean", "max").
        skip_linear: map the node's own features linearly also where the widths are equal.
        directed_msg: whether a message is made of its source alone.
        heads: the number of heads H.
        attention: weigh the messages.
        attention_type: "additive" or "dot_product".
        l2_normalize: scale each output to length 1.
        bias: whether the maps have biases.
        **kwargs: further arguments of PyG's `MessagePassing` (`flow`, …).

    Shapes:
        x `[N, F]` or a pair `([N, F_s], [M, F_d])`; edge_attr `[E, in_edge_channels]` → `[M, C]`.

    You et al. 2020, arXiv:2011.08843, section 3.
    """

    propagate_type: ClassVar = {"x": OptPairTensor, "edge_attr": OptTensor}

    def __init__(
        self,
        in_channels: int | tuple[int, int],
        out_channels: int,
        in_edge_channels: int | None = None,
        aggr: str = "add",
        skip_linear: bool = False,
        directed_msg: bool = True,
        heads: int = 1,
        attention: bool = False,
        attention_type: str = "additive",
        l2_normalize: bool = False,
        bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(node_dim=0, **{"aggr": aggr} | kwargs)
        check_heads(out_channels, heads, 0.0)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.in_edge_channels = in_edge_channels
        self.aggr = aggr
        self.skip_linear = skip_linear
        self.directed_msg = directed_msg
        self.heads = heads
        self.attention = attention
        self.attention_type = attention_type
        self.normalize_l2 = l2_normalize

        src_width, dst_width = (in_channels, in_channels) if isinstance(in_channels, int) else in_channels
        wide = heads * out_channels
        self.lin_msg = Linear(src_width, wide, bias=bias)
        if not directed_msg:
            self.lin_msg_i = Linear(src_width, wide, bias=bias)
        if skip_linear or in_channels != out_channels:
            self.lin_self = Linear(dst_width, out_channels, bias=bias)
        else:
            self.lin_self = torch.nn.Identity()
        if in_edge_channels is not None:
            self.lin_edge = Linear(in_edge_channels, wide, bias=bias)
        if attention:
            if attention_type == "additive":
                self.att_msg = torch.nn.Parameter(torch.empty(1, heads, out_channels))
            elif attention_type == "dot_product":
                self.register_buffer("scaler", torch.tensor(out_channels, dtype=torch.float).sqrt())
            else:
                raise ValueError(f'attention_type is "additive" or "dot_product", got {attention_type!r}')
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights, as `torch.nn.Linear` does; Glorot uniform for the attention vector."""
        super().reset_parameters()
        self.lin_msg.reset_parameters()
        if isinstance(self.lin_self, Linear):
            self.lin_self.reset_parameters()
        if self.in_edge_channels is not None:
            self.lin_edge.reset_parameters()
        if self.attention and self.attention_type == "additive":
            glorot(self.att_msg)

    def forward(
        self, x: Tensor | tuple[Tensor, Tensor], edge_index: Any, edge_attr: Tensor | None = None, size: Size = None
    ) -> Tensor:
        """Apply the layer.

        Args:
            x: node features.
            edge_index: `[2, E]`, an `EdgeIndex`, a sparse matrix `[M, N]` (PyG's `adj_t`) or a `Graph`.
            edge_attr: edge features.
            size: numbers of sources and destinations.
        """
        x_src, x_dst = as_pair(x)
        if x_dst is None:
            raise ValueError("x is a pair without features of the destinations, which GeneralConv needs")
        check_features("x", x_src, self.lin_msg)
        check_features("x", x_dst, self.lin_self)
        edges = read(edge_index, edge_attr, (x_src, x_dst), size, self.flow)
        if edges.edge_attr is not None and self.in_edge_channels is None:
            raise ValueError("edge_attr is given, but the layer was made without in_edge_channels")
        products = self.attention and self.attention_type == "dot_product"
        by_messages = not self.attention or (products and edges.edge_attr is not None)
        if by_messages or self.sends_messages or not self._is_linear(x_src, edges.edge_attr):
            pair = (x_src, x_dst)
            out = self.propagate(edges.graph.edge_index, x=pair, edge_attr=edges.edge_attr, size=edges.size)
        else:
            out = self._by_products(x_src, x_dst, edges) if products else self._by_vector(x_src, x_dst, edges)
        out = out.mean(1) + self.lin_self(x_dst)
        return F.normalize(out, dim=-1) if self.normalize_l2 else out

    def _is_linear(self, x: Tensor, edge_attr: Tensor | None) -> bool:
        """Whether messages are the plain linear maps that they are taken apart into."""
        maps = [(self.lin_msg, x)]
        if not self.directed_msg:
            maps.append((self.lin_msg_i, x))
        if edge_attr is not None:
            maps.append((self.lin_edge, edge_columns(edge_attr)))
        return all(readable_weight(linear, rows, bias=True) is not None for linear, rows in maps)

    def _heads(self, rows: Tensor) -> Tensor:
        return rows.view(-1, self.heads, self.out_channels)

    def _by_vector(self, x_src: Tensor, x_dst: Tensor, edges: Adjacency) -> Tensor:
        """The parts of ⟨a, m_ij⟩ that are the source's, the destination's and the edge's own add up in GAT's score."""
        value = self._heads(self.lin_msg(x_src))
        terms: dict[str, Any] = {}
        if edges.edge_attr is not None:
            features = self._edge_features(edges.edge_attr, value.dtype)
            projection = as_projection(self.lin_edge.weight, self.heads, value.dtype)
            scores = torch.einsum("ahc,hc->ah", projection, self.att_msg[0].to(value.dtype))
            terms = {"edge_bias": features @ scores, "edge_attr": features, "edge_proj": (None, projection)}
            if self.lin_edge.bias is not None:  # the same for every edge, so that the source may bring it
                value = value + self._heads(self.lin_edge.bias).to(value.dtype)
        (key,) = head_scores(value, self.att_msg)
        query = key.new_zeros(edges.attended.num_dst, self.heads)
        own: Tensor | None = None
        if not self.directed_msg:
            own = self._heads(self.lin_msg_i(x_dst))
            (query,) = head_scores(own, self.att_msg)
        out, _ = self._operate(query, key, value, edges.attended, score=Sum(SLOPE), return_weights=False, **terms)
        if own is None:
            return out
        return out + own * (edges.attended.in_degree > 0).view(-1, 1, 1)  # whose weights add up to one

    def _by_products(self, x_src: Tensor, x_dst: Tensor, edges: Adjacency) -> Tensor:
        """The message of an edge and that of its reverse, each made of terms of its two ends, multiplied."""
        graph = edges.attended
        value, back = self._heads(self.lin_msg(x_src)), self._heads(self.lin_msg(x_dst))
        out_own: Tensor | None = None
        if self.directed_msg:
            products = pair_scores(back, value, graph)
        else:
            out_own, back_own = self._heads(self.lin_msg_i(x_dst)), self._heads(self.lin_msg_i(x_src))
            # ⟨v_j + o_i, b_i + c_j⟩ is one product of vectors of twice the width, and two numbers of the nodes.
            products = pair_scores(torch.cat([back, out_own], -1), torch.cat([value, back_own], -1), graph)
            src, dst = graph.edge_index
            products = products + (value * back_own).sum(-1).index_select(0, src)
            products = products + (out_own * back).sum(-1).index_select(0, dst)
        bias = F.leaky_relu(products / self.scaler.to(products.dtype), SLOPE)
        out, _ = self._operate(None, None, value, graph, score="none", edge_bias=bias, return_weights=False)
        return out if out_own is None else out + out_own * (graph.in_degree > 0).view(-1, 1, 1)

    def _edge_features(self, edge_attr: Tensor, dtype: torch.dtype) -> Tensor:
        return edge_features(edge_columns(edge_attr), self.lin_edge, dtype)

    def message_basic(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        """m_ij of each edge."""
        out = self.lin_msg(x_j)
        if not self.directed_msg:
            out = out + self.lin_msg_i(x_i)
        return out if edge_attr is None else out + self.lin_edge(self._edge_features(edge_attr, out.dtype))

    def message(self, x_i: Tensor, x_j: Tensor, edge_index_i: Tensor, size_i: OptInt, edge_attr: OptTensor) -> Tensor:
        """α_ij m_ij of each edge."""
        out = self._heads(self.message_basic(x_i, x_j, edge_attr))
        if not self.attention:
            return out
        if self.attention_type == "dot_product":
            alpha = (self._heads(self.message_basic(x_j, x_i, edge_attr)) * out).sum(-1) / self.scaler
        else:
            alpha = (out * self.att_msg).sum(-1)
        return out * softmax(F.leaky_relu(alpha, SLOPE), edge_index_i, num_nodes=size_i).unsqueeze(-1)
