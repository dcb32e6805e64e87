"""The Set Transformer: self-attention on sets through a few learned points."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphattn.graph import Complete, bipartite, complete
from graphattn.nn.transformer.encoder import GraphTransformerLayer


class InducedSetAttention(nn.Module):
    """ISAB: learned points attend to the set, then the set attends to the points.

        h = MAB(I, x),   out = MAB(x, h),        MAB(x, y) = norm(z + FFN(z)),   z = norm(x + MHA(x, y))

    The attention runs on two bipartite graphs, with a cost of n · num_points.

    Args:
        embed_dim: width of the elements.
        num_heads: attention heads; divides `embed_dim`.
        num_points: the number of learned points I.

    Shapes:
        x `[N, embed_dim]`, a batch of complete graphs → `[N, embed_dim]`.

    Lee et al. 2019, arXiv:1810.00825, eq. 6-10; the feed-forward network has two layers.
    """

    def __init__(self, embed_dim: int, num_heads: int, num_points: int) -> None:
        super().__init__()
        self.points = nn.Parameter(torch.empty(num_points, embed_dim))
        nn.init.xavier_uniform_(self.points)
        self.gather, self.spread = (_block(embed_dim, num_heads) for _ in range(2))

    def forward(self, x: Tensor, graph: Complete) -> Tensor:
        """Apply the block within each set of a batch."""
        counts = [len(self.points)] * graph.num_graphs
        points = self.points.repeat(graph.num_graphs, 1)
        points = self.gather(points, bipartite(counts, graph.sizes, device=x.device), key=x)
        return self.spread(x, bipartite(graph.sizes, counts, device=x.device), key=points)


class SetTransformer(nn.Module):
    """An encoder of sets, pooling by learned seeds, and a decoder on the seeds.

        out_g = SAB(MAB(seeds, rFF(ISAB(... ISAB(x)))))

    Args:
        in_dim: width of the elements' features.
        num_outputs: number of outputs per seed.
        embed_dim: hidden width.
        num_heads: attention heads; divides `embed_dim`.
        num_points: number of points of each `InducedSetAttention`.
        num_seeds: number of seeds.
        depth: number of encoder blocks.

    Shapes:
        x `[N, in_dim]`, a batch of G complete graphs → `[G, num_seeds, num_outputs]`. The output is invariant to
        the order of elements.

    Lee et al. 2019, arXiv:1810.00825, eq. 11-13.
    """

    def __init__(
        self,
        in_dim: int,
        num_outputs: int,
        *,
        embed_dim: int = 128,
        num_heads: int = 4,
        num_points: int = 16,
        num_seeds: int = 1,
        depth: int = 2,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(in_dim, embed_dim)
        self.encoder = nn.ModuleList(InducedSetAttention(embed_dim, num_heads, num_points) for _ in range(depth))
        self.before_pooling = nn.Sequential(nn.Linear(embed_dim, embed_dim), nn.ReLU())
        self.seeds = nn.Parameter(torch.empty(num_seeds, embed_dim))
        nn.init.xavier_uniform_(self.seeds)
        self.pool, self.among_seeds = (_block(embed_dim, num_heads) for _ in range(2))
        self.out = nn.Linear(embed_dim, num_outputs)

    def forward(self, x: Tensor, graph: Complete) -> Tensor:
        """Compute the outputs of each set."""
        x = self.embed(x)
        for block in self.encoder:
            x = block(x, graph)
        counts = [len(self.seeds)] * graph.num_graphs
        seeds = self.seeds.repeat(graph.num_graphs, 1)
        look = bipartite(counts, graph.sizes, device=x.device)
        seeds = self.pool(seeds, look, key=self.before_pooling(x))
        seeds = self.among_seeds(seeds, complete(counts, device=x.device))
        return self.out(seeds).unflatten(0, (graph.num_graphs, len(self.seeds)))


def _block(embed_dim: int, num_heads: int) -> GraphTransformerLayer:
    """MAB: a post-norm layer, called with `key=y`."""
    return GraphTransformerLayer(embed_dim, num_heads, ffn_dim=embed_dim, norm_first=False, activation=nn.ReLU())
