"""The GPS layer: message passing in parallel with attention on any graph."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.nn.transformer.encoder import GraphTransformerLayer
from graphattn.nn.transformer.residual import residual


class GPSLayer(GraphTransformerLayer):
    """Message passing and attention in parallel, each on its own graph, followed by a feed-forward network.

        h = norm(x + dropout(local(x, edges))),   g = norm(x + dropout(MHA(x, graph)))
        out = norm(z + dropout(FFN(z))),   z = h + g

    In `GPSConv`, which is PyG's layer, all nodes of a graph attend to each other; here attention follows a graph of
    its own, such as an expander.

    Args:
        embed_dim: width of the nodes' features.
        num_heads: attention heads; divides `embed_dim`.
        local: a message passing layer, `[N, embed_dim]` → `[N, embed_dim]`, called as `local(x, edge_index)`, or as
            `local(x, edge_index, edge_attr=local_attr)` if there are edge features; any layer of PyG or graphattn.
        **options: arguments of `GraphTransformerLayer` except `norm_first`.

    Shapes:
        x `[N, embed_dim]`, edge_attr `[E, edge_dim]` → `[N, embed_dim]`.

    Rampášek et al. 2022, arXiv:2205.12454, eq. 2-4; residuals, dropout and norms as in its code, which uses batch
    norm where this layer uses layer norm.
    """

    def __init__(self, embed_dim: int, num_heads: int, local: nn.Module, **options: Any) -> None:
        super().__init__(embed_dim, num_heads, norm_first=False, **options)
        self.local, self.local_norm = local, nn.LayerNorm(embed_dim)

    def forward(
        self,
        x: Tensor,
        graph: Graph | Tensor,
        edge_attr: Tensor | None = None,
        *,
        local_edges: Tensor | None = None,
        local_attr: Tensor | None = None,
        **options: Any,
    ) -> Tensor:
        """Apply the layer.

        Args:
            x: features of the nodes, `[N, embed_dim]`.
            graph: the attention graph, or its `edge_index`, `[2, E]`.
            edge_attr: edge features of the attention graph, `[E, edge_dim]`.
            local_edges: `edge_index` for the message passing; the edges of `graph` when None.
            local_attr: edge features for `local`; None for none.
            **options: further arguments of the attention.
        """
        if local_edges is None:
            local_edges = graph.edge_index if isinstance(graph, Graph) else graph
        attend = partial(self.attention, graph=graph, **_given(edge_attr=edge_attr), **options)
        pass_on = partial(self.local, edge_index=local_edges, **_given(edge_attr=local_attr))
        h = residual(x, pass_on, self.local_norm, self.dropout, norm_first=False)
        g = residual(x, attend, self.attention_norm, self.dropout, norm_first=False)
        return residual(h + g, self.ffn, self.ffn_norm, self.dropout, norm_first=False)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
