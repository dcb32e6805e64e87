"""The GPS layer: message passing in parallel with attention over all nodes."""

import inspect
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.nn.attention import PerformerAttention
from torch_geometric.nn.conv import MessagePassing
from torch_geometric.nn.inits import reset
from torch_geometric.nn.resolver import activation_resolver, normalization_resolver
from torch_geometric.utils import to_dense_batch

from graphattn.nn.checks import check_features
from graphattn.nn.node_sets import node_sets_of
from graphattn.nn.pyg.multihead import is_known, multihead
from graphattn.nn.pyg.performer import is_known_performer, performer
from graphattn.nn.pyg.set_attention import set_attention
from graphattn.nn.scripting import NotScriptable


class GPSConv(NotScriptable, nn.Module):
    """General, powerful, scalable graph Transformer layer: PyG's `GPSConv`, with global attention without padding.

        h = norm_1(x + dropout(conv(x, edges))),   g = norm_2(x + dropout(MHA(x over each graph)))
        out = norm_3((h + g) + MLP(h + g))

    Attention runs on the packed nodes of the batch. (A `torch.nn.MultiheadAttention` with options other than dropout
    and bias runs on a padded batch, as in PyG.)

    Args:
        channels: width of input and output; `heads` divides it.
        conv: the local message passing layer, or None.
        heads: the number of heads of the global attention.
        dropout: dropout probability on both branches and in the MLP.
        act: activation of the MLP, by name or as a module.
        act_kwargs: its arguments.
        norm: the normalization, by name or as a module; None for none.
        norm_kwargs: its arguments.
        attn_type: "multihead" or "performer".
        attn_kwargs: arguments of that attention, such as its own `dropout`.

    Shapes:
        x `[N, channels]`, batch `[N]`, ascending → `[N, channels]`.

    Rampášek et al. 2022, arXiv:2205.12454, eq. 2-7.
    """

    def __init__(
        self,
        channels: int,
        conv: MessagePassing | None,
        heads: int = 1,
        dropout: float = 0.0,
        act: str = "relu",
        act_kwargs: dict[str, Any] | None = None,
        norm: str | None = "batch_norm",
        norm_kwargs: dict[str, Any] | None = None,
        attn_type: str = "multihead",
        attn_kwargs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.conv = conv
        self.heads = heads
        self.dropout = dropout
        self.attn_type = attn_type
        attn_kwargs = attn_kwargs or {}
        if attn_type == "multihead":
            self.attn = nn.MultiheadAttention(channels, heads, batch_first=True, **attn_kwargs)
        elif attn_type == "performer":
            self.attn = PerformerAttention(channels=channels, heads=heads, **attn_kwargs)
        else:
            raise ValueError(f'attn_type is "multihead" or "performer", got {attn_type!r}')
        self.mlp = nn.Sequential(
            nn.Linear(channels, channels * 2),
            activation_resolver(act, **(act_kwargs or {})),
            nn.Dropout(dropout),
            nn.Linear(channels * 2, channels),
            nn.Dropout(dropout),
        )
        norm_kwargs = norm_kwargs or {}
        self.norm1 = normalization_resolver(norm, channels, **norm_kwargs)
        self.norm2 = normalization_resolver(norm, channels, **norm_kwargs)
        self.norm3 = normalization_resolver(norm, channels, **norm_kwargs)
        self.norm_with_batch = False
        if self.norm1 is not None:
            self.norm_with_batch = "batch" in inspect.signature(self.norm1.forward).parameters

    def reset_parameters(self) -> None:
        """Draw new weights in every part."""
        if self.conv is not None:
            self.conv.reset_parameters()
        self.attn._reset_parameters()
        reset(self.mlp)
        for norm in (self.norm1, self.norm2, self.norm3):
            if norm is not None:
                norm.reset_parameters()

    def forward(
        self,
        x: Tensor,
        edge_index: Any,
        batch: Tensor | None = None,
        *,
        attn_bias: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Apply the layer.

        Args:
            x: features of the nodes, `[N, channels]`.
            edge_index: edges in any form that the local layer takes.
            batch: the graph of each node, `[N]`, ascending; None for one graph.
            attn_bias: added to the scores of the global attention: `[B, n, n]`, or `[B, heads, n, n]` per head, with
                destinations as rows, padded to at least the size n of the largest graph, as returned by
                `torch_geometric.utils.to_dense_adj`. The attention then runs on a padded batch.
            **kwargs: further arguments of the local layer.

        Raises:
            ValueError: `x` is not `[N, channels]`, `batch` does not hold the graph of each node, ascending, or
                `attn_bias` has a wrong shape or is combined with `attn_type="performer"`.
        """
        check_features("x", x, self.mlp[0])
        branches = []
        if self.conv is not None:
            local = F.dropout(self.conv(x, edge_index, **kwargs), p=self.dropout, training=self.training)
            branches.append(self._normed(self.norm1, local + x, batch))
        everywhere = F.dropout(self._attend(x, batch, attn_bias), p=self.dropout, training=self.training)
        branches.append(self._normed(self.norm2, everywhere + x, batch))
        out = sum(branches)
        return self._normed(self.norm3, out + self.mlp(out), batch)

    def _normed(self, norm: Any, x: Tensor, batch: Tensor | None) -> Tensor:
        if norm is None:
            return x
        return norm(x, batch=batch) if self.norm_with_batch else norm(x)

    def _attend(self, x: Tensor, batch: Tensor | None, attn_bias: Tensor | None) -> Tensor:
        """Attention within each graph, with the parameters of `self.attn`."""
        if attn_bias is not None:
            return self._attend_biased(x, batch, attn_bias)
        if is_known(self.attn):
            return multihead(self.attn, x, x, partial(set_attention, batch=batch))
        if is_known_performer(self.attn):
            return performer(self.attn, x, batch)
        node_sets_of(batch, x.shape[0], None, x.device)  # checks the batch
        padded, mask = to_dense_batch(x, batch)
        if isinstance(self.attn, nn.MultiheadAttention):
            return self.attn(padded, padded, padded, key_padding_mask=~mask, need_weights=False)[0][mask]
        return self.attn(padded, mask=mask)[mask]

    def _attend_biased(self, x: Tensor, batch: Tensor | None, bias: Tensor) -> Tensor:
        """The same with a bias per pair of nodes, on a batch padded like the bias."""
        if not isinstance(self.attn, nn.MultiheadAttention):
            raise ValueError('attn_bias needs attn_type="multihead", whose softmax it goes into')
        bias = bias.unsqueeze(1) if bias.ndim == 3 else bias
        graphs, heads, n = bias.shape[0], bias.shape[1], bias.shape[-1]
        if bias.ndim != 4 or heads not in (1, self.heads) or bias.shape[2] != n:
            raise ValueError(f"attn_bias must have shape [B, n, n] or [B, {self.heads}, n, n], got {list(bias.shape)}")
        if not torch.compiler.is_compiling():
            sizes = node_sets_of(batch, len(x), None, x.device).sizes
            if len(sizes) > graphs or max(sizes, default=0) > n:
                wanted = f"{len(sizes)} graphs of up to {max(sizes, default=0)} nodes"
                raise ValueError(f"attn_bias must be for {wanted}, got {graphs} of up to {n}")
        padded, mask = to_dense_batch(x, batch, max_num_nodes=n, batch_size=graphs)
        keys = mask.clone()
        keys[:, :1] = True  # so that no softmax is empty in a graph without nodes
        bias = bias.to(x.dtype).expand(graphs, self.heads, n, n).masked_fill(~keys.view(graphs, 1, 1, n), -torch.inf)
        return self.attn(padded, padded, padded, attn_mask=bias.flatten(0, 1), need_weights=False)[0][mask]

    def __repr__(self) -> str:
        shown = f"{self.channels}, conv={self.conv}, heads={self.heads}, attn_type={self.attn_type}"
        return f"{type(self).__name__}({shown})"
