"""Tiles: what one program holds of R rows, S edges of each at a time, and all heads.

A tile of numbers is `[R, S, heads, width]`, one of scores `[R, S, heads]`; what belongs to a row and not to an edge has
S = 1. Heads and widths are padded to powers of two. Heads are numbered key head by key head, so that the query heads of
a key head lie side by side: `HKP` key heads with `GP` query heads each. Addresses are 64 bits wide.
"""

import triton
import triton.language as tl


@triton.jit
def query_heads(HK: tl.constexpr, GROUP: tl.constexpr, HKP: tl.constexpr, GP: tl.constexpr):
    """Of each head of a tile: its number, its key head's, and whether there is such a head."""
    slot = tl.arange(0, HKP * GP)
    if GP == 1:
        key_head = tl.program_id(1) * HKP + slot
        head, real = key_head, key_head < HK
    else:
        key_head = tl.program_id(1) * HKP + slot // GP
        head, real = key_head * GROUP + slot % GP, (key_head < HK) & (slot % GP < GROUP)
    return head, key_head, real


@triton.jit
def key_heads(HK: tl.constexpr, HKP: tl.constexpr):
    """The number of each key head of a tile, and whether there is such a head."""
    head = tl.program_id(1) * HKP + tl.arange(0, HKP)
    return head, head < HK


@triton.jit
def _places(row, there, head, real, H: tl.constexpr, W: tl.constexpr, WP: tl.constexpr):
    """Where the numbers [row, head, :W] of a tensor lie, and which of them are there."""
    column = tl.arange(0, WP)[None, None, None, :]
    first = row.to(tl.int64)[:, :, None, None] * (H * W) + head[None, None, :, None] * W
    return first + column, there[:, :, None, None] & real[None, None, :, None] & (column < W)


@triton.jit
def load_rows(base, row, there, head, real, H: tl.constexpr, W: tl.constexpr, WP: tl.constexpr, NUMBER: tl.constexpr):
    """`[R, S, heads, WP]`: the rows of a tensor `[·, H, W]`, zero where there is nothing."""
    place, mask = _places(row, there, head, real, H, W, WP)
    return tl.load(base + place, mask=mask, other=0.0).to(NUMBER)


@triton.jit
def store_rows(base, value, row, there, head, real, H: tl.constexpr, W: tl.constexpr, WP: tl.constexpr):
    """Write a tile `[R, S, heads, WP]` to the rows of a tensor `[·, H, W]`."""
    place, mask = _places(row, there, head, real, H, W, WP)
    tl.store(base + place, value, mask=mask)


@triton.jit
def load_heads(base, row, there, head, real, H: tl.constexpr, NUMBER: tl.constexpr):
    """`[R, S, heads]`: one number for each row and head of a tensor `[·, H]`."""
    place = row.to(tl.int64)[:, :, None] * H + head[None, None, :]
    return tl.load(base + place, mask=there[:, :, None] & real[None, None, :], other=0.0).to(NUMBER)


@triton.jit
def store_heads(base, value, row, there, head, real, H: tl.constexpr):
    """Write a tile `[R, S, heads]` to a tensor `[·, H]`."""
    place = row.to(tl.int64)[:, :, None] * H + head[None, None, :]
    tl.store(base + place, value, mask=there[:, :, None] & real[None, None, :])


@triton.jit
def load_features(base, edge, there, A: tl.constexpr, AP: tl.constexpr, NUMBER: tl.constexpr):
    """`[R, S, 1, AP]`: the features of edges, `[E, A]`, which all heads share."""
    column = tl.arange(0, AP)[None, None, None, :]
    place = edge.to(tl.int64)[:, :, None, None] * A + column
    return tl.load(base + place, mask=there[:, :, None, None] & (column < A), other=0.0).to(NUMBER)


@triton.jit
def with_features(
    keys, edge_attr, edge, there, key_proj, head, real, H: tl.constexpr, A: tl.constexpr, D: tl.constexpr,
    HP: tl.constexpr, DP: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """`[R, S, heads, DP]`: keys + W a of edges, one feature after another, so that registers hold one row of W."""
    keys += tl.zeros((edge.shape[0], edge.shape[1], HP, DP), NUMBER)
    first, one = edge.to(tl.int64) * A, tl.zeros((1, 1), tl.int32)
    for feature in range(A):
        factor = tl.load(edge_attr + first + feature, mask=there, other=0.0).to(NUMBER)
        row = load_rows(key_proj, one + feature, one == 0, head, real, H, D, DP, NUMBER)
        keys += factor[:, :, None, None] * row
    return keys


@triton.jit
def store_features(base, value, edge, there, A: tl.constexpr, AP: tl.constexpr):
    """Write `[R, S, AP]` to the features of edges."""
    column = tl.arange(0, AP)[None, None, :]
    place = edge.to(tl.int64)[:, :, None] * A + column
    tl.store(base + place, value, mask=there[:, :, None] & (column < A))


@triton.jit
def rows_of_program(program, starts, stops, rows, count, PIECES: tl.constexpr, ROWS: tl.constexpr):
    """The R rows of a program, each `[R, 1]`: node, where its results go, whether it is there, its first and last edge.

    Without PIECES, row t is the node rows[t] (or t), with all its edges. With it, row t is a piece of the node's edges,
    starts[t] to stops[t], and its results go to place t of a workspace.
    """
    row = tl.full((1, 1), program, tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    there = row < count
    node = row
    if rows is not None:
        node = tl.load(rows + row, mask=there, other=0).to(tl.int64)
    if PIECES:
        target = row
        first, last = tl.load(starts + row, mask=there, other=0), tl.load(stops + row, mask=there, other=0)
    else:
        target = node
        first, last = tl.load(starts + node, mask=there, other=0), tl.load(starts + node + 1, mask=there, other=0)
    return node, target, there, first.to(tl.int64), last.to(tl.int64)


@triton.jit
def sum_of_slots(tile):
    """`[R, 1, …]` from `[R, S, …]`."""
    return tl.expand_dims(tl.sum(tile, 1), 1)


@triton.jit
def sum_of_groups(tile, HKP: tl.constexpr, GP: tl.constexpr):
    """`[R, 1, HKP, W]` from `[R, 1, HKP · GP, W]`: the sum over the query heads of each key head."""
    if GP > 1:
        tile = tl.sum(tl.reshape(tile, (tile.shape[0], 1, HKP, GP, tile.shape[3])), 3)
    return tile
