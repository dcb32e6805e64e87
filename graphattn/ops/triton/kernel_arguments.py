"""The arguments of the kernels, from those of the operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import triton.language as tl
from torch import Tensor

from graphattn.ops.random import drop_threshold
from graphattn.ops.schema import Inputs, Options
from graphattn.ops.triton.tile_choice import Key, Start, launch_with, name_of
from graphattn.ops.triton.tile_table import Tile, architecture_of, padded, tile_for

_Tuple = TypeVar("_Tuple", bound=NamedTuple)

NUMBERS = {2: tl.float32, 4: tl.float32, 8: tl.float64}
"""What everything is added up in, by the size of a value."""


@dataclass(frozen=True, eq=False)
class KernelArguments:
    """The operator's tensors, contiguous, and its options."""

    tensors: dict[str, Tensor | None]
    score: str
    normalize: str
    heads: int
    scale: float
    negative_slope: float
    dropout: float
    seed: Tensor | None
    attr_value: bool
    weights: bool

    @classmethod
    def of(cls, inputs: Inputs, options: Options) -> KernelArguments:
        """From the operator's own."""
        named = contiguous(inputs)._asdict()
        if inputs.k is not None and same(inputs.k, inputs.v):
            named["k"] = named["v"]
        seed = options.seed.to(inputs.v.device) if options.seed is not None and options.dropout else None
        return cls(named, *options._replace(seed=seed))

    @property
    def v(self) -> Tensor:
        """The values, which are always there."""
        value = self.tensors["v"]
        assert value is not None
        return value

    @property
    def key_heads(self) -> int:
        """Hk."""
        return self.v.shape[1]

    @property
    def group(self) -> int:
        """Query heads of each key head."""
        return self.heads // self.key_heads

    @property
    def width(self) -> int:
        """D, or zero where queries are no rows."""
        q = self.tensors["q"]
        return q.shape[2] if q is not None and q.ndim == 3 else 0

    @property
    def attr_width(self) -> int:
        """A, the number of edge features."""
        attr = self.tensors["edge_attr"]
        return 0 if attr is None else attr.shape[1]

    @property
    def shared(self) -> bool:
        """Whether keys and values are the same numbers, as in GATv2, so that a row is read once for both."""
        named = self.tensors
        return self.width > 0 and named["k"] is named["v"] and named["edge_key"] is named["edge_value"] is None

    def edge_ids(self, ids: Tensor | None) -> Tensor | None:
        """The caller's edge at each place, where a tensor has something for each edge."""
        edge_tensors = ("bias", "edge_key", "edge_value", "edge_attr")
        return ids if self.weights or any(self.tensors[name] is not None for name in edge_tensors) else None

    @property
    def number(self) -> Any:
        """What everything is added up in."""
        return NUMBERS[self.v.element_size()]

    @property
    def number_size(self) -> int:
        """Bytes of such a number."""
        return max(4, self.v.element_size())

    @property
    def crowded(self) -> int:
        """How often to halve a tile, for registers hold more than queries, keys, values and sums."""
        named = self.tensors
        more = any(named[name] is not None for name in ("vector", "edge_key", "edge_value"))
        return more + (named["key_proj"] is not None and self.number_size == 8)

    def launch_with(self, degree: int, kernel: str, start: Start, *, whole: bool = False) -> None:
        """Start a kernel over rows of at most `degree` edges with its best tile.

        Args:
            degree: of the bin.
            kernel: "forward", "source", "destination" or "destination_recompute".
            start: starts it with a tile; does the same with every tile.
            whole: whether one program must have all heads.
        """
        device, D, DV, A = self.v.device, self.width, self.v.shape[2], self.attr_width
        by_head = self.tensors["attr_query"] is not None or self.attr_value  # there are rows of A numbers for each head
        width = max(D, DV, A if by_head else 0)
        table = "source" if kernel == "destination_recompute" else kernel
        tile = tile_for(
            architecture_of(device), degree, self.key_heads, self.group, width, table, self.number_size,
            whole=whole, crowded=self.crowded,
        )  # fmt: skip
        key = Key(
            name_of(device), kernel, degree, self.score, str(self.v.dtype), self.heads, self.key_heads, D, DV, A,
            self.crowded, whole,
        )  # fmt: skip
        launch_with(key, tile, start)

    def row_tile(self, degree: int, width: int, *, whole: bool = False) -> Tile:
        """The tile of a kernel that takes numbers of rows, or of edges, and gathers nothing."""
        architecture = architecture_of(self.v.device)
        return tile_for(architecture, degree, self.heads, 1, width, "forward", self.number_size, whole=whole)

    def sizes(self, tile: Tile) -> dict[str, Any]:
        """The sizes that the kernels over edges are compiled for."""
        D, DV, A = self.width, self.v.shape[2], self.attr_width
        return {
            "HK": self.key_heads, "GROUP": self.group, "D": D, "DV": DV, "A": A, "HKP": tile.key_heads,
            "GP": padded(self.group), "DP": padded(D), "DVP": padded(DV), "AP": padded(A),
            "H": self.heads, "ROWS": tile.rows, "SLOTS": tile.slots, "STAGES": tile.stages, "NUMBER": self.number,
        }  # fmt: skip

    def arguments(self) -> dict[str, Any]:
        """Tensors and options, by the names of the kernels' parameters."""
        return {
            **self.tensors, "SCORE": self.score, "NORMALIZE": self.normalize, "DROPOUT": self.dropout > 0,
            "SHARED": self.shared, "scale": float(self.scale), "slope": float(self.negative_slope), "seed": self.seed,
            "threshold": drop_threshold(self.dropout), "keep_scale": 1 / (1 - self.dropout),
        }  # fmt: skip


def contiguous(tensors: _Tuple) -> _Tuple:
    """The same named tuple with each tensor contiguous."""
    return tensors._make(None if tensor is None else tensor.contiguous() for tensor in tensors)


def present(tensor: Tensor | None) -> Tensor | None:
    """An output that is asked for, or its gradient; None for one of length zero, which stands for one that is not."""
    return None if tensor is None or tensor.ndim == 1 else tensor


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are the same numbers in the same memory."""
    return a.shape == b.shape and a.stride() == b.stride() and a.dtype == b.dtype and a.data_ptr() == b.data_ptr()


def programs(count: int, tile: Tile, key_heads: int) -> tuple[int, int]:
    """The grid for `count` rows."""
    return -(-count // tile.rows), -(-key_heads // tile.key_heads)
