"""HAN: attention over the neighbors along each metapath, then over the metapaths."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.nn.dense.linear import Linear
from torch_geometric.nn.inits import glorot, reset
from torch_geometric.typing import EdgeType, Metadata, NodeType, OptTensor, PairTensor
from torch_geometric.utils import softmax

from graphattn.nn.checks import check_features
from graphattn.nn.pyg.conv.adjacency import read
from graphattn.nn.pyg.conv.attention_conv import AttentionConv, OptInt
from graphattn.nn.pyg.conv.attention_heads import check_heads, head_scores
from graphattn.nn.pyg.conv.hetero import check_kinds
from graphattn.ops.scores import Sum


class HANConv(AttentionConv):
    """Heterogeneous graph attention layer: PyG's `HANConv`, on the fused operator.

        z_i^r = relu(Σ_{j → i in r} α_ij W x_j),   α_ij = softmax_j leaky_relu(⟨a_r, W x_j⟩ + ⟨b_r, W x_i⟩)
        out_i = Σ_r β_r z_i^r,   β = softmax_r (mean over i of ⟨q, tanh(W_k z_i^r + b)⟩)

    with W by the kind of node and r over the kinds of edges (metapaths).

    Args:
        in_channels: width of the input, or one per node type; −1 to infer it at the first call.
        out_channels: width of the output; `heads` divides it.
        metadata: the node types and the edge types `(source, relation, destination)`.
        heads: the number of heads H.
        negative_slope: negative slope of the leaky ReLU.
        dropout: dropout probability on the attention weights.
        **kwargs: further arguments of PyG's `MessagePassing` (`flow`, …).

    Shapes:
        for each kind x `[N, F]` and edge_index `[2, E]` → `[N, out_channels]` for each node type, None where no kind
        of edge leads to it.

    Wang et al. 2019, arXiv:1903.07293, eq. 2-9.
    """

    propagate_type: ClassVar = {"x": PairTensor, "alpha": PairTensor}

    def __init__(
        self,
        in_channels: int | dict[str, int],
        out_channels: int,
        metadata: Metadata,
        heads: int = 1,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(node_dim=0, **{"aggr": "add"} | kwargs)
        check_heads(out_channels, heads, dropout)
        if out_channels % heads:
            raise ValueError(f"heads={heads} does not divide out_channels={out_channels}")
        if not isinstance(in_channels, dict):
            in_channels = dict.fromkeys(metadata[0], in_channels)
        self.heads = heads
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.negative_slope = negative_slope
        self.metadata = metadata
        self.dropout = dropout
        self.k_lin = nn.Linear(out_channels, out_channels)
        self.q = nn.Parameter(torch.empty(1, out_channels))
        self.proj = nn.ModuleDict({kind: Linear(width, out_channels) for kind, width in in_channels.items()})
        self.lin_src = nn.ParameterDict()
        self.lin_dst = nn.ParameterDict()
        for edge_type in map("__".join, metadata[1]):
            self.lin_src[edge_type] = nn.Parameter(torch.empty(1, heads, out_channels // heads))
            self.lin_dst[edge_type] = nn.Parameter(torch.empty(1, heads, out_channels // heads))
        self._alpha: Tensor | None = None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform for the attention vectors, as `torch.nn.Linear` does for the maps."""
        super().reset_parameters()
        reset(self.proj)
        glorot(self.lin_src)
        glorot(self.lin_dst)
        self.k_lin.reset_parameters()
        glorot(self.q)

    def forward(
        self,
        x_dict: dict[NodeType, Tensor],
        edge_index_dict: dict[EdgeType, Any],
        return_semantic_attention_weights: bool = False,
    ) -> Any:
        """Apply the layer.

        Args:
            x_dict: features of each node type.
            edge_index_dict: for each edge type `[2, E]`, an `EdgeIndex`, a sparse matrix `[M, N]` (PyG's `adj_t`) or
                a `Graph`.
            return_semantic_attention_weights: also return β for each node type.

        Raises:
            ValueError: a kind that is not in `metadata`, or that there are no features of.
        """
        check_kinds(x_dict, edge_index_dict, self.metadata[0], self.metadata[1])
        for kind, features in x_dict.items():
            check_features(f"x_dict[{kind!r}]", features, self.proj[kind])
        D = self.out_channels // self.heads
        rows = {kind: self.proj[kind](x).view(-1, self.heads, D) for kind, x in x_dict.items()}
        found: dict[NodeType, list[Tensor]] = {kind: [] for kind in x_dict}
        for edge_type, edge_index in edge_index_dict.items():
            x = rows[edge_type[0]], rows[edge_type[-1]]
            edges = read(edge_index, None, x, None, self.flow)
            vectors = self.lin_src["__".join(edge_type)], self.lin_dst["__".join(edge_type)]
            (key,), (query,) = (head_scores(nodes, vector) for nodes, vector in zip(x, vectors, strict=True))
            if self.sends_messages:
                self._name = edge_type  # by which PyG's AttentionExplainer knows the edges of the messages
                out = self.propagate(edges.graph.edge_index, x=x, alpha=(key, query), size=edges.size)
                self._alpha = None
            else:
                score = Sum(self.negative_slope)
                out, _ = self._operate(query, key, x[0], edges.attended, score=score, return_weights=False)
            found[edge_type[-1]].append(out.reshape(-1, self.out_channels).relu())
        combined = {kind: self._combine(parts) for kind, parts in found.items()}
        out_dict = {kind: out for kind, (out, _) in combined.items()}
        if return_semantic_attention_weights:
            return out_dict, {kind: share for kind, (_, share) in combined.items()}
        return out_dict

    def _combine(self, parts: list[Tensor]) -> tuple[Tensor | None, Tensor | None]:
        """The mean of what came along each metapath, and the weights of the metapaths."""
        if not parts:
            return None, None
        stacked = torch.stack(parts)  # [metapaths, N, C]
        if not stacked.numel():
            return stacked.view(0, self.out_channels), None
        share = F.softmax((self.q * self.k_lin(stacked).tanh().mean(1)).sum(-1), dim=0)
        return torch.einsum("r,rnc->nc", share, stacked), share

    def message(
        self, x_j: Tensor, alpha_i: Tensor, alpha_j: Tensor, index: Tensor, ptr: OptTensor, size_i: OptInt
    ) -> Tensor:
        """α_ij W x_j of each edge; leaves α where PyG's explainers look for it."""
        self._alpha = softmax(F.leaky_relu(alpha_j + alpha_i, self.negative_slope), index, ptr, size_i)
        alpha = F.dropout(self._alpha, p=self.dropout, training=self.training)
        return (x_j * alpha.unsqueeze(-1)).flatten(1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.out_channels}, heads={self.heads})"
