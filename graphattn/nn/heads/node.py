"""A head that gives one output per node."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.graph import Graph


class NodeHead(nn.Module):
    """One output per node, such as the part of speech of a word.

        out_i = W dropout(x_i) + b

    Args:
        embed_dim: width of the nodes.
        num_outputs: number of classes or targets.
        dropout: dropout probability on the input.

    Shapes:
        x `[N, embed_dim]` → `[N, num_outputs]`.
    """

    def __init__(self, embed_dim: int, num_outputs: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout, self.out = nn.Dropout(dropout), nn.Linear(embed_dim, num_outputs)

    def forward(self, x: Tensor, graph: Graph | None = None) -> Tensor:
        """Compute the outputs; the graph is ignored."""
        return self.out(self.dropout(x))
