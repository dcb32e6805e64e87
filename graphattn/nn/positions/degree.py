"""Encoding of node degrees."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.graph import Graph


class DegreeEncoding(nn.Module):
    """Graphormer's centrality encoding: a learned vector for the in-degree and one for the out-degree.

        out_i = z⁻[deg⁻(i)] + z⁺[deg⁺(i)]

    Args:
        max_degree: larger degrees are clamped to this value.
        width: width of the vectors.

    Shapes:
        graph of N nodes → `[N, width]`.

    Ying et al. 2021, arXiv:2106.05234, eq. 5.
    """

    def __init__(self, max_degree: int, width: int) -> None:
        super().__init__()
        self.max_degree = max_degree
        self.of_in, self.of_out = nn.Embedding(max_degree + 1, width), nn.Embedding(max_degree + 1, width)

    def forward(self, graph: Graph) -> Tensor:
        """The vectors, `[N, width]`."""
        return self.of_in(self._degree(graph.in_degree)) + self.of_out(self._degree(graph.out_degree))

    def _degree(self, degree: Tensor) -> Tensor:
        return degree.long().clamp(max=self.max_degree)
