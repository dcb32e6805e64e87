"""The blocks of Set Transformers, on packed sets. The modules are PyG's, for names, parameters and `repr`."""

from functools import partial
from typing import Any

from torch import Tensor
from torch_geometric.nn.aggr.utils import MultiheadAttentionBlock, PoolingByMultiheadAttention

from graphattn.nn.multihead import multihead
from graphattn.nn.within import attend_within


def attend(block: MultiheadAttentionBlock, x: Tensor, y: Tensor, **sets: Any) -> Tensor:
    """MAB(x, y) = norm(h + relu(W h)),   h = norm(x + MHA(x, y)),   each row of x seeing the rows of its set in y.

    `sets` says which those are, as for `attend_within`.
    """
    run = partial(attend_within, **sets)
    out = multihead(block.attn, x, y, run) + x
    out = out if block.layer_norm1 is None else block.layer_norm1(out)
    out = out + block.lin(out).relu()
    return out if block.layer_norm2 is None else block.layer_norm2(out)


def pool(block: PoolingByMultiheadAttention, x: Tensor, *, num_sets: int, **sets: Any) -> Tensor:
    """PMA(x) = MAB(seeds, relu(W x)): the learned seeds of each set attend to its rows in x; `[sets · seeds, C]`."""
    seeds = block.seed.expand(num_sets, -1, -1).flatten(0, 1)
    return attend(block.mab, seeds, block.lin(x).relu(), num_sets=num_sets, queries=block.seed.size(1), **sets)
