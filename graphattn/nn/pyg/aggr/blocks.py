"""The blocks of Set Transformers on packed sets, with the parameters of PyG's modules."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor
from torch_geometric.nn.aggr.utils import MultiheadAttentionBlock, PoolingByMultiheadAttention, SetAttentionBlock
from torch_geometric.utils import to_dense_batch

from graphattn.nn.plain import is_plain, know
from graphattn.nn.pyg.multihead import is_known, multihead
from graphattn.nn.pyg.set_attention import set_attention

know(MultiheadAttentionBlock, PoolingByMultiheadAttention, SetAttentionBlock)


def encode(block: SetAttentionBlock, x: Tensor, *, batch: Tensor, num_sets: int) -> Tensor:
    """SAB(x) = MAB(x, x) on packed sets `[N, C]`; `batch` is the set of each row, ascending."""
    if _is_known(block):
        return _attend(block.mab, x, x, batch=batch, num_sets=num_sets)
    padded, mask = to_dense_batch(x, batch, batch_size=num_sets)
    return block(padded, mask)[mask]


def decode(block: SetAttentionBlock, x: Tensor, *, batch: Tensor, num_sets: int, size: int) -> Tensor:
    """SAB(x) on sets of equal `size`, packed, `[num_sets · size, C]`; `batch` as for `encode`."""
    if _is_known(block):
        return _attend(block.mab, x, x, batch=batch, num_sets=num_sets, queries=size, keys=size)
    return block(x.view(num_sets, size, -1)).flatten(0, 1)


def pool(
    block: PoolingByMultiheadAttention, x: Tensor, *, batch: Tensor, num_sets: int, keys: int | None = None
) -> Tensor:
    """PMA(x) = MAB(seeds, relu(W x)): learned seeds attend to the rows of each set; `[num_sets · seeds, C]`.

    The sets are packed as for `encode`, or have equal size `keys` as for `decode`.
    """
    if _is_known(block):
        seeds = block.seed.expand(num_sets, -1, -1).flatten(0, 1)
        sets: dict[str, Any] = {"batch": batch, "num_sets": num_sets, "queries": block.seed.size(1), "keys": keys}
        return _attend(block.mab, seeds, block.lin(x).relu(), **sets)
    if keys is not None:
        return block(x.view(num_sets, keys, -1)).flatten(0, 1)
    padded, mask = to_dense_batch(x, batch, batch_size=num_sets)
    return block(padded, mask).nan_to_num().flatten(0, 1)  # as in PyG, for sets without rows


def _is_known(block: SetAttentionBlock | PoolingByMultiheadAttention) -> bool:
    """Whether a block and its parts are unmodified."""
    kinds = PoolingByMultiheadAttention, SetAttentionBlock
    return is_plain(block, *kinds) and is_plain(block.mab, MultiheadAttentionBlock) and is_known(block.mab.attn)


def _attend(block: MultiheadAttentionBlock, x: Tensor, y: Tensor, **sets: Any) -> Tensor:
    """MAB(x, y) = norm(h + relu(W h)),   h = norm(x + MHA(x, y)),   within each set.

    `sets` are the arguments of `set_attention` that define the sets.
    """
    run: Callable[..., Tensor] = partial(set_attention, **sets)
    out = multihead(block.attn, x, y, run) + x
    out = out if block.layer_norm1 is None else block.layer_norm1(out)
    out = out + block.lin(out).relu()
    return out if block.layer_norm2 is None else block.layer_norm2(out)
