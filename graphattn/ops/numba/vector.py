"""Three loops over contiguous numbers, written as vector instructions: dot, axpy and prefetch.

Numba's own loops over a short feature vector pay for alias checks and loop prologues that cost more than the
arithmetic. These intrinsics emit the vector loads and fused multiply-adds directly. The usual widths are
unrolled; any other length runs through blocks of falling width and a scalar rest.
"""

from collections.abc import Callable, Iterator
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_UNROLLED = (4, 8, 16, 32, 64, 128)  # lengths with straight-line code
_CHAINS = 4  # independent sums, which hide the latency of a multiply-add


def vector_bytes() -> int:
    """Width of this CPU's vector registers in bytes, by what LLVM reports: 64, 32 or 16."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 64
    return 32 if features.get("avx") else 16


def _i64(value: int) -> ir.Constant:
    return ir.Constant(ir.IntType(64), value)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [offset])


def _lane_counts(element: types.Type) -> Iterator[int]:
    """Vector lengths from the widest register down to two numbers."""
    lanes = vector_bytes() * 8 // element.bitwidth
    while lanes > 1:
        yield lanes
        lanes //= 2


class _Lanes:
    """Loads, stores and multiply-adds on vectors of `count` numbers (on plain numbers if `count` is 1)."""

    def __init__(self, builder: Any, scalar: Any, count: int) -> None:
        self.builder, self.scalar, self.count = builder, scalar, count
        self.type = scalar if count == 1 else ir.VectorType(scalar, count)

    def load(self, pointer: Any, step: Any) -> tuple[Any, Any]:
        """The `step`-th vector at `pointer`, and where it was."""
        base = pointer if self.count == 1 else self.builder.bitcast(pointer, self.type.as_pointer())
        place = self.builder.gep(base, [step])
        return self.builder.load(place, align=_size(self.scalar)), place

    def store(self, value: Any, place: Any) -> None:
        self.builder.store(value, place, align=_size(self.scalar))

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        bits = _size(self.scalar) * 8
        suffix = f"f{bits}" if self.count == 1 else f"v{self.count}f{bits}"
        kind = ir.FunctionType(self.type, [self.type] * 3)
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.fmuladd.{suffix}")
        return self.builder.call(function, [a, b, c])

    def splat(self, value: Any) -> Any:
        if self.count == 1:
            return value
        undefined = ir.Constant(self.type, ir.Undefined)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.count), [0] * self.count)
        first = self.builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(first, undefined, zeros)

    def sum(self, value: Any) -> Any:
        """The numbers of one vector added pairwise, halves first."""
        count = self.count
        while count > 1:
            undefined = ir.Constant(ir.VectorType(self.scalar, count), ir.Undefined)
            count //= 2
            low, high = (
                self.builder.shuffle_vector(
                    value, undefined, ir.Constant(ir.VectorType(ir.IntType(32), count), list(lanes))
                )
                for lanes in (range(count), range(count, 2 * count))
            )
            value = self.builder.fadd(low, high)
            if count == 1:
                value = self.builder.extract_element(value, ir.Constant(ir.IntType(32), 0))
        return value


def _size(scalar: Any) -> int:
    return 8 if isinstance(scalar, ir.DoubleType) else 4


def _by_length(
    builder: Any,
    element: types.Type,
    scalar: Any,
    length: Any,
    straight: Callable[[_Lanes, int], None],
    block: Callable[[_Lanes, Any], None],
) -> None:
    """Emit `straight(lanes, steps)` for each usual length, and for all others `block(lanes, offset)` in a loop."""
    end, other = builder.append_basic_block("end"), builder.append_basic_block("other")
    switch = builder.switch(length, other)
    widest = next(_lane_counts(element))
    for usual in _UNROLLED:
        case = builder.append_basic_block(f"length_{usual}")
        switch.add_case(_i64(usual), case)
        builder.position_at_end(case)
        lanes = min(widest, usual)
        straight(_Lanes(builder, scalar, lanes), usual // lanes)
        builder.branch(end)
    builder.position_at_end(other)
    done = _i64(0)
    for lanes in (*_lane_counts(element), 1):
        left = builder.sub(length, done)
        steps = builder.udiv(left, _i64(lanes))
        with cgutils.for_range(builder, steps, intp=ir.IntType(64)) as loop:
            offset = builder.add(done, builder.mul(loop.index, _i64(lanes)))
            block(_Lanes(builder, scalar, lanes), offset)
        done = builder.add(done, builder.mul(steps, _i64(lanes)))
    builder.branch(end)
    builder.position_at_end(end)


@intrinsic
def dot(typingctx: Any, a: Any, i: Any, b: Any, j: Any, n: Any) -> Any:
    """Σ a[i + d] · b[j + d] for d < n."""
    element = a.dtype

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        scalar = context.get_value_type(element)
        left = _pointer(context, builder, signature.args[0], args[0], args[1])
        right = _pointer(context, builder, signature.args[2], args[2], args[3])
        zero = ir.Constant(scalar, 0.0)
        total = cgutils.alloca_once_value(builder, zero)

        def straight(lanes: _Lanes, steps: int) -> None:
            sums: list[Any] = []
            for s in range(steps):
                x, y = lanes.load(left, _i64(s))[0], lanes.load(right, _i64(s))[0]
                if s < _CHAINS:
                    sums.append(builder.fmul(x, y))
                else:
                    sums[s % _CHAINS] = lanes.multiply_add(x, y, sums[s % _CHAINS])
            while len(sums) > 1:
                pairs = [builder.fadd(*sums[t : t + 2]) for t in range(0, len(sums) - 1, 2)]
                sums = pairs + sums[len(sums) & ~1 :]
            builder.store(lanes.sum(sums[0]), total)

        def block(lanes: _Lanes, offset: Any) -> None:
            x = lanes.load(builder.gep(left, [offset]), _i64(0))[0]
            y = lanes.load(builder.gep(right, [offset]), _i64(0))[0]
            builder.store(builder.fadd(builder.load(total), lanes.sum(builder.fmul(x, y))), total)

        _by_length(builder, element, scalar, args[4], straight, block)
        return builder.load(total)

    return element(a, types.uint64, b, types.uint64, types.uint64), emit


@intrinsic
def axpy(typingctx: Any, weight: Any, x: Any, i: Any, y: Any, j: Any, n: Any) -> Any:
    """y[j + d] += weight · x[i + d] for d < n."""
    element = x.dtype

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        scalar = context.get_value_type(element)
        source = _pointer(context, builder, signature.args[1], args[1], args[2])
        target = _pointer(context, builder, signature.args[3], args[3], args[4])

        def update(lanes: _Lanes, source: Any, target: Any, step: Any) -> None:
            value, _ = lanes.load(source, step)
            before, place = lanes.load(target, step)
            lanes.store(lanes.multiply_add(lanes.splat(args[0]), value, before), place)

        def straight(lanes: _Lanes, steps: int) -> None:
            for s in range(steps):
                update(lanes, source, target, _i64(s))

        def block(lanes: _Lanes, offset: Any) -> None:
            update(lanes, builder.gep(source, [offset]), builder.gep(target, [offset]), _i64(0))

        _by_length(builder, element, scalar, args[5], straight, block)
        return context.get_dummy_value()

    return types.void(element, x, types.uint64, y, types.uint64, types.uint64), emit


@intrinsic
def prefetch(typingctx: Any, array: Any, offset: Any) -> Any:
    """Ask for the cache line that holds array[offset]."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = builder.bitcast(
            _pointer(context, builder, signature.args[0], args[0], args[1]), ir.IntType(8).as_pointer()
        )
        i32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte.type, i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        read, keep, data = (ir.Constant(i32, value) for value in (0, 3, 1))
        builder.call(function, [byte, read, keep, data])
        return context.get_dummy_value()

    return types.void(array, types.uint64), emit


@intrinsic
def float_from_bits(typingctx: Any, bits: Any) -> Any:
    """The float32 whose IEEE pattern is the int32 `bits`."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), emit
