"""The non-local block: self-attention over all positions of a feature map."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.graph import complete
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.attention import attention


class NonLocalBlock(NotScriptable, nn.Module):
    """Self-attention over the positions of an image, with a residual connection.

        y_i = Σ_j softmax_j( ⟨θ(x_i), φ(x_j)⟩ ) g(x_j),   out = x + W_z y

    The graph is `complete` over the positions of each image, and the score is the unscaled dot product ("embedded
    Gaussian"). W_z is initialized to zero, so that a new block is the identity and can be inserted into a trained
    network.

    Args:
        channels: C of the feature map.
        hidden_channels: width of θ, φ and g; C / 2 when None.

    Shapes:
        `[B, C, height, width]` → the same.

    Wang et al. 2018, arXiv:1711.07971, eq. 1, 3 and 6. No batch norm after W_z and no subsampling of φ and g, which the
    paper adds in its networks.
    """

    def __init__(self, channels: int, hidden_channels: int | None = None) -> None:
        super().__init__()
        hidden_channels = max(channels // 2, 1) if hidden_channels is None else hidden_channels
        self.theta = nn.Linear(channels, hidden_channels)
        self.phi = nn.Linear(channels, hidden_channels)
        self.g = nn.Linear(channels, hidden_channels)
        self.out = nn.Linear(hidden_channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Attend within images `[B, C, height, width]`."""
        places = x.flatten(2).transpose(1, 2)  # [B, places, C]
        graph = complete([places.shape[1]] * len(places), device=x.device)
        nodes = places.flatten(0, 1)
        q, k, v = (project(nodes).unsqueeze(1) for project in (self.theta, self.phi, self.g))
        y = attention(q, k, v, graph, scale=1.0)
        assert isinstance(y, Tensor)
        return x + self.out(y.squeeze(1)).view_as(places).transpose(1, 2).view_as(x)
