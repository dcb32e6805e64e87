"""Loops over the features of all heads, written as vector instructions.

Numba's own loops over a short feature vector pay for alias checks and loop prologues that cost more than the
arithmetic. These intrinsics emit the vector loads and fused multiply-adds directly. The usual widths are
unrolled; any other runs through pieces of falling size down to single numbers.

They work on pointers, which `at` makes of an address and an example of the numbers there. Memory may hold float32,
float64 or halves: `int16` stands for the bits of a float16 and `uint16` for those of a bfloat16, which become
float32 as they are loaded. What is written is float32 or float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_UNROLLED = (4, 8, 16, 32, 64, 128)  # widths with straight-line code
_CACHE_LINE = 64  # bytes
_CHAINS = 4  # independent sums, which hide the latency of a multiply-add


def vector_bytes() -> int:
    """Width of this CPU's vector registers in bytes, by what LLVM reports: 64, 32 or 16."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 64
    return 32 if features.get("avx") else 16


class Row(NamedTuple):
    """Numbers in memory, as the code that is being emitted sees them."""

    pointer: Any
    stored: types.Type

    def moved(self, builder: Any, offset: Any) -> Row:
        """The same, further on."""
        return self._replace(pointer=builder.gep(self.pointer, [offset]))


def constant(value: int) -> ir.Constant:
    """A 64-bit integer of the emitted code."""
    return ir.Constant(ir.IntType(64), value)


def number_of(pointer: types.Type) -> types.Type:
    """The type in which arithmetic on the numbers behind a pointer is done."""
    return types.float64 if pointer.dtype == types.float64 else types.float32


def _lane_counts(number: types.Type) -> Iterator[int]:
    """Vector lengths from the widest register down to two numbers."""
    lanes = vector_bytes() * 8 // number.bitwidth
    while lanes > 1:
        yield lanes
        lanes //= 2


