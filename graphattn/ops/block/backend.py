"""Windows and grids as blocks of pairs that mostly see one another: tiles on the CPU, FlexAttention on a GPU."""

from __future__ import annotations

from torch import Tensor

from graphattn.graph import Grid, Window
from graphattn.graph.tiles import tiles
from graphattn.ops import tiled
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.block import flex
from graphattn.ops.state import State

WORTH = 2  # pairs in the tiles for each edge, up to which products of matrices beat a pass over the edges (measured)


def refusal(call: AttentionCall) -> str | None:
    """Why blocks cannot serve a call, or None if they can."""
    if not isinstance(call.graph, Window | Grid):
        return "the graph is not known to be a window or a grid"
    return flex.refusal(call) if call.v.device.type == "cuda" else tiled.refusal(call)


def waste(call: AttentionCall) -> str | None:
    """Why "auto" passes blocks over though they could serve, or None."""
    graph = call.graph
    if call.dropout:
        return "to draw the mask of a tile takes longer than a pass over its edges"
    made = None if call.v.device.type == "cuda" else tiles(graph)
    if made is not None and sum(part.num_pairs for part in made) > WORTH * graph.num_edges:
        return f"its tiles would have more than {WORTH} pairs for each edge"
    return None


def path(call: AttentionCall) -> str:
    """What it runs for a call that `refusal` has let pass."""
    by = "FlexAttention on blocks" if call.v.device.type == "cuda" else "tiles"
    return f"{by} of pairs that mostly see one another, for windows and grids"


def attention(call: AttentionCall) -> Tensor | State:
    """Run one call that `refusal` has let pass."""
    return flex.attention(call) if call.v.device.type == "cuda" else tiled.attention(call)
