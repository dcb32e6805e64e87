"""Tiles of a rowblock: R rows, each a node with a head, against C columns.

A tile of scores is `[R, C]`; one of rows fetched for columns is `[C, width]`, in the dtype that they are stored in. The
rows of a rowblock come once for each query head of a program, GP · 16 in all: row r is node r % 16 with head r // 16.
"""

import triton
import triton.language as tl


@triton.jit
def rowblock_of_program(rowblocks, starts, stops, count, units: tl.constexpr, GP: tl.constexpr):
    """Of one of the `units` programs of a rowblock: its number, its R rows, which of them exist, and its columns."""
    at = tl.program_id(0) // units
    node = tl.load(rowblocks + at).to(tl.int64) * 16 + tl.arange(0, 16 * GP) % 16
    return tl.program_id(0) % units, node, node < count, tl.load(starts + at), tl.load(stops + at)


@triton.jit
def load_columns(columns, masks, slot, stop):
    """The columns at these C slots, `[C]`, and their masks; the mask of a slot beyond `stop` is zero."""
    column = tl.load(columns + slot, mask=slot < stop, other=0)
    return column, tl.load(masks + slot, mask=slot < stop, other=0)


@triton.jit
def edges_of_masks(mask, there, R: tl.constexpr):
    """`[R, C]`: which rows have an edge to which column."""
    return (((mask[None, :] >> (tl.arange(0, R) % 16)[:, None]) & 1) != 0) & there[:, None]


@triton.jit
def load_vectors(base, row, there, W: tl.constexpr, WP: tl.constexpr):
    """`[rows, WP]`: the rows of a tensor `[·, W]`, zero where there is nothing."""
    width = tl.arange(0, WP)
    return tl.load(base + row[:, None] * W + width[None, :], mask=there[:, None] & (width < W)[None, :], other=0.0)


@triton.jit
def store_vectors(base, value, row, there, W: tl.constexpr, WP: tl.constexpr):
    """Write `[rows, WP]` to the rows of a tensor `[·, W]`."""
    width = tl.arange(0, WP)
    tl.store(base + row[:, None] * W + width[None, :], value, mask=there[:, None] & (width < W)[None, :])


@triton.jit
def places_of_edges(edges, passed, order):
    """The place by destination of each edge, `[R, C]`, and `passed` the edges of these columns.

    `passed` is how many edges lie before: those of the rows above, and of this row in the columns before.
    """
    ones = edges.to(tl.int32)
    place = passed[:, None] + tl.cumsum(ones, 1) - ones
    if order is not None:
        place = tl.load(order + place, mask=edges, other=0).to(tl.int64)
    return place, passed + tl.sum(ones, 1)


@triton.jit
def finite_vectors(rows):
    """Rows with zeros in place of NaN and infinity, whose product with zero is NaN; and which rows had any."""
    finite = tl.abs(rows.to(tl.float32)) < float("inf")
    return tl.where(finite, rows, 0.0).to(rows.dtype), tl.max(tl.where(finite, 0, 1), 1) != 0


@triton.jit
def add_product(sums, x, rows, BOUNDED: tl.constexpr):
    """sums + x · rows, x in float32 and rows as they are stored, nearly as good as in float32.

    Tensor cores multiply halves, so x is split into the sum of two: 16 bits of each number for bfloat16, 22 for
    float16, whose small range asks for rows that have 1 as their largest number unless x is BOUNDED by 1.
    """
    if rows.dtype == tl.float32:
        sums = tl.dot(x, rows, sums, input_precision="ieee")
    elif BOUNDED or rows.dtype == tl.bfloat16:
        high = x.to(rows.dtype)
        sums = tl.dot(high, rows, sums, input_precision="ieee")
        sums = tl.dot((x - high.to(tl.float32)).to(rows.dtype), rows, sums, input_precision="ieee")
    else:
        size = tl.max(tl.abs(x), 1)
        size = tl.where(size == 0, 1.0, size)[:, None]
        x = x / size
        high = x.to(rows.dtype)
        product = tl.dot(high, rows, input_precision="ieee")
        sums += size * tl.dot((x - high.to(tl.float32)).to(rows.dtype), rows, product, input_precision="ieee")
    return sums


@triton.jit
def products_of_pairs(rows, columns):
    """`[R, C]`: ⟨row, column⟩ in float32, of vectors `[R, W]` and `[C, W]`; exact but for the addition."""
    return tl.dot(rows, tl.trans(columns), input_precision="ieee")
