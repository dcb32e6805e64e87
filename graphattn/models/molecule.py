"""A graph Transformer for properties of molecules."""

from typing import Any

import torch
from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.nn import AttentionPooling, GraphTransformerLayer


class MoleculeNet(nn.Module):
    """Predict properties of molecules from their graphs and optional descriptors.

        h⁰ = x W + b                                      atoms
        hˡ = GraphTransformerLayer(hˡ⁻¹, e)               attention over bonds, `depth` times
        g  = [AttentionPooling(h), Σ h / 10], h normed    a weighted mean, and a scaled sum
        y  = MLP([g, d])                                  with the descriptors d

    Args:
        atom_features: width of an atom's features.
        bond_features: width of a bond's features.
        num_targets: number of outputs.
        num_descriptors: width of the descriptors; 0 for none.
        embed_dim: width of the atom embeddings.
        num_heads: attention heads; divides `embed_dim`.
        depth: number of layers.
        head_dim: width of the two hidden layers of the head.
        dropout: dropout probability in the layers and in the head.
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
        super().__init__()
        self.atom_embedding = nn.Linear(atom_features, embed_dim)
        self.layers = nn.ModuleList(
            GraphTransformerLayer(embed_dim, num_heads, ffn_dim=2 * embed_dim, edge_dim=bond_features, dropout=dropout)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(embed_dim)
        self.pooling = AttentionPooling(embed_dim, num_heads)
        self.num_descriptors = num_descriptors
        self.embed_width = 2 * embed_dim
        self.head = nn.Sequential(
            nn.Linear(2 * embed_dim + num_descriptors, head_dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(head_dim, head_dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(head_dim, num_targets),
        )

    def forward(self, batch: Any) -> Tensor:
        """Return `[num_graphs, num_targets]`.

        Args:
            batch: a `torch_geometric.data.Batch` with `x [N, Fa]`, `edge_index [2, E]`, `edge_attr [E, Fb]`,
                `batch [N]`, `num_graphs` and, if the network takes descriptors, `descriptors [num_graphs, d]`.
        """
        parts = [self.embed(batch)]
        if self.num_descriptors:
            parts.append(batch.descriptors)
        return self.head(torch.cat(parts, dim=-1))

    def embed_atoms(self, batch: Any) -> Tensor:
        """Return what the layers make of each atom, `[N, embed_dim]`."""
        graph = Graph(batch.edge_index, batch.num_nodes)
        x = self.atom_embedding(batch.x)
        for layer in self.layers:
            x = layer(x, graph, batch.edge_attr)
        return x

    def embed(self, batch: Any) -> Tensor:
        """Return what the layers make of each graph, `[num_graphs, embed_width]`: a learned fingerprint."""
        x = self.norm(self.embed_atoms(batch))
        pooled = self.pooling(x, batch.batch, batch.num_graphs)
        total = x.new_zeros(batch.num_graphs, x.shape[1]).index_add(0, batch.batch, x)
        return torch.cat([pooled, total / 10], dim=-1)
