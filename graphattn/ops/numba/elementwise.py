"""Arithmetic on a few numbers in a row, such as one for each head of an edge, written as vector instructions.

LLVM makes vector instructions of a loop only for trips much longer than a handful of heads, and runs shorter ones
number by number. Each function here changes x[y], …, x[y + n − 1] in place; x and a are pointers of one dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_LANES = 8  # the usual largest number of heads
_I64 = ir.IntType(64)


def _vector(builder: Any, pointer: Any, offset: Any, lanes: int) -> Any:
    """A pointer to `lanes` numbers at once."""
    place = builder.gep(pointer, [offset])
    return place if lanes == 1 else builder.bitcast(place, ir.VectorType(pointer.type.pointee, lanes).as_pointer())


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    if lanes == 1:
        return value
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, zeros)


def _in_pieces(builder: Any, size: Any, piece: Callable[[int, Any], None]) -> None:
    """`piece(lanes, offset)` until `size` numbers are done: eights, then what is left."""
    whole = builder.lshr(size, ir.Constant(_I64, _LANES.bit_length() - 1))
    with cgutils.for_range(builder, whole, intp=_I64) as loop:
        piece(_LANES, builder.mul(loop.index, ir.Constant(_I64, _LANES)))
    lanes = _LANES // 2
    while lanes:
        left = builder.and_(size, ir.Constant(_I64, lanes))
        with builder.if_then(builder.icmp_unsigned("!=", left, ir.Constant(_I64, 0))):
            piece(lanes, builder.and_(size, ir.Constant(_I64, -2 * lanes)))
        lanes //= 2


def _in_place(name: str, meaning: str, change: Callable[[Any, Any, Any], Any], reads: bool = True) -> Any:
    """`name(x, y, a, i, n)`: x[y + h] = change(x[y + h], a[i + h])."""

    def function(typingctx, x, y, a, i, n):
        def emit(context, builder, signature, args):
            x_at, y, a_at, i, n = args
            target, other = builder.gep(x_at, [y]), builder.gep(a_at, [i])
            align = x.dtype.bitwidth // 8

            def piece(lanes: int, offset: Any) -> None:
                place = _vector(builder, target, offset, lanes)
                old = builder.load(place, align=align) if reads else None
                given = builder.load(_vector(builder, other, offset, lanes), align=align)
                builder.store(change(builder, old, given), place, align=align)

            _in_pieces(builder, n, piece)
            return context.get_dummy_value()

        index = types.uint64
        return types.void(x, index, x, index, index), emit

    function.__name__, function.__doc__ = name, meaning
    return intrinsic(function)


def _larger(builder, old, given):
    above = builder.fcmp_ordered(">", given, old)
    return builder.select(builder.or_(above, builder.fcmp_unordered("uno", given, given)), given, old)


def _infinite_if_lowest(builder, old, given):
    vector = isinstance(given.type, ir.VectorType)
    lowest, highest = (
        ir.Constant(given.type, [number] * given.type.count if vector else number) for number in (-math.inf, math.inf)
    )
    return builder.select(builder.fcmp_ordered("==", given, lowest), highest, given)


copy = _in_place("copy", "x = a.", lambda builder, old, given: given, reads=False)
add = _in_place("add", "x += a.", lambda builder, old, given: builder.fadd(old, given))
subtract = _in_place("subtract", "x −= a.", lambda builder, old, given: builder.fsub(old, given))
multiply = _in_place("multiply", "x *= a.", lambda builder, old, given: builder.fmul(old, given))
copy_lse = _in_place("copy_lse", "x = a, but ∞ for −∞: any score less that is −∞.", _infinite_if_lowest, reads=False)
keep_larger = _in_place("keep_larger", "x = max(x, a), NaN where either is.", _larger)


@intrinsic
def set_to(typingctx, x, y, value, n):
    """x = value."""

    def emit(context, builder, signature, args):
        x_at, y, value, n = args
        target = builder.gep(x_at, [y])

        def piece(lanes: int, offset: Any) -> None:
            place = _vector(builder, target, offset, lanes)
            builder.store(_splat(builder, value, lanes), place, align=x.dtype.bitwidth // 8)

        _in_pieces(builder, n, piece)
        return context.get_dummy_value()

    return types.void(x, types.uint64, x.dtype, types.uint64), emit


def _leaky(name: str, meaning: str, of_slope: bool) -> Any:
    """`name(x, y, a, i, n, scale, negative_slope)`."""

    def function(
        typingctx, x, y, a, i, n, scale, negative_slope
    ):  # fmt: skip
        def emit(context, builder, signature, args):
            x_at, y, a_at, i, n, scale, negative_slope = args
            target, other = builder.gep(x_at, [y]), builder.gep(a_at, [i])
            align = x.dtype.bitwidth // 8

            def piece(lanes: int, offset: Any) -> None:
                place = _vector(builder, target, offset, lanes)
                inside = builder.load(_vector(builder, other, offset, lanes), align=align)
                zero = ir.Constant(inside.type, None)
                factor, slope = (_splat(builder, number, lanes) for number in (scale, negative_slope))
                if of_slope:
                    above = builder.fcmp_ordered(">", inside, zero)
                    change = builder.select(above, factor, builder.fmul(factor, slope))
                    value = builder.fmul(builder.load(place, align=align), change)
                else:
                    below = builder.fcmp_ordered("<", inside, zero)
                    value = builder.fmul(factor, builder.select(below, builder.fmul(slope, inside), inside))
                builder.store(value, place, align=align)

            _in_pieces(builder, n, piece)
            return context.get_dummy_value()

        index, number = types.uint64, x.dtype
        return types.void(x, index, x, index, index, number, number), emit

    function.__name__, function.__doc__ = name, meaning
    return intrinsic(function)


leaky_relu = _leaky("leaky_relu", "x = scale · leaky_relu(a).", of_slope=False)
multiply_leaky_slope = _leaky("multiply_leaky_slope", "x *= scale · leaky_relu'(a).", of_slope=True)
