"""Pieces of long rows put together, always in the same order."""

import triton
import triton.language as tl


@triton.jit
def merge_kernel(
    part_out, part_attr_out, part_lse, part_rest, hubs, first_pieces, out, attr_out, lse, rest,
    keep_scale: tl.float64,
    SOFTMAX: tl.constexpr, H: tl.constexpr, DV: tl.constexpr, A: tl.constexpr,
    HP: tl.constexpr, DVP: tl.constexpr, AP: tl.constexpr, SLOTS: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """One long row and HP of its heads: a piece has the share exp(top − lse) of a softmax; other results are sums.

    Of a softmax, part_lse holds the largest score of each piece, part_rest the sum of its exponentials.
    """
    hub = tl.program_id(0)
    node = tl.load(hubs + hub).to(tl.int64)
    first, last = tl.load(first_pieces + hub), tl.load(first_pieces + hub + 1)
    head = tl.program_id(1) * HP + tl.arange(0, HP)
    real = head < H
    slot = tl.arange(0, SLOTS)
    column, feature = tl.arange(0, DVP)[None, None, :], tl.arange(0, AP)[None, None, :]
    largest = tl.full((HP,), 0.0, NUMBER)
    if SOFTMAX:
        tops = tl.full((SLOTS, HP), float("-inf"), NUMBER)
        for piece in range(first, last, SLOTS):
            at = (piece + slot).to(tl.int64)[:, None]
            tops = tl.maximum(tops, tl.load(part_lse + at * H + head[None, :], mask=(at < last) & real[None, :],
                                            other=float("-inf")))  # fmt: skip
        largest = tl.max(tops, 0)
        largest = tl.where(largest == float("-inf"), 0.0, largest)
    totals = tl.zeros((SLOTS, HP), NUMBER)
    sums = tl.zeros((SLOTS, HP, DVP), NUMBER)
    means = tl.zeros((SLOTS, HP, AP), NUMBER)
    for piece in range(first, last, SLOTS):
        at = (piece + slot).to(tl.int64)[:, None]
        mask = (at < last) & real[None, :]
        share = tl.where(mask, 1.0, 0.0).to(NUMBER)
        if SOFTMAX:
            top = tl.load(part_lse + at * H + head[None, :], mask=mask, other=float("-inf"))
            share = tl.exp(top - largest[None, :])
            totals += share * tl.load(part_rest + at * H + head[None, :], mask=mask, other=0.0)
        at = (at * H + head[None, :])[:, :, None]
        sums += share[:, :, None] * tl.load(
            part_out + at * DV + column, mask=mask[:, :, None] & (column < DV), other=0.0
        )
        if attr_out is not None:
            means += share[:, :, None] * tl.load(
                part_attr_out + at * A + feature, mask=mask[:, :, None] & (feature < A), other=0.0
            )
    shrink = tl.full((HP,), 1.0, NUMBER)
    if SOFTMAX:
        total = tl.sum(totals, 0)
        hidden = total == 0
        log_total = tl.log(tl.where(hidden, 1.0, total))
        level = largest + log_total
        tl.store(lse + node * H + head, tl.where(hidden, float("-inf"), level), mask=real)
        tl.store(rest + node * H + head, tl.where(hidden, 0.0, log_total - (level - largest)), mask=real)
        shrink = tl.where(hidden, 0.0, tl.full((HP,), keep_scale, NUMBER) / tl.where(hidden, 1.0, total))
    row = (node * H + head)[:, None]
    column, feature = tl.arange(0, DVP)[None, :], tl.arange(0, AP)[None, :]
    tl.store(out + row * DV + column, tl.sum(sums, 0) * shrink[:, None], mask=real[:, None] & (column < DV))
    if attr_out is not None:
        tl.store(attr_out + row * A + feature, tl.sum(means, 0) * shrink[:, None], mask=real[:, None] & (feature < A))


@triton.jit
def sum_kernel(
    parts, hubs, first_pieces, total, W: tl.constexpr, WP: tl.constexpr, SLOTS: tl.constexpr, NUMBER: tl.constexpr
):
    """total[hub] = Σ of its parts, rows of W numbers."""
    hub = tl.program_id(0)
    node = tl.load(hubs + hub).to(tl.int64)
    first, last = tl.load(first_pieces + hub), tl.load(first_pieces + hub + 1)
    column = tl.program_id(1) * WP + tl.arange(0, WP)
    sums = tl.zeros((SLOTS, WP), NUMBER)
    for piece in range(first, last, SLOTS):
        at = (piece + tl.arange(0, SLOTS)).to(tl.int64)[:, None]
        sums += tl.load(parts + at * W + column[None, :], mask=(at < last) & (column < W)[None, :], other=0.0)
    tl.store(total + node * W + column, tl.sum(sums, 0), mask=column < W)
