"""The Graph Multiset Transformer: pooling to k representatives, self-attention among them, and a second pooling."""

from typing import Any

import torch
from torch import Tensor
from torch_geometric.nn.aggr import Aggregation
from torch_geometric.nn.aggr.utils import PoolingByMultiheadAttention, SetAttentionBlock

from graphattn.nn.pyg.aggr.blocks import decode, pool
from graphattn.nn.scripting import NotScriptable


class GraphMultisetTransformer(NotScriptable, Aggregation):
    """PyG's `GraphMultisetTransformer`, on packed sets without padding.

        out_g = PMA_1(SAB(… PMA_k(x_g) …))

    Args:
        channels: width C of the elements.
        k: the number of representatives.
        num_encoder_blocks: self-attention blocks between the two poolings.
        heads: the number of heads; divides `channels`.
        layer_norm: normalize in the blocks.
        dropout: dropout probability on the attention weights.

    Shapes:
        x `[N, C]`, index `[N]`, ascending → `[dim_size, C]`. An empty set's representatives are the seeds alone.

    Baek et al. 2021, arXiv:2102.11533, eq. 4-8.
    """

    def __init__(
        self,
        channels: int,
        k: int,
        num_encoder_blocks: int = 1,
        heads: int = 1,
        layer_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.k = k
        self.heads = heads
        self.layer_norm = layer_norm
        self.dropout = dropout
        options: Any = (heads, layer_norm, dropout)
        self.pma1 = PoolingByMultiheadAttention(channels, k, *options)
        self.encoders = torch.nn.ModuleList(SetAttentionBlock(channels, *options) for _ in range(num_encoder_blocks))
        self.pma2 = PoolingByMultiheadAttention(channels, 1, *options)

    def reset_parameters(self) -> None:
        """Draw new weights in every block."""
        for block in (self.pma1, *self.encoders, self.pma2):
            block.reset_parameters()

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
        max_num_elements: int | None = None,
    ) -> Tensor:
        """Aggregate; the arguments are those of `torch_geometric.nn.aggr.Aggregation`.

        `max_num_elements` is ignored, as there is no padding.
        """
        self.assert_index_present(index)
        self.assert_two_dimensional_input(x, dim)
        sets: Any = {"batch": index, "num_sets": dim_size}
        x = pool(self.pma1, x, **sets)
        for encoder in self.encoders:
            x = decode(encoder, x, size=self.k, **sets)
        return pool(self.pma2, x, keys=self.k, **sets)

    def __repr__(self) -> str:
        shown = f"k={self.k}, heads={self.heads}, layer_norm={self.layer_norm}"
        return f"{type(self).__name__}({self.channels}, {shown}, dropout={self.dropout})"
