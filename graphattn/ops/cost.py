"""What the forward pass of a call costs on a backend, by counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphattn.graph import Batch, Bipartite, Causal, Complete, Union
from graphattn.graph.tiles import tiles
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.composite import backend as parts
from graphattn.ops.linear.backend import CHUNK
from graphattn.ops.scores import NoScore


def cost(call: AttentionCall, backend: str, explain: Callable[[AttentionCall], Any]) -> tuple[int, int]:
    """Floating-point operations, and bytes read and written.

    A pair of a destination and a source takes 2·H·(D + Dv) operations: a product and a sum for each number of key and
    value (D is 1 for the score "sum", 0 for "none"). Every path reads q, k, v and edge tensors and writes the output.
    Beside that,

    - `dense` does nothing for pairs that are no edges;
    - `block` has the pairs of its tiles, and copies what each tile reads;
    - `linear` has 2·D·(Dv + 1) operations for each head of a destination and of a source on a complete graph, and on a
      causal one the pairs of its chunks too;
    - `numba` gathers a key and a value, and reads an index, for each edge;
    - `reference` writes and reads again keys, queries and values of every edge and head;
    - `parts` is the sum of its parts.
    """
    graph, heads, size = call.graph, call.heads, call.v.element_size()
    key_heads, value_width = call.v.shape[1:]
    width = 0 if call.q is None or isinstance(call.score, NoScore) else (call.q.shape[2] if call.q.ndim == 3 else 1)
    moved = sum(tensor.numel() for tensor in call.tensors.values()) * size
    moved += graph.num_dst * heads * value_width * size
    if backend == "parts" and isinstance(graph, Union | Batch):
        found = [explain(inner) for inner in parts.calls(call)]
        return sum(each.flops for each in found), sum(each.bytes for each in found)
    if backend == "linear" and isinstance(graph, Complete | Bipartite | Causal):
        flops = 2 * width * (value_width + 1) * (graph.num_dst * heads + graph.num_src * key_heads)
        if isinstance(graph, Causal):
            flops += 2 * heads * (width + value_width + 1) * CHUNK * graph.num_dst
        return flops, moved
    pairs = graph.num_edges
    if backend == "block":
        made = tiles(graph) or ()
        pairs = sum(part.num_pairs for part in made)
        copied = sum(part.sources.numel() * key_heads * (width + value_width) for part in made)
        moved += 2 * copied * size
    elif backend == "reference":
        moved += 2 * pairs * heads * (2 * width + value_width) * size
    elif backend != "dense":
        moved += pairs * (key_heads * (width + value_width) * size + graph.csr.indices.element_size())
    return 2 * heads * pairs * (width + value_width), moved
