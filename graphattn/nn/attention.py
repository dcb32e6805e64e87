"""Multi-head attention along the edges of a graph."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from graphattn.graph import Graph, as_graph
from graphattn.nn.checks import check_dropout, check_edge_attr
from graphattn.nn.feature_maps import FeatureMap
from graphattn.nn.plain import is_plain, known
from graphattn.nn.positions.place import places
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.attention import attention
from graphattn.ops.normalizers import get_normalizer
from graphattn.ops.scores import Additive, Cosine, Score, get_score

ScoreName = Literal["dot", "cosine", "additive", "sum", "none"]


@known
class MultiheadAttention(NotScriptable, nn.Module):
    """Multi-head attention in which each node sees only its in-neighbors.

        out_i = W_o [ Σ_j α_ij^h (W_v^h x_j + W_e^h e_ij) ]_h
        α_ij^h = normalize_j score(W_q^h x_i, W_k^h x_j + W_e^h e_ij)

    On `ga.complete(n)` with score "dot" this is `torch.nn.MultiheadAttention`; with edge features it is the layer of
    Shi et al. 2021 (TransformerConv).

    Args:
        embed_dim: width of queries and of the output; `num_heads` divides it.
        num_heads: the number of heads H.
        num_kv_heads: Hk, key and value heads shared by groups of query heads (grouped-query attention,
            Ainslie et al. 2023); H when None, 1 is multi-query attention.
        kdim: width of the input that keys are computed from; `embed_dim` when None.
        vdim: width of the input that values are computed from; `kdim` when None.
        edge_dim: width d_e of edge features; None for none. Edge features are projected and added to keys and values;
            for the scores "sum" and "none", which have no vector keys, they are added as a bias per head instead of to
            keys.
        score: "dot" (scaled), "cosine" (with a learned sharpness per head, 10 at first, as in Swin V2), "additive"
            (GATv2's or, by `activation`, Bahdanau's, with a learned vector), "sum" (GAT's, with learned vectors),
            "none" (only edge features and `edge_bias` determine the weights).
        normalize: see `graphattn.normalizers`.
        rotary: rotates queries and keys by their positions: `graphattn.nn.positions.Rotary(embed_dim // num_heads)` or
            a module with the same call signature.
        feature_map: for normalize="linear" with score "dot": maps queries and keys to the features whose dot product is
            the weight, such as `graphattn.nn.functional.elu_features` or `PerformerFeatures(embed_dim // num_heads)`;
            called as `feature_map(q, k, graph)`.
        dropout: probability of dropping an attention weight during training.
        bias: whether the query, key and value projections have biases.
        out_bias: whether the output projection has a bias; as `bias` when None.
        activation: for score "additive": "leaky_relu" (GATv2's, of slope 0.2) or "tanh" (Bahdanau's).

    Shapes:
        query `[M, embed_dim]`, key `[N, kdim]`, value `[N, vdim]`, edge_attr `[E, d_e]` → `[M, embed_dim]`;
        weights `[E, H]`. Edge tensors are in the order of `graph.edge_index`.

    Example:
        >>> import torch, graphattn as ga
        >>> layer = ga.nn.MultiheadAttention(16, num_heads=4)
        >>> layer(torch.randn(5, 16), ga.window(5, radius=1)).shape
        torch.Size([5, 16])

    Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2; Shi et al. 2021, arXiv:2009.03509, eq. 3-4.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        num_kv_heads: int | None = None,
        kdim: int | None = None,
        vdim: int | None = None,
        edge_dim: int | None = None,
        score: ScoreName = "dot",
        normalize: str = "softmax",
        rotary: nn.Module | None = None,
        feature_map: FeatureMap | None = None,
        dropout: float = 0.0,
        bias: bool = True,
        out_bias: bool | None = None,
        activation: Literal["leaky_relu", "tanh"] = "leaky_relu",
    ) -> None:
        super().__init__()
        if feature_map is not None and (score != "dot" or normalize != "linear"):
            raise ValueError(f'feature_map needs score="dot" and normalize="linear", got "{score}" and "{normalize}"')
        if rotary is not None and score in ("sum", "none"):
            raise ValueError(f'rotary rotates vector queries and keys, but score="{score}" has none')
        if activation not in ("leaky_relu", "tanh"):
            raise ValueError(f'activation is "leaky_relu" or "tanh", got {activation!r}')
        if activation != "leaky_relu" and score != "additive":
            raise ValueError(f'activation="{activation}" goes with score="additive", got score="{score}"')
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"num_heads={num_heads} does not divide embed_dim={embed_dim}")
        if num_kv_heads < 1 or num_heads % num_kv_heads:
            raise ValueError(f"num_kv_heads={num_kv_heads} does not divide num_heads={num_heads}")
        check_dropout(dropout)
        if score != "additive":
            get_score(score)
        get_normalizer(normalize)
        self.embed_dim, self.num_heads, self.num_kv_heads = embed_dim, num_heads, num_kv_heads
        self.head_dim = embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = self.kdim if vdim is None else vdim
        self.edge_dim, self.score, self.normalize, self.dropout = edge_dim, score, normalize, dropout
        self.rotary, self.feature_map, self.activation = rotary, feature_map, activation

        H, D = num_heads, self.head_dim
        if score != "none":
            self.q_proj = nn.Linear(embed_dim, H * D, bias=bias)
            self.k_proj = nn.Linear(self.kdim, num_kv_heads * D, bias=bias)
        self.v_proj = nn.Linear(self.vdim, num_kv_heads * D, bias=bias)
        self.out_proj = nn.Linear(H * D, embed_dim, bias=bias if out_bias is None else out_bias)
        if edge_dim is not None:
            self.edge_proj = nn.Linear(edge_dim, H * D, bias=False)
            if score in ("sum", "none"):
                self.edge_bias_proj = nn.Linear(edge_dim, H, bias=False)
        if score == "cosine":
            self.beta = nn.Parameter(torch.empty(H))
        elif score == "additive":
            self.att = nn.Parameter(torch.empty(H, D))
        elif score == "sum":
            self.att_dst = nn.Parameter(torch.empty(H, D))
            self.att_src = nn.Parameter(torch.empty(num_kv_heads, D))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform for projections and attention vectors, biases 0, β 10."""
        for name, parameter in self.named_parameters():
            if name == "beta":
                nn.init.constant_(parameter, 10.0)
            elif parameter.ndim == 1:
                nn.init.zeros_(parameter)
            else:
                nn.init.xavier_uniform_(parameter)

    def forward(
        self,
        query: Tensor,
        graph: Graph | Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        *,
        edge_attr: Tensor | None = None,
        edge_bias: Tensor | None = None,
        position: Tensor | None = None,
        key_position: Tensor | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Compute attention along the edges of a graph.

        Args:
            query: features of the destinations, `[M, embed_dim]`.
            graph: the graph whose edges are attended along, or its `edge_index`, `[2, E]`.
            key: features of the sources for the keys, `[N, kdim]`; `query` when None.
            value: features of the sources for the values, `[N, vdim]`; `key` when None.
            edge_attr: edge features, `[E, edge_dim]`.
            edge_bias: added to the scores, `[E, H]` (a mask of −inf, a relative position bias).
            position: positions of the destinations, for `rotary`; counted within each graph when None.
            key_position: positions of the sources; `position` when None.
            return_weights: also return the weights `[E, H]`.

        Raises:
            ValueError: edge features given without `edge_dim`, or sizes that disagree.
        """
        key = query if key is None else key
        graph = as_graph(graph, query.shape[0], key.shape[0])
        if self.rotary is not None and position is None:
            position, key_position = places(graph)
        q = self.queries(query, position)
        k, v = self.keys_and_values(key, value, position if key_position is None else key_position)
        return self.attend(q, k, v, graph, edge_attr=edge_attr, edge_bias=edge_bias, return_weights=return_weights)

    def queries(self, x: Tensor, position: Tensor | None = None) -> Tensor | None:
        """The queries of destinations `[M, embed_dim]`: `[M, H, D]`, `[M, H]` for score "sum", None for "none"."""
        if self.score == "none":
            return None
        q = self.q_proj(x).view(-1, self.num_heads, self.head_dim)
        if self.score == "sum":
            return (q * self.att_dst).sum(-1)
        return q if self.rotary is None else self.rotary(q, position)

    def keys_and_values(
        self, key: Tensor, value: Tensor | None = None, position: Tensor | None = None
    ) -> tuple[Tensor | None, Tensor]:
        """The keys `[N, Hk, D]` (as the queries otherwise) and values `[N, Hk, D]` of sources."""
        v = self.v_proj(key if value is None else value).view(-1, self.num_kv_heads, self.head_dim)
        if self.score == "none":
            return None, v
        k = self.k_proj(key).view(-1, self.num_kv_heads, self.head_dim)
        if self.score == "sum":
            return (k * self.att_src).sum(-1).to(v.dtype), v
        return k if self.rotary is None else self.rotary(k, position), v

    def attend(
        self,
        q: Tensor | None,
        k: Tensor | None,
        v: Tensor,
        graph: Graph,
        *,
        edge_attr: Tensor | None = None,
        edge_bias: Tensor | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """The part of `forward` after the projections, for queries, keys and values that may come from a cache."""
        H, D = self.num_heads, self.head_dim
        if edge_attr is not None:
            if self.edge_dim is None:
                raise ValueError("edge_attr is given, but the layer was made without edge_dim")
            check_edge_attr(edge_attr, graph)
            if self.feature_map is not None:
                raise ValueError("edge_attr cannot be combined with feature_map: edge keys would not be mapped by it")
        if self.feature_map is not None:
            assert q is not None and k is not None
            q, k = self.feature_map(q, k, graph)
        terms: dict[str, Any] = {}
        if edge_attr is not None:
            joins_keys = self.score not in ("sum", "none")
            if not joins_keys:
                scores = self.edge_bias_proj(edge_attr)
                edge_bias = scores if edge_bias is None else edge_bias + scores
            if is_plain(self.edge_proj, nn.Linear):
                projection = self.edge_proj.weight.view(H, D, -1).permute(2, 0, 1)
                terms = {"edge_attr": edge_attr, "edge_proj": projection if joins_keys else (None, projection)}
            else:
                mapped = self.edge_proj(edge_attr).view(-1, H, D)
                terms = {"edge_key": mapped if joins_keys else None, "edge_value": mapped}
        if self.score == "none" and edge_bias is None:
            edge_bias = v.new_zeros(graph.num_edges, H)
        result = attention(
            q, k, v, graph, score=self._score(), normalize=self.normalize, edge_bias=edge_bias, **terms,
            dropout=self.dropout if self.training else 0.0, return_weights=return_weights,
        )  # fmt: skip
        if return_weights:
            out, weights = result
            return self.out_proj(out.flatten(1)), weights
        assert isinstance(result, Tensor)
        return self.out_proj(result.flatten(1))

    def _score(self) -> str | Score:
        if self.score == "cosine":
            return Cosine(self.beta)
        return Additive(self.att, self.activation) if self.score == "additive" else self.score

    def extra_repr(self) -> str:
        """The main options of the layer, for `repr`."""
        shown = f'embed_dim={self.embed_dim}, num_heads={self.num_heads}, score="{self.score}"'
        return shown + f', normalize="{self.normalize}", dropout={self.dropout}'
