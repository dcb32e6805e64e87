"""GAT, the model: a stack of GAT or GATv2 layers."""

from typing import Any, Final

from torch_geometric.nn.models.basic_gnn import BasicGNN

from graphattn.nn.pyg.conv.gat import GATConv
from graphattn.nn.pyg.conv.gatv2 import GATv2Conv


class GAT(BasicGNN):
    """A stack of `GATConv`, or with `v2=True` of `GATv2Conv`: PyG's `GAT`, of our layers.

        h^l = dropout(act(norm(conv(h^{l-1}))))      between layers; the last is the convolution alone

    Args:
        in_channels: width of the input, or a pair (sources, destinations); −1 to infer it at the first call.
        hidden_channels: width between layers.
        num_layers: the number of layers.
        out_channels: width of the output; `hidden_channels` when None.
        dropout: between layers, and on the attention weights, in training.
        act: activation, by name or as a module.
        act_first: whether it comes before the normalization.
        act_kwargs: its arguments.
        norm: normalization, by name or as a module.
        norm_kwargs: its arguments.
        jk: how the outputs of all layers come together: None, "last", "cat", "max" or "lstm".
        **kwargs: `v2`, `heads`, `concat`, and what the layers take.

    Shapes:
        x `[N, in_channels]`, edge_attr `[E, edge_dim]` → `[N, out_channels]`.

    Raises:
        ValueError: `heads` does not divide the width of a layer that concatenates them.

    Veličković et al. 2018, arXiv:1710.10903; Brody et al. 2022, arXiv:2105.14491.
    """

    supports_edge_weight: Final[bool] = False
    supports_edge_attr: Final[bool] = True
    supports_norm_batch: bool

    def init_conv(self, in_channels: int | tuple[int, int], out_channels: int, **kwargs: Any) -> GATConv | GATv2Conv:
        """One layer, `out_channels` wide with all its heads."""
        layer = GATv2Conv if kwargs.pop("v2", False) else GATConv
        heads, concat = kwargs.pop("heads", 1), kwargs.pop("concat", True)
        concat = concat and not getattr(self, "_is_conv_to_out", False)  # the last layer averages its heads
        if concat and out_channels % heads:
            raise ValueError(f"heads={heads} does not divide the {out_channels} channels of a layer")
        width = out_channels // heads if concat else out_channels
        return layer(in_channels, width, heads=heads, concat=concat, dropout=self.dropout.p, **kwargs)
