"""A key/value cache, so that each token of a growing sequence is projected only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphattn.graph import Bipartite, bipartite


@dataclass(frozen=True, eq=False)
class KeyValueCache:
    """Keys and values of several packed sequences of any lengths; immutable.

    Args:
        k: `[Σ sizes, Hk, D]`; None for scores without keys.
        v: `[Σ sizes, Hk, Dv]`.
        sizes: the length of each sequence.

    Example:
        >>> first = KeyValueCache(None, torch.tensor([1.0, 5.0, 6.0]).view(3, 1, 1), (1, 2))
        >>> grown = first.append(None, torch.tensor([2.0, 7.0]).view(2, 1, 1), (1, 1))
        >>> grown.v.flatten(), grown.sizes
        (tensor([1., 2., 5., 6., 7.]), (2, 3))
        >>> grown.select(torch.tensor([1, 1])).sizes
        (3, 3)
    """

    k: Tensor | None
    v: Tensor
    sizes: tuple[int, ...]

    def append(self, k: Tensor | None, v: Tensor, sizes: Sequence[int]) -> KeyValueCache:
        """A new cache with `sizes` more tokens at the ends of the sequences."""
        return KeyValueCache(
            None if self.k is None or k is None else _behind(self.k, self.sizes, k, sizes),
            _behind(self.v, self.sizes, v, sizes),
            tuple(old + new for old, new in zip(self.sizes, sizes, strict=True)),
        )

    def select(self, rows: Tensor) -> KeyValueCache:
        """The cache of the sequences `rows`, in that order; see `graphattn.nn.generation.select_rows`."""
        chosen = rows.tolist()
        return KeyValueCache(
            None if self.k is None else _chosen(self.k, self.sizes, chosen),
            _chosen(self.v, self.sizes, chosen),
            tuple(self.sizes[row] for row in chosen),
        )

    def seen_by(self, sizes: Sequence[int]) -> Bipartite:
        """The graph in which `sizes` queries of each sequence attend to all its cached tokens."""
        return bipartite(sizes, self.sizes, device=self.v.device)


def _behind(old: Tensor, old_sizes: Sequence[int], new: Tensor, new_sizes: Sequence[int]) -> Tensor:
    pairs = zip(old.split(list(old_sizes)), new.split(list(new_sizes)), strict=True)
    return torch.cat([piece for pair in pairs for piece in pair])


def _chosen(packed: Tensor, sizes: Sequence[int], rows: Sequence[int]) -> Tensor:
    pieces = packed.split(list(sizes))
    return torch.cat([pieces[row] for row in rows]) if rows else packed[:0]
