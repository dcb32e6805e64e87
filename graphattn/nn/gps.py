"""GPS: message passing and attention over all nodes, side by side."""

import inspect
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary
from torch_geometric.nn.attention import PerformerAttention
from torch_geometric.nn.conv import MessagePassing
from torch_geometric.nn.inits import reset
from torch_geometric.nn.resolver import activation_resolver, normalization_resolver
from torch_geometric.utils import to_dense_batch

from graphattn.graph import Complete, complete
from graphattn.nn.checks import check_features
from graphattn.ops.attention import attention


class GPSConv(nn.Module):
    """General, powerful, scalable graph Transformer layer: PyG's `GPSConv`, its global part without padding.

        h = norm_1(x + dropout(conv(x, edges))),   g = norm_2(x + dropout(MHA(x over each graph)))
        out = norm_3((h + g) + MLP(h + g))

    The nodes of each graph attend to one another as they lie packed in the batch. (An `attn_type="performer"`, and a
    `torch.nn.MultiheadAttention` with options beyond dropout and bias, run as in PyG, on a padded batch.)

    Args:
        channels: width of input and output; `heads` divides it.
        conv: the local message passing layer, or None.
        heads: the number of heads of the global attention.
        dropout: on both branches and in the MLP, in training.
        act: activation of the MLP, by name or as a module.
        act_kwargs: its arguments.
        norm: the normalisation, by name or as a module; None for none.
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

    def forward(self, x: Tensor, edge_index: Any, batch: Tensor | None = None, **kwargs: Any) -> Tensor:
        """One layer; `kwargs` go to the local layer.

        Raises:
            ValueError: `x` is not `[N, channels]`, or `batch` does not hold the graph of each node, ascending.
        """
        check_features("x", x, self.mlp[0])
        branches = []
        if self.conv is not None:
            local = F.dropout(self.conv(x, edge_index, **kwargs), p=self.dropout, training=self.training)
            branches.append(self._normed(self.norm1, local + x, batch))
        everywhere = F.dropout(self._attend(x, batch), p=self.dropout, training=self.training)
        branches.append(self._normed(self.norm2, everywhere + x, batch))
        out = sum(branches)
        return self._normed(self.norm3, out + self.mlp(out), batch)

    def _normed(self, norm: Any, x: Tensor, batch: Tensor | None) -> Tensor:
        if norm is None:
            return x
        return norm(x, batch=batch) if self.norm_with_batch else norm(x)

    def _attend(self, x: Tensor, batch: Tensor | None) -> Tensor:
        """Each node's attention to the nodes of its graph, through the parameters of `self.attn`."""
        graph = _complete_graphs(batch, len(x), x.device)
        attn = self.attn
        if not _is_plain(attn):
            padded, mask = to_dense_batch(x, batch)
            if isinstance(attn, nn.MultiheadAttention):
                return attn(padded, padded, padded, key_padding_mask=~mask, need_weights=False)[0][mask]
            return attn(padded, mask=mask)[mask]
        q, k, v = F.linear(x, attn.in_proj_weight, attn.in_proj_bias).view(len(x), 3, attn.num_heads, -1).unbind(1)
        out = attention(q, k, v, graph, dropout=attn.dropout if self.training else 0.0)
        assert isinstance(out, Tensor)
        return F.linear(out.flatten(1), attn.out_proj.weight, attn.out_proj.bias)

    def __repr__(self) -> str:
        shown = f"{self.channels}, conv={self.conv}, heads={self.heads}, attn_type={self.attn_type}"
        return f"{type(self).__name__}({shown})"


def _is_plain(attn: nn.Module) -> bool:
    """Whether this is multi-head attention that the operator knows, with nothing hooked onto it."""
    return (
        type(attn) is nn.MultiheadAttention
        and attn.in_proj_weight is not None
        and attn.bias_k is None
        and not attn.add_zero_attn
        and attn.dropout < 1
        and not any((attn._forward_hooks, attn._forward_pre_hooks, attn._backward_hooks, attn._backward_pre_hooks))
    )


_graphs: WeakIdKeyDictionary = WeakIdKeyDictionary()


def _complete_graphs(batch: Tensor | None, num_nodes: int, device: torch.device) -> Complete:
    """A complete graph on the nodes of each graph of a batch; made once for each `batch` tensor."""
    if batch is None:
        return complete(num_nodes, device=device)
    known = _graphs.get(batch)
    if known is not None and known[0] == _version(batch) and known[1].num_dst == num_nodes:
        return known[1]
    if batch.shape != (num_nodes,) or batch.is_floating_point():
        raise ValueError(
            f"batch must hold the graph of each node, {num_nodes} integers, got {batch.dtype} of {list(batch.shape)}"
        )
    if not bool((batch[1:] >= batch[:-1]).all()) or (num_nodes and int(batch[0]) < 0):
        raise ValueError("batch must ascend from 0: the nodes of one graph lie side by side")
    graph = complete(batch.bincount().tolist(), device=device)
    _graphs[batch] = (_version(batch), graph)
    return graph


def _version(tensor: Tensor) -> int | None:
    """How often the tensor has been written into; None for inference tensors, which do not count."""
    return None if tensor.is_inference() else tensor._version
