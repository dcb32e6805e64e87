"""The base class of graphs whose edges follow from a rule, such as windows and grids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

import torch
from torch import Tensor

from graphattn.graph.checks import as_count
from graphattn.graph.compressed import Compressed, index_dtype
from graphattn.graph.packed import Packed

if TYPE_CHECKING:
    from typing_extensions import Self


class GraphKind(Packed):
    """One or more graphs whose edges follow from `sizes` and `options` by a rule.

    Sizes and the number of edges are known in closed form; edges are made when `edge_index`, `csr` or `csc` is
    asked for, and then come destination by destination with sources ascending, so that `csr.perm` is None.
    The base class of `Complete`, `Causal`, `Window`, `Grid`, `Bipartite`, `Hub` and `Strided`; not built directly.
    """

    sizes: tuple[Any, ...]
    """The size of each graph: a number of nodes, a shape (`Grid`), or a pair (`Bipartite`)."""

    @property
    def options(self) -> dict[str, Any]:
        """What the rule depends on beside the sizes: keyword arguments of the constructor."""
        return {}

    @classmethod
    def join(cls, graphs: Sequence[Self]) -> Self:
        """Pack graphs of this kind, with equal options and on one device, into one graph of this kind."""
        sizes = [size for graph in graphs for size in graph.sizes]
        make: Callable[..., Self] = cls  # each kind's constructor takes its sizes, its options and a device
        return make(sizes, **graphs[0].options, device=graphs[0].device)

    def __eq__(self, other: object) -> bool:
        """Same sizes and same edges in the same order; no edges are made where the rules are the same."""
        if type(other) is type(self) and other.sizes == self.sizes and other.options == self.options:
            return True
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]

    def _describe(self) -> str:
        return ", ".join([super()._describe(), *(f"{name}={value!r}" for name, value in self.options.items())])

    def _from_ranges(self, start: Tensor, count: Tensor, step: int | Tensor = 1) -> Compressed:
        """CSR in which row `i` holds `start[i], start[i] + step, ...`, `count[i]` of them; `step` may differ by row."""
        dtype = index_dtype(self.num_dst, self.num_src, self.num_edges)
        indptr = torch.cat([count.new_zeros(1), count.cumsum(0)])
        base = (start - step * indptr[:-1]).repeat_interleave(count, output_size=self.num_edges)
        if isinstance(step, Tensor):
            step = step.repeat_interleave(count, output_size=self.num_edges)
        indices = base + step * torch.arange(self.num_edges, device=self.device)
        return Compressed(indptr.to(dtype), indices.to(dtype), None)


def as_sizes(name: str, value: SupportsIndex | Iterable[SupportsIndex]) -> tuple[int, ...]:
    """Return one number of nodes, or several, as a tuple.

    >>> as_sizes("n", 3), as_sizes("n", [3, 4])
    ((3,), (3, 4))

    Raises:
        TypeError: neither an integer nor integers.
        ValueError: a number is negative.
    """
    if isinstance(value, int | torch.SymInt):  # which a compiler cannot ask what attributes it has
        return (as_count(name, value),)
    if hasattr(value, "tolist"):  # a NumPy array or a tensor
        value = value.tolist()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(as_count(name, size) for size in value)
    return (as_count(name, value),)


def is_several(value: SupportsIndex | Iterable[SupportsIndex]) -> bool:
    """Whether numbers are given in a container, which may hold just one, rather than one number.

    >>> is_several(3), is_several([3]), is_several(torch.tensor(3))
    (False, True, False)
    """
    return isinstance(value, Iterable) and getattr(value, "ndim", 1) > 0  # a tensor of no axes is one number


def positions(sizes: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Number the nodes of packed graphs within each graph.

    >>> positions([2, 3], torch.device("cpu"))
    (tensor([0, 1, 0, 1, 2]), tensor([0, 0, 2, 2, 2]), tensor([2, 2, 3, 3, 3]))

    Returns:
        For each node, `[sum(sizes)]` int64: its number within its graph, the number of nodes before its graph,
        and the number of nodes in its graph.
    """
    size = torch.tensor(sizes, dtype=torch.int64, device=device)
    total = sum(sizes)
    before = (size.cumsum(0) - size).repeat_interleave(size, output_size=total)
    return (
        torch.arange(total, device=device) - before,
        before,
        size.repeat_interleave(size, output_size=total),
    )
