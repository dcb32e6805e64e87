"""Counts the bytes that kernels read and write, from the loads and stores that they do in the interpreter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from triton.runtime.interpreter import InterpreterBuilder

from graphattn.ops.triton import attend, gradient, rowblock_calls


@contextmanager
def counted() -> Iterator[Counter]:
    """Bytes by (kernel, parameter, "load" or "store").

    An address counts once for each edge: query heads that share a key head read the same numbers together.
    """
    found: Counter = Counter()
    running: list[tuple[str, dict[str, tuple[int, int]]]] = []

    def count(pointers, mask, itemsize, kind):
        kernel, ranges = running[-1]
        addresses = np.where(mask.data, pointers.data, 0)  # [R, S, …], of rowblocks [R, C] or [C, width], or fewer axes
        sorted_ = np.sort(addresses.reshape(*addresses.shape[:2], -1), axis=-1)
        different = (sorted_ != 0) & (np.diff(sorted_, axis=-1, prepend=0) != 0)
        if different.any():
            lowest, highest = sorted_[different].min(), sorted_.max()
            names = [name for name, (first, last) in ranges.items() if first <= lowest and highest < last]
            assert names, f"{kernel} reads or writes outside of its tensors"
            found[kernel, names[0], kind] += int(different.sum()) * itemsize

    load, store = InterpreterBuilder.create_masked_load, InterpreterBuilder.create_masked_store

    def counted_load(self, pointers, mask, *rest):
        result = load(self, pointers, mask, *rest)
        count(pointers, mask, result.data.dtype.itemsize, "load")
        return result

    def counted_store(self, pointers, value, mask, *rest):
        count(pointers, mask, value.data.dtype.itemsize, "store")
        return store(self, pointers, value, mask, *rest)

    original = attend.launch

    def launch(kernel, grid, tensors, warps, **arguments):
        taken = {name: arguments[name] for name in kernel.arg_names}
        ranges = {
            name: (x.data_ptr(), x.data_ptr() + x.numel() * x.element_size())
            for name, x in taken.items()
            if isinstance(x, torch.Tensor)
        }
        running.append((kernel.fn.__name__, ranges))
        original(kernel, grid, tensors, warps, **arguments)
        running.pop()

    attend.launch = gradient.launch = rowblock_calls.launch = launch
    InterpreterBuilder.create_masked_load, InterpreterBuilder.create_masked_store = counted_load, counted_store
    try:
        yield found
    finally:
        attend.launch = gradient.launch = rowblock_calls.launch = original
        InterpreterBuilder.create_masked_load, InterpreterBuilder.create_masked_store = load, store
