"""Attention by hand on three nodes, and the graphs behind self-attention, causal masks and windows.

    python examples/attention_from_scratch.py

Attention is a weighted mean over the in-neighbors of a node. The first part computes one such mean step by step
(scores, softmax, weighted mean) and compares it with `graphattn.attention`. The second part shows that what sets one
kind of attention apart from another is the graph: a sequence is a complete graph, a causal mask is a triangle, a
window is a band.

Expected: every comparison prints a largest difference below 0.000001. Takes about three seconds.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

import graphattn as ga


def by_hand() -> float:
    """One destination, two in-neighbors, every step printed; the largest difference from the library."""
    q = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])  # what each node asks for
    k = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])  # what each node offers
    v = torch.tensor([[10.0], [20.0], [30.0]])  # what each node says
    edge_index = torch.tensor([[0, 1, 2], [2, 2, 0]])  # row 0: sources, row 1: destinations
    print("edges: 0 → 2, 1 → 2, 2 → 0;  node 2 sees nodes 0 and 1, node 0 sees node 2, node 1 sees nobody\n")

    scores = [float(q[2] @ k[j]) / math.sqrt(2) for j in (0, 1)]
    print("node 2 compares its query with the keys of its in-neighbors, ⟨q, k⟩ / √2:")
    print(f"  scores          {scores[0]:.4f}  {scores[1]:.4f}")
    powers = [math.exp(score) for score in scores]
    weights = [power / sum(powers) for power in powers]
    print("softmax makes positive weights of them that sum to one:")
    print(f"  exponentials    {powers[0]:.4f}  {powers[1]:.4f}   sum {sum(powers):.4f}")
    print(f"  weights         {weights[0]:.4f}  {weights[1]:.4f}   sum {sum(weights):.4f}")
    mean = weights[0] * v[0] + weights[1] * v[1]
    print("and the answer is the weighted mean of their values, 10 and 20:")
    print(f"  {weights[0]:.4f} · 10 + {weights[1]:.4f} · 20 = {mean.item():.4f}\n")

    graph = ga.Graph(edge_index, num_nodes=3)
    # The library's tensors are [nodes, heads, width]; here there is one head.
    out, per_edge = ga.attention(q[:, None], k[:, None], v[:, None], graph, return_weights=True)
    print(f"graphattn.attention, node by node: {[round(value, 4) for value in out.flatten().tolist()]}")
    print(f"its weights, edge by edge:         {[round(value, 4) for value in per_edge.flatten().tolist()]}")
    expected = torch.tensor([30.0, 0.0, mean.item()])  # one neighbor: its value; none: zero
    return compare("the answer by hand", out.flatten(), expected)


def sequences() -> float:
    """Self-attention, causal and windowed, as graphs; the largest difference from PyTorch's own."""
    n, width = 6, 4
    q, k, v = torch.randn(3, n, 1, width)
    print(f"\nA sequence of {n}. Row i: the weights with which position i reads positions 0 to {n - 1}; · is no edge.")

    differences = []
    kinds = {
        "self-attention is attention on a complete graph": ga.complete(n),
        "a causal mask is a triangle: no one sees the future": ga.causal(n),
        "a window is a band: everyone sees one step to each side": ga.window(n, radius=1),
    }
    for name, graph in kinds.items():
        out, weights = ga.attention(q, k, v, graph, return_weights=True)
        show(name, graph, weights[:, 0])
        mask = adjacency(graph).bool()
        heads_first = [tensor.transpose(0, 1) for tensor in (q, k, v)]  # PyTorch wants [heads, positions, width]
        expected = F.scaled_dot_product_attention(*heads_first, attn_mask=mask)
        differences.append(compare("PyTorch's, with these edges as its mask", out, expected.transpose(0, 1)))
    return max(differences)


def adjacency(graph: ga.Graph, weights: Tensor | None = None) -> Tensor:
    """The weights of the edges (ones, where not given) as a matrix: rows are destinations, columns sources."""
    source, destination = graph.edge_index
    matrix = torch.zeros(graph.num_dst, graph.num_src)
    matrix[destination, source] = torch.ones(graph.num_edges) if weights is None else weights
    return matrix


def show(title: str, graph: ga.Graph, weights: Tensor) -> None:
    """Print the weights as a small matrix."""
    print(f"\n{title}\n  {graph}")
    for row, edges in zip(adjacency(graph, weights).tolist(), adjacency(graph).tolist(), strict=True):
        cells = (f"{weight:.2f}" if edge else "  · " for weight, edge in zip(row, edges, strict=True))
        print("  " + " ".join(cells).rstrip())


def compare(other: str, got: Tensor, expected: Tensor) -> float:
    """Print and return the largest difference."""
    difference = (got - expected).abs().max().item()
    print(f"  largest difference from {other}: {difference:.7f}")
    return difference


def main() -> float:
    """Run both parts; return the largest difference of all."""
    torch.manual_seed(0)
    return max(by_hand(), sequences())


if __name__ == "__main__":
    main()
