"""A network for properties of molecules whose bonds attend to the bonds that lead into them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.models.molecule import MoleculeNet
from graphattn.nn import GraphTransformerLayer


class BondAttentionNet(MoleculeNet):
    """Attention on directed bonds: each attends to those that lead into its first atom, never to its own way back.

        h⁰_uv = W [x_u, e_uv]                                     a directed bond u → v
        hˡ_uv = GraphTransformerLayer(hˡ⁻¹_uv; {h_wu : w ≠ v})    `depth` times
        x'_v  = gelu(U [x_v, Σ_u h_uv])                           atoms
        g, y  as in `MoleculeNet`

    The attention of the operator on the line graph. A message that never goes straight back is from Chemprop's
    directed message passing (Yang et al. 2019, arXiv:1904.01561, eq. 3-6), where it is a sum.

    Args:
        as of `MoleculeNet`.
    """

    def __init__(
        self,
        atom_features: int,
        bond_features: int,
        num_targets: int = 1,
        num_descriptors: int = 0,
        *,
        embed_dim: int = 64,
        num_heads: int = 4,
        depth: int = 2,
        head_dim: int = 128,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(
            atom_features, bond_features, num_targets, num_descriptors,
            embed_dim=embed_dim, num_heads=num_heads, depth=0, head_dim=head_dim, dropout=dropout,
        )  # fmt: skip
        self.atom_embedding = nn.Linear(atom_features + embed_dim, embed_dim)
        self.bond_embedding = nn.Linear(atom_features + bond_features, embed_dim)
        self.layers = nn.ModuleList(
            GraphTransformerLayer(embed_dim, num_heads, ffn_dim=2 * embed_dim, dropout=dropout) for _ in range(depth)
        )

    def embed_atoms(self, batch: Any) -> Tensor:
        """Return what the layers make of each atom, `[N, embed_dim]`."""
        source, destination = batch.edge_index
        bonds = self.bond_embedding(torch.cat([batch.x[source], batch.edge_attr], dim=-1))
        if source.numel():
            graph = line_graph(batch.edge_index, batch.num_nodes)
            for layer in self.layers:
                bonds = layer(bonds, graph)
        arrived = bonds.new_zeros(batch.num_nodes, bonds.shape[1]).index_add(0, destination, bonds)
        return nn.functional.gelu(self.atom_embedding(torch.cat([batch.x, arrived], dim=-1)))


def line_graph(edge_index: Tensor, num_nodes: int) -> Graph:
    """The graph whose nodes are the edges: w → u leads into u → v, unless w is v.

    Args:
        edge_index: `[2, E]`; the edges 2b and 2b + 1 are the two directions of one bond.
        num_nodes: the number of nodes.

    Example:
        >>> line_graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 3).edge_index  # the chain 0 - 1 - 2
        tensor([[3, 0],
                [1, 2]])
    """
    source, destination = edge_index
    arriving = destination.argsort(stable=True)
    count = torch.bincount(destination, minlength=num_nodes)
    first = count.cumsum(0) - count
    edge = torch.arange(source.numel(), device=edge_index.device).repeat_interleave(count[source])
    start = count[source].cumsum(0) - count[source]
    place = torch.arange(edge.numel(), device=edge_index.device) - start[edge] + first[source[edge]]
    before = arriving[place]
    onward = before != (edge ^ 1)
    return Graph(torch.stack([before[onward], edge[onward]]), num_nodes=source.numel())
