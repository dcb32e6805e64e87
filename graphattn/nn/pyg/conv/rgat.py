"""RGAT: graph attention with a weight matrix for each relation."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.nn.dense.linear import Linear
from torch_geometric.nn.inits import glorot, ones, zeros
from torch_geometric.typing import OptTensor
from torch_geometric.utils import softmax

from graphattn.nn.checks import check_features
from graphattn.nn.plain import known
from graphattn.nn.pyg.conv.adjacency import Size, matrix_values, read
from graphattn.nn.pyg.conv.attention_conv import AttentionConv, OptInt
from graphattn.nn.pyg.conv.attention_heads import check_heads
from graphattn.nn.pyg.conv.projection import edge_columns, edge_features
from graphattn.nn.pyg.conv.relations import relations_of
from graphattn.nn.pyg.writable import writable
from graphattn.ops.attention import attention

MODS = ("additive", "scaled", "f-additive", "f-scaled")


@known
class RGATConv(AttentionConv):
    """Relational graph attention layer: PyG's `RGATConv`, on the fused operator.

        out_i = Σ_{j → i in r} α_ij W_r x_j,   α_ij = softmax_j s_ij,   over all edges into i or those of each relation
        additive:        s_ij = leaky_relu(⟨q, W_r x_i⟩ + ⟨k, W_r x_j⟩ + ⟨e, W_e e_ij⟩)
        multiplicative:  s_ij = ⟨q, W_r x_i⟩ · ⟨k, W_r x_j⟩ · ⟨e, W_e e_ij⟩

    Nodes are mapped once per relation in which they have edges, not once per edge, and no tensor of size E·H·C is
    materialized.

    Args:
        in_channels: width of the input.
        out_channels: width C of the output per head.
        num_relations: the number of relations R.
        num_bases: use basis decomposition with this many bases.
        num_blocks: use block-diagonal decomposition with this many blocks.
        mod: how degrees enter: None, "additive", "scaled", "f-additive" or "f-scaled" (Zhang & Xie 2020).
        attention_mechanism: "across-relation" or "within-relation": whose edges compete.
        attention_mode: "additive-self-attention" or "multiplicative-self-attention".
        heads: the number of heads H.
        dim: weights of each head; more than 1 with the multiplicative mode alone.
        concat: concatenate the heads instead of averaging them.
        negative_slope: negative slope of the leaky ReLU.
        dropout: on the attention weights, in training; without a `mod` only.
        edge_dim: width of edge features; None for none.
        bias: add a learned bias.
        **kwargs: further arguments of PyG's `MessagePassing` (`aggr`, `flow`, …).

    Shapes:
        x `[N, F]`, edge_type `[E]`, edge_attr `[E, edge_dim]` or `[E]` → `[N, H·dim·C]`, or `[N, dim·C]` for the mean
        of the heads. A node without edges gets the bias.

    Raises:
        ValueError, TypeError: an argument has a wrong size, type or device; the message names it.

    Busbridge et al. 2019, arXiv:1904.05811, eq. 1-8.
    """

    propagate_type: ClassVar = {"x": Tensor, "edge_type": OptTensor, "edge_attr": OptTensor}

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_relations: int,
        num_bases: int | None = None,
        num_blocks: int | None = None,
        mod: str | None = None,
        attention_mechanism: str = "across-relation",
        attention_mode: str = "additive-self-attention",
        heads: int = 1,
        dim: int = 1,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        edge_dim: int | None = None,
        bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(node_dim=0, **kwargs)
        check_heads(out_channels, heads, dropout)
        if attention_mechanism not in ("within-relation", "across-relation"):
            message = '"within-relation" or "across-relation"'
            raise ValueError(f"attention_mechanism is {message}, got {attention_mechanism!r}")
        if attention_mode not in ("additive-self-attention", "multiplicative-self-attention"):
            message = '"additive-self-attention" or "multiplicative-self-attention"'
            raise ValueError(f"attention_mode is {message}, got {attention_mode!r}")
        if attention_mode == "additive-self-attention" and dim > 1:
            raise ValueError(f'dim={dim} needs attention_mode="multiplicative-self-attention"')
        if mod is not None and mod not in MODS:
            raise ValueError(f"mod is None or one of {', '.join(MODS)}; got {mod!r}")
        if dropout > 0 and mod is not None:
            raise ValueError(f"dropout={dropout} needs mod=None, got mod={mod!r}")
        if num_bases is not None and num_blocks is not None:
            raise ValueError(f"give num_bases or num_blocks, not both: got {num_bases} and {num_blocks}")
        self.heads = heads
        self.negative_slope = negative_slope
        self.dropout = dropout
        self.mod = mod
        self.activation = torch.nn.ReLU()
        self.concat = concat
        self.attention_mode = attention_mode
        self.attention_mechanism = attention_mechanism
        self.dim = dim
        self.edge_dim = edge_dim
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.num_relations = num_relations
        self.num_bases = num_bases
        self.num_blocks = num_blocks

        wide = heads * out_channels
        self.q = torch.nn.Parameter(torch.empty(wide, heads * dim))
        self.k = torch.nn.Parameter(torch.empty(wide, heads * dim))
        total = dim * (wide if concat else out_channels)
        self.register_parameter("bias", torch.nn.Parameter(torch.empty(total)) if bias else None)
        if edge_dim is not None:
            self.lin_edge = Linear(edge_dim, wide, bias=False, weight_initializer="glorot")
            self.e = torch.nn.Parameter(torch.empty(wide, heads * dim))
        else:
            self.lin_edge = None
            self.register_parameter("e", None)
        if num_bases is not None:
            self.att = torch.nn.Parameter(torch.empty(num_relations, num_bases))
            self.basis = torch.nn.Parameter(torch.empty(num_bases, in_channels, wide))
        elif num_blocks is not None:
            if in_channels % num_blocks or wide % num_blocks:
                raise ValueError(
                    f"num_blocks={num_blocks} must divide in_channels={in_channels} and heads * out_channels={wide}"
                )
            block = in_channels // num_blocks, wide // num_blocks
            self.weight = torch.nn.Parameter(torch.empty(num_relations, num_blocks, *block))
        else:
            self.weight = torch.nn.Parameter(torch.empty(num_relations, in_channels, wide))
        self.w = torch.nn.Parameter(torch.ones(out_channels))
        self.l1 = torch.nn.Parameter(torch.empty(1, out_channels))
        self.b1 = torch.nn.Parameter(torch.empty(1, out_channels))
        self.l2 = torch.nn.Parameter(torch.empty(out_channels, out_channels))
        self.b2 = torch.nn.Parameter(torch.empty(1, out_channels))
        self._alpha: Tensor | None = None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform, biases 0, the map of degrees 1 and 1 / C (PyG leaves that unset)."""
        super().reset_parameters()
        if self.num_bases is not None:
            glorot(self.basis)
            glorot(self.att)
        else:
            glorot(self.weight)
        glorot(self.q)
        glorot(self.k)
        zeros(self.bias)
        ones(self.l1)
        zeros(self.b1)
        torch.nn.init.constant_(self.l2, 1 / self.out_channels)
        zeros(self.b2)
        if self.lin_edge is not None:
            glorot(self.lin_edge)
            glorot(self.e)

    def forward(
        self,
        x: Tensor,
        edge_index: Any,
        edge_type: Tensor | None = None,
        edge_attr: Tensor | None = None,
        size: Size = None,
        return_attention_weights: bool | None = None,
    ) -> Any:
        """Apply the layer.

        Args:
            x: node features.
            edge_index: `[2, E]`, an `EdgeIndex`, a sparse matrix `[N, N]` (PyG's `adj_t`) or a `Graph`.
            edge_type: the relation of each edge; None for the values of a matrix.
            edge_attr: edge features.
            size: numbers of sources and destinations; there is one set of nodes, so both are N.
            return_attention_weights: also return `(edge_index, weights [E, H·dim])`, before `mod` and dropout. (As in
                PyG True and False both mean yes, and None means no.)
        """
        check_features("x", x, self)
        edges = read(edge_index, edge_attr, (x, x), size, self.flow)
        edge_type = matrix_values(edge_index) if edge_type is None else edge_type
        if edge_type is None:
            raise ValueError("edge_type is missing: the relation of each edge, [E]")
        if edges.edge_attr is not None and self.lin_edge is None:
            raise ValueError("edge_attr is given, but the layer was made without edge_dim")
        relations = relations_of(edges.attended, edge_type, self.num_relations)
        if self.sends_messages:
            out = self.propagate(
                edges.graph.edge_index, x=x, edge_type=edge_type.long(), edge_attr=edges.edge_attr, size=edges.size
            )
            weights, self._alpha = self._alpha, None
        else:
            weight = self._weight().to(x.dtype)
            value = relations.sources.mapped(x, weight)
            query = relations.destinations.mapped(x, weight) @ self.q
            logits = self._logits(
                query.index_select(0, relations.destinations.of_edge),
                (value @ self.k).index_select(0, relations.sources.of_edge),
                edges.edge_attr,
            ).to(value.dtype)
            value = value.view(-1, self.heads, self.out_channels)
            out, weights = self._attend(value, logits, relations)
            out = self.update(out.unflatten(1, (self.heads, self.dim)) if self._multiplies else out)
        if not isinstance(return_attention_weights, bool):
            return out
        return out, edges.with_weights(weights)

    @property
    def _multiplies(self) -> bool:
        return self.attention_mode == "multiplicative-self-attention"

    def _weight(self) -> Tensor:
        """The matrix of each relation, `[R, F, H·C]`, or its blocks."""
        if self.num_bases is None:
            return self.weight
        return torch.einsum("rb,bfc->rfc", self.att, self.basis)

    def _logits(self, query: Tensor, key: Tensor, edge_attr: Tensor | None) -> Tensor:
        """s_ij of each edge, `[E, H·dim]`."""
        term: Tensor | None = None
        if edge_attr is not None and self.lin_edge is not None:
            term = self.lin_edge(edge_features(edge_columns(edge_attr), self.lin_edge, query.dtype)) @ self.e
        if self._multiplies:
            return query * key if term is None else query * key * term
        return F.leaky_relu(query + key if term is None else query + key + term, self.negative_slope)

    def _attend(self, value: Tensor, logits: Tensor, relations: Any) -> tuple[Tensor, Tensor]:
        """Weighted sums `[M, H·dim, C]` and the weights before `mod` and dropout."""
        graph, within = relations.graph, self.attention_mechanism == "within-relation"
        result = attention(
            None, None, value, relations.within if within else graph, score="none", edge_bias=logits,
            return_weights=True,
        )  # fmt: skip
        assert isinstance(result, tuple)
        out, weights = result
        if self.mod == "f-additive":
            out = self._sum(value, torch.where(weights > 0, weights + 1, weights), graph)
        elif self.training and self.dropout:
            out = self._sum(value, F.dropout(weights, self.dropout), graph)
        elif within:  # from pairs (relation, destination) to destinations
            whole = out.new_zeros(graph.num_dst, *out.shape[1:])
            out = whole.index_add(0, relations.destinations.node, out)
        if self.mod == "additive":
            out = out + self.w * self._sum(value, torch.ones_like(weights), graph)
        degree = graph.in_degree.to(out.dtype).view(-1, 1)
        if self.mod == "scaled":
            out = out * self._of_degree(degree).unsqueeze(1)
        elif self.mod == "f-scaled":
            out = out * degree.unsqueeze(2)
        return out, weights

    def _of_degree(self, degree: Tensor) -> Tensor:
        """The learned map of degrees `[M, 1]` to factors `[M, C]`."""
        return self.activation(degree @ self.l1 + self.b1) @ self.l2 + self.b2

    @staticmethod
    def _sum(value: Tensor, weights: Tensor, graph: Any) -> Tensor:
        out = attention(None, None, value, graph, score="none", normalize="identity", edge_bias=weights)
        assert isinstance(out, Tensor)
        return out

    def message(
        self,
        x_i: Tensor,
        x_j: Tensor,
        edge_type: Tensor,
        edge_attr: OptTensor,
        index: Tensor,
        ptr: OptTensor,
        size_i: OptInt,
    ) -> Tensor:
        """α_ij W_r x_j of each edge, after `mod`; leaves α where PyG's explainers look for it."""
        H, C = self.heads, self.out_channels
        weight = self._weight().index_select(0, edge_type)
        if self.num_blocks is None:
            mapped_i, mapped_j = (torch.einsum("ef,efc->ec", x, weight) for x in (x_i, x_j))
        else:
            mapped_i, mapped_j = (
                torch.einsum("ebf,ebfc->ebc", x.unflatten(1, weight.shape[1:3]), weight).flatten(1) for x in (x_i, x_j)
            )
        logits = self._logits(mapped_i @ self.q, mapped_j @ self.k, edge_attr)
        groups = index if self.attention_mechanism == "across-relation" else index * self.num_relations + edge_type
        alpha = softmax(logits, groups)
        self._alpha = alpha
        degree = index.bincount().index_select(0, index).unsqueeze(-1).to(alpha.dtype)
        if self.mod == "f-additive":
            alpha = torch.where(alpha > 0, alpha + 1, alpha)
        elif self.mod == "f-scaled":
            alpha = alpha * degree
        alpha = F.dropout(alpha, self.dropout, self.training)
        mapped_j = mapped_j.view(-1, H, 1, C)
        out = alpha.view(-1, H, self.dim, 1) * mapped_j
        if self.mod == "additive":
            out = out + self.w * mapped_j
        elif self.mod == "scaled":
            out = out * self._of_degree(degree).view(-1, 1, 1, C)
        return out if self._multiplies else out.squeeze(2)

    def update(self, aggr_out: Tensor) -> Tensor:
        """Heads side by side, or their mean, and the bias."""
        out = aggr_out.mean(1) if not self.concat else aggr_out
        out = out.reshape(-1, self.dim * self.out_channels * (self.heads if self.concat else 1))
        return writable(out) if self.bias is None else out + self.bias

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, heads={self.heads})"
