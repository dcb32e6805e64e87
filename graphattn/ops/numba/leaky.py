"""The additive score of GATv2, vector · leaky_relu(q + k), and its gradients, each in one sweep over the features.

Rows are as in `graphattn.ops.numba.vector`. The activation is found anew where it is needed: to write it down and read
it again costs more.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from graphattn.ops.numba.vector import Lanes, Loops, Row, constant, number_of


def _inside(lanes: Lanes, query: Row, key: Row, step: Any) -> Any:
    return lanes.builder.fadd(lanes.load(query, step), lanes.load(key, step))


def _activation(lanes: Lanes, inside: Any, negative_slope: Any) -> Any:
    builder = lanes.builder
    below = builder.fcmp_ordered("<", inside, ir.Constant(inside.type, None))
    return builder.select(below, builder.fmul(lanes.splat(negative_slope), inside), inside)


def _slope(lanes: Lanes, inside: Any, negative_slope: Any) -> Any:
    builder = lanes.builder
    above = builder.fcmp_ordered(">", inside, ir.Constant(inside.type, None))
    return builder.select(above, lanes.splat(ir.Constant(lanes.scalar, 1.0)), lanes.splat(negative_slope))


@intrinsic
def add_leaky_dots(
    typingctx, scale, negative_slope, vector, a, i, b, j,
    width, group, key_heads, sums, y,
):  # fmt: skip
    """sums[y + h] += scale · ⟨vector_h, leaky_relu(a_h + b_h)⟩."""
    number = number_of(sums)

    def emit(context, builder, signature, args):
        scale, negative_slope, vector_at, a_at, i, b_at, j, width, group, key_heads, sums_at, y = args
        zero = ir.Constant(context.get_value_type(number), 0.0)
        total = cgutils.alloca_once_value(builder, zero)

        def piece(lanes: Lanes, steps: int, query: Row, factor: Row, key: Row) -> None:
            found = lanes.sum_of_products(
                (lanes.load(factor, s), _activation(lanes, _inside(lanes, query, key, s), negative_slope))
                for s in map(constant, range(steps))
            )
            builder.store(builder.fadd(builder.load(total), lanes.sum(found)), total)

        def begin(head):
            builder.store(zero, total)

        def finish(head):
            place = builder.gep(sums_at, [builder.add(y, head)])
            builder.store(builder.fadd(builder.load(place), builder.fmul(scale, builder.load(total))), place)

        query, key = Row(a_at, a.dtype).moved(builder, i), Row(b_at, b.dtype).moved(builder, j)
        loops = Loops(builder, number, width, group, key_heads)
        loops.emit([query, Row(vector_at, number)], [key], piece, begin, finish)
        return context.get_dummy_value()

    index = types.uint64
    return types.void(number, number, vector, a, index, b, index, index, index, index, sums, index), emit


@intrinsic
def add_leaky_to_queries(
    typingctx, scale, negative_slope, slopes, y, vector, a, i, b, j,
    width, group, key_heads, grads, row,
):  # fmt: skip
    """grads_h += scale · slopes[y + h] · vector_h leaky_relu'(a_h + b_h), from grads[row] on."""
    number = number_of(slopes)

    def emit(context, builder, signature, args):
        scale, negative_slope, slopes_at, y, vector_at, a_at, i, b_at, j, width, group, key_heads, grads_at, row = args
        weight = cgutils.alloca_once(builder, context.get_value_type(number))

        def begin(head):
            builder.store(builder.fmul(scale, builder.load(builder.gep(slopes_at, [builder.add(y, head)]))), weight)

        def piece(lanes: Lanes, steps: int, query: Row, factor: Row, target: Row, key: Row) -> None:
            each = lanes.splat(builder.load(weight))
            for s in map(constant, range(steps)):
                slope = _slope(lanes, _inside(lanes, query, key, s), negative_slope)
                change = builder.fmul(lanes.load(factor, s), slope)
                lanes.store(lanes.multiply_add(each, change, lanes.load(target, s)), target, s)

        query, key = Row(a_at, a.dtype).moved(builder, i), Row(b_at, b.dtype).moved(builder, j)
        target = Row(grads_at, number).moved(builder, row)
        Loops(builder, number, width, group, key_heads).emit(
            [query, Row(vector_at, number), target], [key], piece, begin
        )
        return context.get_dummy_value()

    index = types.uint64
    arguments = (number, number, slopes, index, vector, a, index, b, index, index, index, index, grads, index)
    return types.void(*arguments), emit


@intrinsic
def add_leaky_to_keys(
    typingctx, scale, negative_slope, slopes, y, vector, a, i, b, j,
    width, group, key_heads, grads, row, of_vector, first,
):  # fmt: skip
    """The same added to the key's row from grads[row] on, and scale · slopes[y + h] · leaky_relu(a_h + b_h) to that of
    the vector from of_vector[first] on."""  # noqa: D209
    number = number_of(slopes)

    def emit(context, builder, signature, args):
        scale, negative_slope, slopes_at, y, vector_at, a_at, i, b_at, j, width, group, key_heads, *rest = args
        grads_at, row, of_vector_at, first = rest
        weight = cgutils.alloca_once(builder, context.get_value_type(number))

        def begin(head):
            builder.store(builder.fmul(scale, builder.load(builder.gep(slopes_at, [builder.add(y, head)]))), weight)

        def piece(lanes: Lanes, steps: int, query: Row, factor: Row, vectors: Row, key: Row, keys: Row) -> None:
            each = lanes.splat(builder.load(weight))
            for s in map(constant, range(steps)):
                inside = _inside(lanes, query, key, s)
                value = _activation(lanes, inside, negative_slope)
                change = builder.fmul(lanes.load(factor, s), _slope(lanes, inside, negative_slope))
                lanes.store(lanes.multiply_add(each, value, lanes.load(vectors, s)), vectors, s)
                lanes.store(lanes.multiply_add(each, change, lanes.load(keys, s)), keys, s)

        query, key = Row(a_at, a.dtype).moved(builder, i), Row(b_at, b.dtype).moved(builder, j)
        vectors, keys = Row(of_vector_at, number).moved(builder, first), Row(grads_at, number).moved(builder, row)
        loops = Loops(builder, number, width, group, key_heads)
        loops.emit([query, Row(vector_at, number), vectors], [key, keys], piece, begin)
        return context.get_dummy_value()

    index = types.uint64
    arguments = (number, number, slopes, index, vector, a, index, b, index, index, index, index)
    return types.void(*arguments, grads, index, of_vector, index), emit
