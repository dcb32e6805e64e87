"""Marshalling: the operator's tensors and options become the records of addresses and sizes that kernels read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeVar

import torch
from numba import types
from torch import Tensor

from graphattn.ops.custom_score import CUSTOM
from graphattn.ops.numba.generated import register
from graphattn.ops.numba.jit import Kernel
from graphattn.ops.numba.kernel_arguments import (
    LEAKY,
    LEAKY_EDGES,
    NORMALIZERS,
    TASKS,
    Edges,
    KernelInputs,
    Results,
)
from graphattn.ops.numba.record import Kind
from graphattn.ops.numba.row_tasks import Pieces
from graphattn.ops.precision import wide_dtype
from graphattn.ops.random import drop_threshold
from graphattn.ops.schema import Inputs, Options, Outputs

NUMBERS_PER_HEAD = 16  # of a row, that could be read in the time the exponential and the like of one head take

# The type behind an address, by dtype; Numba has no 16-bit floating-point numbers: integers of that size stand for them
_TYPES: dict[torch.dtype, types.Type] = {
    torch.float32: types.float32,
    torch.float64: types.float64,
    torch.float16: types.int16,
    torch.bfloat16: types.uint16,
    torch.int32: types.int32,
    torch.int64: types.int64,
}

_Tuple = TypeVar("_Tuple", bound=NamedTuple)


def contiguous(tensors: _Tuple) -> _Tuple:
    """The same named tuple with each tensor contiguous."""
    for tensor in tensors:
        if tensor is not None and not tensor.is_contiguous():
            return tensors._make(None if tensor is None else tensor.contiguous() for tensor in tensors)
    return tensors


def address(tensor: Tensor | None) -> int:
    """The address of the first number, or 0 where there is none."""
    return 0 if tensor is None else tensor.data_ptr()


class Projections(NamedTuple):
    """The matrices of edge features in the layouts that kernels read; they must live as long as the kernels run."""

    key_proj: Tensor | None = None
    key_proj_turned: Tensor | None = None
    outer_key: Tensor | None = None
    outer_key_turned: Tensor | None = None
    outer_value: Tensor | None = None
    outer_value_turned: Tensor | None = None

    @classmethod
    def of(cls, inputs: Inputs, options: Options) -> Projections:
        """From the operator's own."""
        key, value = inputs.key_proj, inputs.value_proj
        found = cls()
        if key is not None and options.score == "dot":
            key = key * options.scale
            turned = key.movedim(0, 2).contiguous()
            found = found._replace(outer_key=key.transpose(0, 1).contiguous(), outer_key_turned=turned)
        elif key is not None:
            found = found._replace(key_proj=key, key_proj_turned=key.movedim(0, 2).contiguous())
        if value is not None:
            turned = value.movedim(0, 2).contiguous()
            found = found._replace(outer_value=turned.transpose(1, 2).contiguous(), outer_value_turned=turned)
        return found


class Variant(NamedTuple):
    """What kernels are compiled for separately."""

    score: str
    queries: torch.dtype
    keys: torch.dtype
    values: torch.dtype


@cache  # comparing Numba's types takes as long as a kernel on a small graph
def machine_code(kernel: Kernel, index: torch.dtype, variant: Variant, *results: Kind) -> Callable[..., Any]:
    """The machine code of a kernel that takes tasks, edges, inputs and records of these kinds."""
    score, queries, keys, values = variant
    if score.startswith(CUSTOM):
        register(score)
    dtypes = {"queries": queries, "keys": keys, "values": values, "number": wide_dtype(values)}
    inputs = Kind(KernelInputs, score=score, **{name: _TYPES[dtype] for name, dtype in dtypes.items()})
    return kernel.of(TASKS, Kind(Edges, index=_TYPES[index]), inputs, *results)


def kernel_inputs(inputs: Inputs, projections: Projections, options: Options) -> tuple[Variant, KernelInputs]:
    """The operator's inputs and options as kernels read them."""
    q, k, v, bias, edge_key, edge_value, edge_attr, attr_query, _, _, vector = inputs
    assert attr_query is None and not options.attr_value  # edge features are projected here
    score = options.score
    if score == LEAKY and (edge_key is not None or projections.key_proj is not None):
        score = LEAKY_EDGES
    number = wide_dtype(v.dtype)
    variant = Variant(score, number if q is None else q.dtype, number if k is None else k.dtype, v.dtype)
    _, key_heads, value_width = v.shape
    record = (
        NORMALIZERS[options.normalize],
        *map(address, (q, k, v, bias, edge_key, edge_value, edge_attr, vector)),
        *map(address, projections),
        options.heads,
        key_heads,
        options.heads // key_heads,
        0 if q is None else q.shape[2] if q.ndim == 3 else 1,
        value_width,
        0 if edge_attr is None else edge_attr.shape[1],
        0 if options.seed is None else int(options.seed),
        drop_threshold(options.dropout),
        1 / (1 - options.dropout),
        options.scale,
        options.negative_slope,
    )
    return variant, KernelInputs._make(record)


def compressed_edges(
    indptr: Tensor, indices: Tensor, ids: Tensor | None, places: Tensor | None = None, by_source: bool = False
) -> Edges:
    """Edges in one compressed order as kernels read them."""
    return Edges(
        starts=indptr.data_ptr(),
        stops=indptr.data_ptr() + indptr.element_size(),
        others=address(indices),
        places=address(places),
        ids=address(ids),
        rows=0,
        by_source=by_source,
    )


def edges_of_pieces(edges: Edges, pieces: Pieces) -> Edges:
    """The same edges, with the pieces of long rows as rows."""
    return edges._replace(starts=pieces.starts.data_ptr(), stops=pieces.stops.data_ptr(), rows=pieces.rows.data_ptr())


def ids_if_needed(edge_ids: Tensor | None, inputs: Inputs, options: Options) -> Tensor | None:
    """The caller's edge at each place, if any tensor has numbers for each edge: a look-up costs a cache miss."""
    of_edges = (inputs.bias, inputs.edge_key, inputs.edge_value, inputs.edge_attr)
    return edge_ids if options.return_weights or any(tensor is not None for tensor in of_edges) else None


def result_addresses(outputs: Outputs) -> Results:
    """The addresses of the outputs; `attr_out` is never asked for on the CPU."""
    return Results(*map(address, (outputs.out, outputs.lse, outputs.rest, outputs.weights)))
