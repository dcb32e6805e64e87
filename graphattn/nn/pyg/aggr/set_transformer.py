"""The Set Transformer: self-attention over the elements, then pooling by learned seeds."""

from typing import Any

import torch
from torch import Tensor
from torch_geometric.nn.aggr import Aggregation
from torch_geometric.nn.aggr.utils import PoolingByMultiheadAttention, SetAttentionBlock

from graphattn.nn.pyg.aggr.blocks import decode, encode, pool
from graphattn.nn.scripting import NotScriptable


class SetTransformerAggregation(NotScriptable, Aggregation):
    """PyG's `SetTransformerAggregation`, on packed sets without padding.

        out_g = [SAB(… PMA(SAB(… x_g …)) …)]

    Args:
        channels: width C of the elements.
        num_seed_points: number of output vectors per set.
        num_encoder_blocks: self-attention blocks before the pooling.
        num_decoder_blocks: self-attention blocks after it.
        heads: the number of heads; divides `channels`.
        concat: concatenate the output vectors instead of averaging them.
        layer_norm: normalize in the blocks.
        dropout: dropout probability on the attention weights.

    Shapes:
        x `[N, C]`, index `[N]`, ascending → `[dim_size, num_seed_points · C]` or `[dim_size, C]`. The result
        of an empty set is made of the seeds alone.

    Lee et al. 2019, arXiv:1810.00825, eq. 6-13.
    """

    def __init__(
        self,
        channels: int,
        num_seed_points: int = 1,
        num_encoder_blocks: int = 1,
        num_decoder_blocks: int = 1,
        heads: int = 1,
        concat: bool = True,
        layer_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.num_seed_points = num_seed_points
        self.heads = heads
        self.concat = concat
        self.layer_norm = layer_norm
        self.dropout = dropout
        options: Any = (heads, layer_norm, dropout)
        self.encoders = torch.nn.ModuleList(SetAttentionBlock(channels, *options) for _ in range(num_encoder_blocks))
        self.pma = PoolingByMultiheadAttention(channels, num_seed_points, *options)
        self.decoders = torch.nn.ModuleList(SetAttentionBlock(channels, *options) for _ in range(num_decoder_blocks))

    def reset_parameters(self) -> None:
        """Draw new weights in every block."""
        for block in (*self.encoders, self.pma, *self.decoders):
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
        for encoder in self.encoders:
            x = encode(encoder, x, **sets)
        x = pool(self.pma, x, **sets)
        for decoder in self.decoders:
            x = decode(decoder, x, size=self.num_seed_points, **sets)
        x = x.view(-1, self.num_seed_points, self.channels)
        return x.flatten(1) if self.concat else x.mean(1)

    def __repr__(self) -> str:
        shown = f"num_seed_points={self.num_seed_points}, heads={self.heads}, layer_norm={self.layer_norm}"
        return f"{type(self).__name__}({self.channels}, {shown}, dropout={self.dropout})"
