"""The block backend: windows and grids as blocks of which most pairs are edges.

On the CPU they are tiles, on a GPU the blocks of FlexAttention.
"""

from __future__ import annotations

from torch._subclasses.fake_tensor import FakeTensor

from graphattn.graph import Grid, Window
from graphattn.graph.tiles import tiles
from graphattn.ops import tiled
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.backend import Answer, Attend, Backend, Choose, CostOf, refusal_of_transforms
from graphattn.ops.block import flex
from graphattn.ops.cost import Cost, cost_of_pairs, key_width

MOST_PAIRS = 2  # in the tiles for each edge, up to which products of matrices beat a pass over the edges (measured)

_TILES = "tiles of pairs that mostly see one another, for windows and grids"
_BLOCKS = f"FlexAttention on blocks{_TILES.removeprefix('tiles')}"


def refusal(call: AttentionCall) -> str | None:
    """Why blocks cannot run a call, or None if they can."""
    why_not = refusal_of_transforms()
    if why_not is not None:
        return why_not
    if isinstance(call.v, FakeTensor):
        return "the tensors are fake, and its tiles are found by looking at numbers"
    if not isinstance(call.graph, Window | Grid):
        return "the graph is not known to be a window or a grid"
    return flex.refusal(call) if call.v.device.type == "cuda" else tiled.refusal(call)


def slower_because(call: AttentionCall, choose: Choose) -> str | None:
    """Why a pass over the edges is faster, or None."""
    graph = call.graph
    if call.dropout:
        return "to draw the mask of a tile takes longer than a pass over its edges"
    made = None if call.v.device.type == "cuda" else tiles(graph)
    if made is not None and sum(part.num_pairs for part in made) > MOST_PAIRS * graph.num_edges:
        return f"its tiles would have more than {MOST_PAIRS} pairs for each edge"
    return None


def describe(call: AttentionCall) -> str:
    """What it runs for a call that `refusal` accepts."""
    return _BLOCKS if call.v.device.type == "cuda" else _TILES


def run(call: AttentionCall, attend: Attend) -> Answer:
    """Run one call that `refusal` accepts."""
    return flex.attention(call) if call.v.device.type == "cuda" else tiled.attention(call)


def cost(call: AttentionCall, cost_of: CostOf) -> Cost:
    """All pairs of the tiles, and a copy of what each tile reads."""
    made = tiles(call.graph) or ()
    flops, moved = cost_of_pairs(call, sum(part.num_pairs for part in made))
    copied = sum(part.sources.numel() for part in made) * call.v.shape[1] * (key_width(call) + call.v.shape[2])
    return Cost(flops, moved + 2 * copied * call.v.element_size())


BLOCK = Backend(
    name="block",
    summary=_TILES,
    refusal=refusal,
    run=run,
    slower_because=slower_because,
    describe=describe,
    cost=cost,
)
