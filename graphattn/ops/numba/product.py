"""Products of small matrices, for what a tile of edges adds up over their features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from graphattn.ops.numba.edges import ONE
from graphattn.ops.numba.helper import shared
from graphattn.ops.numba.vector import Lanes, Row, constant, number_of, shifted, vector_bytes


def _blocks(number: types.Type) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Blocks from the widest to a single column: rows of the first ones, vectors side by side, numbers in each."""
    lanes = vector_bytes() * 8 // number.bitwidth
    many = 8 if vector_bytes() == 64 else 4  # rows whose sums stay in registers: there are 32 or 16 of those
    yield (many, 1), 2, lanes
    yield (many, 1), 1, lanes
    while lanes > 1:
        lanes //= 2
        yield (1,), 1, lanes


@intrinsic
def _add_product(
    typingctx, x, row_step, step, w, w_step, c, c_step,
    rows, size, width,
):  # fmt: skip
    number = number_of(c)

    def emit(context, builder, signature, args):
        x, row_step, step, w_at, w_step, c_at, c_step, rows, size, width = args
        index = ir.IntType(64)

        def block(lanes: Lanes, vectors: int, count: int, row: Any, column: Any) -> None:
            """The sums of `count` rows from `row` on and so many columns from `column` on."""
            ends = [builder.add(row, constant(r)) for r in range(count)]
            targets = [Row(c_at, number).moved(builder, builder.add(builder.mul(r, c_step), column)) for r in ends]
            factors = [builder.gep(x, [builder.mul(r, row_step)]) for r in ends]
            sums = [
                [cgutils.alloca_once_value(builder, lanes.load(target, constant(v))) for v in range(vectors)]
                for target in targets
            ]
            with cgutils.for_range(builder, size, intp=index) as loop:
                line = Row(w_at, number).moved(builder, builder.add(builder.mul(loop.index, w_step), column))
                terms = [lanes.load(line, constant(v)) for v in range(vectors)]
                for factor, row_sums in zip(factors, sums, strict=True):
                    each = lanes.splat(builder.load(builder.gep(factor, [builder.mul(loop.index, step)])))
                    for term, total in zip(terms, row_sums, strict=True):
                        builder.store(lanes.multiply_add(each, term, builder.load(total)), total)
            for target, row_sums in zip(targets, sums, strict=True):
                for v, total in enumerate(row_sums):
                    lanes.store(builder.load(total), target, constant(v))

        done = constant(0)
        for heights, vectors, count in _blocks(number):
            lanes, columns = Lanes(builder, number, count), constant(vectors * count)
            blocks = builder.udiv(builder.sub(width, done), columns)
            with cgutils.for_range(builder, blocks, intp=index) as across:
                column, above = builder.add(done, builder.mul(across.index, columns)), constant(0)
                for height in heights:
                    times = builder.udiv(builder.sub(rows, above), constant(height))
                    with cgutils.for_range(builder, times, intp=index) as down:
                        row = builder.add(above, builder.mul(down.index, constant(height)))
                        block(lanes, vectors, height, row, column)
                    above = builder.add(above, builder.mul(times, constant(height)))
            done = builder.add(done, builder.mul(blocks, columns))
        return context.get_dummy_value()

    index = types.uint64
    return types.void(x, index, index, w, index, c, index, index, index, index), emit


@shared
def add_product(x, row_step, step, w, w_step, c, c_step, rows, size, width):
    """c_r += Σ_t x[r · row_step + t · step] · w_t, for `rows` rows c_r and `size` rows w_t of `width` numbers each.

    The steps say where numbers lie: x may be read as its transpose, and rows may be parts of longer ones.
    """
    _add_product(x, row_step, step, w, w_step, c, c_step, rows, size, width)


@shared
def add_by_head(x, i, w, c, j, rows, heads, size, width):
    """c_j+r,h += x_i+r,h · w_h, for `rows` rows of `heads` times `size` and `width` numbers, w_h `[size, width]`."""
    for h in range(heads):
        factors, sums = shifted(x, (i * heads + h) * size), shifted(c, (j * heads + h) * width)
        of_head = shifted(w, h * size * width)
        add_product(factors, heads * size, ONE, of_head, width, sums, heads * width, rows, size, width)


@shared
def add_outer_by_head(x, i, y, j, w, rows, heads, size, width):
    """w_h += Σ_r x_i+r,h ⊗ y_j+r,h, the gradient of w in `add_by_head` from x and the gradient y of its result."""
    for h in range(heads):
        factors, others = shifted(x, (i * heads + h) * size), shifted(y, (j * heads + h) * width)
        of_head = shifted(w, h * size * width)
        add_product(factors, ONE, heads * size, others, heads * width, of_head, width, size, rows, width)
