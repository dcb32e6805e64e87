"""The blocks of Set Transformers, on packed sets. The modules are PyG's, for names, parameters and `repr`."""

from functools import partial
from typing import Any

from torch import Tensor
from torch_geometric.nn.aggr.utils import MultiheadAttentionBlock, PoolingByMultiheadAttention

from graphattn.graph import Graph
from graphattn.nn.multihead import multihead
from graphattn.nn.packing import Packing
from graphattn.ops.attention import attention


def attend(block: MultiheadAttentionBlock, x: Tensor, y: Tensor, graph: Graph) -> Tensor:
    """MAB(x, y) = norm(h + relu(W h)),   h = norm(x + MHA(x, y)),   each row of x seeing its in-neighbours in y."""
    run: Any = partial(attention, graph=graph)
    out = multihead(block.attn, x, y, run) + x
    out = out if block.layer_norm1 is None else block.layer_norm1(out)
    out = out + block.lin(out).relu()
    return out if block.layer_norm2 is None else block.layer_norm2(out)


def pool(block: PoolingByMultiheadAttention, x: Tensor, packing: Packing) -> Tensor:
    """PMA(x) = MAB(seeds, relu(W x)): the learned seeds of each set attend to its elements; `[sets · seeds, C]`."""
    seeds = block.seed.expand(len(packing.sizes), -1, -1).flatten(0, 1)
    return attend(block.mab, seeds, block.lin(x).relu(), packing.from_seeds(block.seed.size(1)))
