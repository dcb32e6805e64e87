"""A head that gives one output per node."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.graph import Graph


class NodeHead(nn.Module):
    """One answer for each node: the tag of a word, the role of a member.

        out_i = W dropout(x_i) + b

    Args:
        embed_dim: width of the nodes.
        num_outputs: classes or targets.
        dropout: in training.

    Shapes:
        x `[N, embed_dim]` → `[N, num_outputs]`.
    """

    def __init__(self, embed_dim: int, num_outputs: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout, self.out = nn.Dropout(dropout), nn.Linear(embed_dim, num_outputs)

    def forward(self, x: Tensor, graph: Graph | None = None) -> Tensor:
        """The answers; the graph does not matter."""
        return self.out(self.dropout(x))
