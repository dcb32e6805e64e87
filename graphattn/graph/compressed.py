"""The compressed (CSR or CSC) form of a list of edges, and the counting sort that builds it."""

from __future__ import annotations

import importlib.util
from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.graph.torch_modes import has_values, is_exporting, is_mapped


class Compressed(NamedTuple):
    """Edges grouped by row: row `r` holds `indices[indptr[r]:indptr[r + 1]]`.

    As `Graph.csr`, rows are destinations and `indices` are sources; as `Graph.csc`, rows are sources and
    `indices` are destinations. All tensors share one dtype, int32 while the sizes fit and int64 beyond.
    """

    indptr: Tensor
    """Where each row begins, `[rows + 1]`, from 0 to `E`."""
    indices: Tensor
    """The other end of each edge, `[E]`."""
    perm: Tensor | None
    """Where the edge at each position came from, `[E]`; None means position `p` was position `p`."""

    def rows(self) -> Tensor:
        """The row of each position, `[E]`, in the dtype of `indices`.

        >>> import torch
        >>> Compressed(torch.tensor([0, 2, 2, 3]), torch.tensor([5, 1, 4]), None).rows()
        tensor([0, 0, 2])
        """
        if is_mapped(self.indptr):
            places = torch.arange(self.indices.numel(), dtype=self.indptr.dtype, device=self.indices.device)
            return torch.searchsorted(self.indptr, places, right=True).to(self.indices.dtype) - 1
        rows = torch.arange(self.indptr.numel() - 1, dtype=self.indices.dtype, device=self.indices.device)
        return rows.repeat_interleave(self.indptr.diff(), output_size=self.indices.numel())


def index_dtype(*sizes: int) -> torch.dtype:
    """The narrowest index type that can count up to all `sizes`: int32 below 2³¹, int64 from there on.

    A program that `torch.export` makes is for sizes on either side, and counts in int64.

    >>> index_dtype(5, 2**31 - 1), index_dtype(5, 2**31)
    (torch.int32, torch.int64)
    """
    if is_exporting():
        return torch.int64
    return torch.int32 if all(size < 2**31 for size in sizes) else torch.int64


def compress(keys: Tensor, values: Tensor, num_rows: int) -> Compressed:
    """Group `values` by `keys`, keeping the given order inside each group.

    indptr[r] = #{p : keys[p] < r},   indices = values[perm],   perm = stable argsort of keys

    A counting sort, O(E + rows), on the CPU (through SciPy, where present); a stable radix sort elsewhere. (A `Graph`
    on the CPU is compressed by compiled code once that is loaded; see `graphattn.graph.native`.)

    Args:
        keys: the row of each entry, `[E]`, integers in `[0, num_rows)`; not checked.
        values: what to group, `[E]`, same dtype as `keys`.
        num_rows: the number of rows.

    Returns:
        The grouped entries. `perm` is None when `keys` never decrease, for then nothing moves. (Under
        `torch.compile` the order of the data cannot steer the program, and `perm` is always a tensor.)

    Example:
        >>> import torch
        >>> compress(torch.tensor([2, 0, 2]), torch.tensor([7, 8, 9]), num_rows=3)
        Compressed(indptr=tensor([0, 1, 1, 3]), indices=tensor([8, 7, 9]), perm=tensor([1, 0, 2]))
    """
    if not has_values(keys) or is_mapped(keys):
        return _sort(keys, values, num_rows)
    if bool((keys[1:] >= keys[:-1]).all()):
        return Compressed(_row_starts(keys, num_rows), values, None)
    if keys.device.type == "cpu" and importlib.util.find_spec("scipy") is not None:
        return _counting_sort(keys, values, num_rows)
    return _sort(keys, values, num_rows)


def _row_starts(sorted_keys: Tensor, num_rows: int) -> Tensor:
    starts = torch.arange(num_rows + 1, dtype=sorted_keys.dtype, device=sorted_keys.device)
    return torch.searchsorted(sorted_keys, starts, out_int32=sorted_keys.dtype == torch.int32)


def _sort(keys: Tensor, values: Tensor, num_rows: int) -> Compressed:
    sorted_keys, perm = torch.sort(keys, stable=True)
    return Compressed(_row_starts(sorted_keys, num_rows), values[perm], perm.to(keys.dtype))


def _counting_sort(keys: Tensor, values: Tensor, num_rows: int) -> Compressed:
    from scipy.sparse import csr_array

    # A matrix whose row p holds the one entry (p, keys[p]) = values[p]. Its transpose in CSR is what we want:
    # SciPy's csr -> csc conversion is a stable counting sort over the columns.
    num_entries = keys.numel()
    one_per_row = torch.arange(num_entries + 1, dtype=keys.dtype, device="cpu")
    matrix = csr_array((values.numpy(), keys.numpy(), one_per_row.numpy()), shape=(num_entries, num_rows)).tocsc()
    return Compressed(
        torch.from_numpy(matrix.indptr).to(keys.dtype),
        torch.from_numpy(matrix.data),
        torch.from_numpy(matrix.indices).to(keys.dtype),
    )
