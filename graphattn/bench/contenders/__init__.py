"""The ways to compute the same attention that are measured side by side; ours is the first."""

from graphattn.bench.contenders.contender import Contender
from graphattn.bench.contenders.dense import FLEX, SDPA
from graphattn.bench.contenders.dgl import DGL
from graphattn.bench.contenders.gather import GATHER
from graphattn.bench.contenders.ours import GRAPHATTN
from graphattn.bench.contenders.plain_torch import COMPILED, PLAIN_TORCH
from graphattn.bench.contenders.pyg import COMPILED_PYG, PYG
from graphattn.bench.contenders.torch_scatter import TORCH_SCATTER
from graphattn.bench.contenders.turbo_gnn import TURBO_GNN

ALL = {
    contender.name: contender
    for contender in (
        GRAPHATTN,
        PLAIN_TORCH,
        PYG,
        TORCH_SCATTER,
        COMPILED,
        SDPA,
        FLEX,
        DGL,
        TURBO_GNN,
        GATHER,
        COMPILED_PYG,
    )
}

RIVALS = tuple(contender.name for contender in (PLAIN_TORCH, PYG, TORCH_SCATTER, COMPILED))
"""Those against which the best of each row is taken: they run on every graph, everywhere."""

__all__ = ["ALL", "GATHER", "GRAPHATTN", "PYG", "RIVALS", "Contender"]