class Lanes:
    """Loads, stores and multiply-adds on vectors of `count` numbers (on plain numbers if `count` is 1)."""

    def __init__(self, builder: Any, number: types.Type, count: int) -> None:
        self.builder, self.count = builder, count
        self.scalar = ir.DoubleType() if number == types.float64 else ir.FloatType()
        self.type = self._of(self.scalar)

    def _of(self, scalar):
        return scalar if self.count == 1 else ir.VectorType(scalar, self.count)

    def _place(self, row: Row, scalar: Any, step: Any) -> Any:
        base = self.builder.bitcast(row.pointer, self._of(scalar).as_pointer())
        return self.builder.gep(base, [step])

    def load(self, row: Row, step: Any) -> Any:
        """The `step`-th vector of a row."""
        if row.stored == types.int16:
            half = self.builder.load(self._place(row, ir.HalfType(), step), align=2)
            return self.builder.fpext(half, self.type)
        if row.stored == types.uint16:
            bits = self.builder.load(self._place(row, ir.IntType(16), step), align=2)
            wide = self._of(ir.IntType(32))
            sixteen = ir.Constant(wide, 16 if self.count == 1 else [16] * self.count)
            return self.builder.bitcast(self.builder.shl(self.builder.zext(bits, wide), sixteen), self.type)
        return self.builder.load(self._place(row, self.scalar, step), align=_size(self.scalar))

    def store(self, value: Any, row: Row, step: Any) -> None:
        """Write the `step`-th vector of a row."""
        self.builder.store(value, self._place(row, self.scalar, step), align=_size(self.scalar))

    def multiply_add(self, a, b, c):
        """a·b + c."""
        bits = _size(self.scalar) * 8
        suffix = f"f{bits}" if self.count == 1 else f"v{self.count}f{bits}"
        kind = ir.FunctionType(self.type, [self.type] * 3)
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.fmuladd.{suffix}")
        return self.builder.call(function, [a, b, c])

    def sum_of_products(self, factors: Iterable[tuple[Any, Any]]) -> Any:
        """One vector of the sums of the products of pairs of vectors."""
        sums: list[Any] = []
        for s, (x, y) in enumerate(factors):
            if s < _CHAINS:
                sums.append(self.builder.fmul(x, y))
            else:
                sums[s % _CHAINS] = self.multiply_add(x, y, sums[s % _CHAINS])
        while len(sums) > 1:
            pairs = [self.builder.fadd(*sums[t : t + 2]) for t in range(0, len(sums) - 1, 2)]
            sums = pairs + sums[len(sums) & ~1 :]
        return sums[0]

    def splat(self, value):
        """The value in every lane."""
        if self.count == 1:
            return value
        undefined = ir.Constant(self.type, ir.Undefined)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.count), [0] * self.count)
        first = self.builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(first, undefined, zeros)

    def sum(self, value):
        """The numbers of one vector added pairwise, halves first."""
        count = self.count
        while count > 1:
            count //= 2
            low, high = (self._shuffle(value, value, lanes) for lanes in (range(count), range(count, 2 * count)))
            value = self.builder.fadd(low, high)
            if count == 1:
                value = self.builder.extract_element(value, ir.Constant(ir.IntType(32), 0))
        return value

    def sum_four(self, values: Sequence[Any]) -> Any:
        """What `sum` gives for each of four vectors, in one of four numbers, with the same additions side by side."""
        count = self.count
        half, quarter = count // 2, count // 4
        lows, highs = [*range(half)], [*range(half, count)]
        pairs = []
        for first, second in (values[:2], values[2:]):
            low, high = (
                self._shuffle(first, second, lanes + [lane + count for lane in lanes]) for lanes in (lows, highs)
            )
            pairs.append(self.builder.fadd(low, high))
        low, high = (
            self._shuffle(
                pairs[0], pairs[1], [of * half + part * quarter + lane for of in range(4) for lane in range(quarter)]
            )
            for part in (0, 1)
        )
        value, size = self.builder.fadd(low, high), quarter
        while size > 1:
            low, high = (
                self._shuffle(value, value, [of * size + lane for of in range(4) for lane in lanes])
                for lanes in (range(size // 2), range(size // 2, size))
            )
            value, size = self.builder.fadd(low, high), size // 2
        return value

    def _shuffle(self, first: Any, second: Any, lanes: Sequence[int]) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
        return self.builder.shuffle_vector(first, second, mask)


def _size(scalar: Any) -> int:
    return 8 if isinstance(scalar, ir.DoubleType) else 4


class Loops(NamedTuple):
    """The loops of a function over heads: `group` query heads for each of `key_heads`, rows of `width` numbers."""

    builder: Any
    number: types.Type
    width: Any
    group: Any
    key_heads: Any
    done: Any = ir.Constant(ir.IntType(64), 0)  # key heads that need no more

    def emit_fours(
        self, query: Row, key: Row, four: Callable[[Lanes, int, Sequence[Row], Sequence[Row], Any], None]
    ) -> Loops:
        """Emit `four(lanes, steps, queries, keys, first)` for heads by fours: the same with the other heads left to do.

        Only where each head has its own key head and the width is a usual one.
        """
        builder = self.builder
        done = cgutils.alloca_once_value(builder, constant(0))
        alone = builder.icmp_unsigned("==", self.group, constant(1))
        fours = builder.select(alone, builder.udiv(self.key_heads, constant(4)), constant(0))
        end = builder.append_basic_block("end_of_fours")
        switch = builder.switch(self.width, end)
        widest = next(_lane_counts(self.number))
        for usual in _UNROLLED:
            lanes = min(widest, usual)
            if lanes < 4:
                continue
            case = builder.append_basic_block(f"fours_of_{usual}")
            switch.add_case(constant(usual), case)
            builder.position_at_end(case)
            with cgutils.for_range(builder, fours, intp=ir.IntType(64)) as loop:
                first = builder.mul(loop.index, constant(4))
                at = [builder.mul(builder.add(first, constant(t)), self.width) for t in range(4)]
                queries, keys = ([row.moved(builder, offset) for offset in at] for row in (query, key))
                four(Lanes(builder, self.number, lanes), usual // lanes, queries, keys, first)
            builder.store(builder.mul(fours, constant(4)), done)
            builder.branch(end)
        builder.position_at_end(end)
        return self._replace(done=builder.load(done))

    def emit(
        self,
        queries: Sequence[Row],
        keys: Sequence[Row],
        piece: Callable[..., None],
        begin: Callable[[Any], None] = lambda head: None,
        finish: Callable[[Any], None] = lambda head: None,
    ) -> None:
        """For each head `begin(head)`, `piece(lanes, steps, *queries, *keys)` until its rows are done, `finish(head)`.

        A usual width is one piece; any other goes through loops over pieces of falling size.
        """
        builder = self.builder
        end, other = builder.append_basic_block("end"), builder.append_basic_block("other")
        switch = builder.switch(self.width, other)
        widest = next(_lane_counts(self.number))
        for usual in _UNROLLED:
            case = builder.append_basic_block(f"width_{usual}")
            switch.add_case(constant(usual), case)
            builder.position_at_end(case)
            lanes = min(widest, usual)
            for head, rows in self._heads(queries, keys):
                begin(head)
                piece(Lanes(builder, self.number, lanes), usual // lanes, *rows)
                finish(head)
            builder.branch(end)
        builder.position_at_end(other)
        for head, rows in self._heads(queries, keys):
            begin(head)
            self._pieces(widest, rows, piece)
            finish(head)
        builder.branch(end)
        builder.position_at_end(end)

    def _heads(self, queries: Sequence[Row], keys: Sequence[Row]) -> Iterator[tuple[Any, list[Row]]]:
        """The body of the loop over heads, once: the head's number and its rows."""
        builder, index = self.builder, ir.IntType(64)
        with cgutils.for_range(builder, self.key_heads, start=self.done, intp=index) as outer:
            of_key = builder.mul(outer.index, self.width)
            first = builder.mul(outer.index, self.group)
            with cgutils.for_range(builder, self.group, intp=index) as inner:
                head = builder.add(first, inner.index)
                of_query = builder.mul(head, self.width)
                moved = [row.moved(builder, of_query) for row in queries]
                yield head, moved + [row.moved(builder, of_key) for row in keys]

    def _pieces(self, widest: int, rows: Sequence[Row], piece: Callable[..., None]) -> None:
        builder, done = self.builder, constant(0)
        for lanes, steps in (
            (widest, _UNROLLED[-1] // widest),
            *((lanes, 1) for lanes in (*_lane_counts(self.number), 1)),
        ):
            size = constant(lanes * steps)
            pieces = builder.udiv(builder.sub(self.width, done), size)
            with cgutils.for_range(builder, pieces, intp=ir.IntType(64)) as loop:
                offset = builder.add(done, builder.mul(loop.index, size))
                piece(Lanes(builder, self.number, lanes), steps, *(row.moved(builder, offset) for row in rows))
            done = builder.add(done, builder.mul(pieces, size))


@intrinsic
def at(typingctx, address, example):
    """A pointer to the numbers of the kind of `example` that lie at `address`."""

    def emit(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(example)(address, example), emit


@intrinsic
def numbers_of(typingctx, array):
    """A pointer to the numbers of a NumPy array made inside a kernel, which `keep` must hold until it is done with."""

    def emit(context, builder, signature, args):
        return context.make_array(array)(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), emit


@intrinsic
def shifted(typingctx, pointer, offset):
    """A pointer `offset` numbers further on."""

    def emit(context, builder, signature, args):
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.uint64), emit


@intrinsic
def keep(typingctx, array):
    """Do nothing; an array lives until its last use."""

    def emit(context, builder, signature, args):
        return context.get_dummy_value()

    return types.void(array), emit


@intrinsic
def add_dots(
    typingctx, scale, a, i, b, j, width, group, key_heads,
    sums, y,
):  # fmt: skip
    """sums[y + h] += scale · ⟨a_h, b_h⟩, for rows a_h of query heads from a[i] on and b_h of key heads from b[j] on."""
    number = number_of(sums)

    def emit(context, builder, signature, args):
        scale, a_at, i, b_at, j, width, group, key_heads, sums_at, y = args
        zero = ir.Constant(context.get_value_type(number), 0.0)
        total = cgutils.alloca_once_value(builder, zero)

        def products(lanes: Lanes, steps: int, query: Row, key: Row) -> Any:
            return lanes.sum_of_products(
                (lanes.load(query, constant(s)), lanes.load(key, constant(s))) for s in range(steps)
            )

        def four(lanes: Lanes, steps: int, queries: Sequence[Row], keys: Sequence[Row], first: Any) -> None:
            each = [products(lanes, steps, *rows) for rows in zip(queries, keys, strict=True)]
            target, of_four = (
                Row(sums_at, sums.dtype).moved(builder, builder.add(y, first)),
                Lanes(builder, number, 4),
            )
            added = builder.fmul(of_four.splat(scale), lanes.sum_four(each))
            of_four.store(builder.fadd(of_four.load(target, constant(0)), added), target, constant(0))

        def piece(lanes: Lanes, steps: int, query: Row, key: Row) -> None:
            found = lanes.sum(products(lanes, steps, query, key))
            builder.store(builder.fadd(builder.load(total), found), total)

        def begin(head):
            builder.store(zero, total)

        def finish(head):
            place = builder.gep(sums_at, [builder.add(y, head)])
            builder.store(builder.fadd(builder.load(place), builder.fmul(scale, builder.load(total))), place)

        query, key = Row(a_at, a.dtype).moved(builder, i), Row(b_at, b.dtype).moved(builder, j)
        loops = Loops(builder, number, width, group, key_heads)
        loops.emit_fours(query, key, four).emit([query], [key], piece, begin, finish)
        return context.get_dummy_value()

    index = types.uint64
    return types.void(number, a, index, b, index, index, index, index, sums, index), emit


def _emit_add_scaled(context: Any, builder: Any, signature: Any, args: Any, into_key: bool) -> Any:
    scale, weights, y, a_at, i, b_at, j, width, group, key_heads = args
    a, b = signature.args[3].dtype, signature.args[5].dtype
    number = number_of(signature.args[5 if into_key else 3])
    weight = cgutils.alloca_once(builder, context.get_value_type(number))

    def begin(head):
        place = builder.gep(weights, [builder.add(y, head)])
        builder.store(builder.fmul(scale, builder.load(place)), weight)

    def piece(lanes: Lanes, steps: int, query: Row, key: Row) -> None:
        source, target = (query, key) if into_key else (key, query)
        factor = lanes.splat(builder.load(weight))
        for s in map(constant, range(steps)):
            lanes.store(lanes.multiply_add(factor, lanes.load(source, s), lanes.load(target, s)), target, s)

    query, key = Row(a_at, a).moved(builder, i), Row(b_at, b).moved(builder, j)
    Loops(builder, number, width, group, key_heads).emit([query], [key], piece, begin)
    return context.get_dummy_value()


@intrinsic
def add_to_queries(
    typingctx, scale, weights, y, a, i, b, j,
    width, group, key_heads,
):  # fmt: skip
    """a_h += scale · weights[y + h] · b_h, with rows as in `add_dots`."""

    def emit(context, builder, signature, args):
        return _emit_add_scaled(context, builder, signature, args, into_key=False)

    index = types.uint64
    return types.void(number_of(a), weights, index, a, index, b, index, index, index, index), emit


@intrinsic
def add_to_keys(
    typingctx, scale, weights, y, a, i, b, j,
    width, group, key_heads,
):  # fmt: skip
    """b_h += scale · weights[y + h] · a_h, with rows as in `add_dots`; heads of one group add to one row."""

    def emit(context, builder, signature, args):
        return _emit_add_scaled(context, builder, signature, args, into_key=True)

    index = types.uint64
    return types.void(number_of(b), weights, index, a, index, b, index, index, index, index), emit


@intrinsic
def plus(typingctx, a, i, b, j, sums, y, width, group, key_heads):
    """The rows sums_h = a_h + b_h from sums[y] on, with rows as in `add_dots`."""

    def emit(context, builder, signature, args):
        a_at, i, b_at, j, sums_at, y, width, group, key_heads = args

        def piece(lanes: Lanes, steps: int, query: Row, target: Row, key: Row) -> None:
            for s in map(constant, range(steps)):
                lanes.store(builder.fadd(lanes.load(query, s), lanes.load(key, s)), target, s)

        query, key = Row(a_at, a.dtype).moved(builder, i), Row(b_at, b.dtype).moved(builder, j)
        target = Row(sums_at, sums.dtype).moved(builder, y)
        Loops(builder, number_of(sums), width, group, key_heads).emit([query, target], [key], piece)
        return context.get_dummy_value()

    index = types.uint64
    return types.void(a, index, b, index, sums, index, index, index, index), emit


@intrinsic
def prefetch(typingctx, array, offset, n):
    """Ask for the cache lines of array[offset], …, array[offset + n − 1]."""
    size = array.dtype.bitwidth // 8

    def emit(context, builder, signature, args):
        i8, i32 = ir.IntType(8), ir.IntType(32)
        first = builder.bitcast(builder.gep(args[0], [args[1]]), i8.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [i8.as_pointer(), i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        read, keep, data = (ir.Constant(i32, value) for value in (0, 3, 1))
        length = builder.mul(args[2], constant(size))
        lines = builder.udiv(builder.add(length, constant(_CACHE_LINE - 1)), constant(_CACHE_LINE))
        with cgutils.for_range(builder, lines, intp=ir.IntType(64)) as loop:
            line = builder.gep(first, [builder.mul(loop.index, constant(_CACHE_LINE))])
            builder.call(function, [line, read, keep, data])
        return context.get_dummy_value()

    return types.void(array, types.uint64, types.uint64), emit


@intrinsic
def next_task(typingctx, counter):
    """The number at `counter`, which becomes one more, as one step for all threads."""

    def emit(context, builder, signature, args):
        return builder.atomic_rmw("add", args[0], constant(1), "monotonic")

    return types.uint64(counter), emit


@intrinsic
def add_release(typingctx, counter):
    """Add one to `counter` (release): a thread that reads the new number also sees what this thread wrote before."""

    def emit(context, builder, signature, args):
        builder.atomic_rmw("add", args[0], constant(1), "release")
        return context.get_dummy_value()

    return types.void(counter), emit


@intrinsic
def load_acquire(typingctx, counter):
    """The number at `counter`, with all that was written before it came to that by `add_release`."""

    def emit(context, builder, signature, args):
        return builder.load_atomic(args[0], "acquire", 8)

    return types.uint64(counter), emit


@intrinsic
def float_from_bits(typingctx, bits):
    """The float32 whose IEEE pattern is the int32 `bits`."""

    def emit(context, builder, signature, args):
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), emit


@intrinsic
def bits_of_float(typingctx, number):
    """The IEEE pattern of a float32, as an int32."""

    def emit(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), emit
